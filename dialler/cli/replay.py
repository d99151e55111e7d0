"""dialler replay-ami."""

from pathlib import Path

from dialler.cli.options import ConfigOption, JsonOption
from dialler.cli.printing import print_json, print_line


def replay_ami(file: Path, /, *, json: JsonOption = False, config: ConfigOption = None) -> None:
    """Feed a transcript of an AMI link to the call tracking again: each call's states and its verdict.

    `DIALLER_DEBUG=ami dialler run` records one for each server. A capture of what Asterisk sent can be read as well.

    Example: `dialler replay-ami ami-main-20260601T150000Z.log`
    """
    from dialler.app.replay import replay_file, replay_json, replay_lines

    replayed = replay_file(file)
    if json:
        print_json(replay_json(replayed))
        return
    for line in replay_lines(replayed):
        print_line(line)
