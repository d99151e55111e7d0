"""The command line: a client of the API, wherever that is.

`connection` finds the daemon on its unix socket; with none running it serves the same application to itself, on the
same records. Heavy things are imported inside the commands, so that `--help` is quick.

Exit codes: 0 done, 1 failed, 2 wrong usage or settings. With `--json` one document goes to standard output; all
that is not the answer goes to standard error.
"""

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line of this process and exit with its code."""
    try:
        from dialler.cli.root import run

        code = run(sys.argv[1:])
    except KeyboardInterrupt:  # While it was being imported.
        code = 130
    sys.exit(code)
