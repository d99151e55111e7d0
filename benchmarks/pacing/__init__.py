"""A campaign for trying pacing out: agents, calls and patience, nothing else of a dialler.

`scenario` says what happens, `simulator` lets it happen from a seed, `rivals` paces as others do, `matrix` holds the
scenarios of the reference, and `figures` compares. Nothing here is used by the daemon.
"""
