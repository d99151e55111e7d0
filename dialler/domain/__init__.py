"""What dialling means. Pure: no I/O, no clock, no chance of its own.

A *lead* waits in a *list* of a *campaign*. `verdict.dialable` is the one function that says whether it may
be dialled now, why not, and when at the earliest; selection and explanation both call it. An attempt
is a *session*; `call` follows the telephone's events, `outcome` turns them into what the network did,
and `redial` says when the lead is due again.

Moments are aware and in UTC unless a name says otherwise; time arrives as `now`.
"""
