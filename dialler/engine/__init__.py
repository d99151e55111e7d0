"""The loops that dial.

    records --refill--> hopper --whose turn--> gates + session New (one transaction)
       --> Originate --> events --> call state machine --> outcome --> session closed + lead's next turn

* `dial` decides how many and whose turn, commits the intents (`intent`) and hands them to the exchange.
* `tracking` follows the exchange's events; `recovery` compares what the records say with what the exchange
  holds, after a start and after a lost link; `wrapping` closes talks whose wrap code never came.
* `outbox` writes what became of calls, in order, and keeps it while the records can't be written.
* `board` is what the engine knows at this moment: live calls, agents, trunks. It is rebuilt from the records
  and the exchange, so a crash forgets nothing.
* `engine` ties the loops together and follows what supervisors want.

Nothing polls: loops wake on events and on the next known instant, with one safety wake an hour.
"""
