"""How many calls, whose turn, how fast: numbers in, numbers and a reason out.

No I/O, no clock, no dice of their own. Nothing here knows of leads or campaigns, so a pacing strategy
can be written with a dataclass and numpy alone; `registry` finds those of other packages by their entry point.
"""
