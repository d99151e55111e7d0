"""What is measured: each figure a ratio of two things run in turns on the same machine, with its parts beside it.

An absolute number says as much of the machine, and of who else used it, as of the program. So each figure names
what it is compared with (a bare loop, a stock library, the same with less data), runs the two in turns several times,
and takes the ratio within each turn. `README.md` says how each is taken and keeps the last results.
"""
