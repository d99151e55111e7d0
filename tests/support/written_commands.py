"""The commands of `dialler` that a document tells people to type, and whether there are such."""

import re

from dialler.cli.root import app


def commands_in(text: str) -> list[str]:
    """Return the commands of `dialler` in Markdown, without what stands before them, in blocks and in the text."""
    inline = re.findall(r"`(?:/opt/\S+/)?(dialler [^`]+)`", text)
    blocks = [
        found[1]
        for line in text.splitlines()
        if line.startswith("    ")
        and (found := re.search(r"(?:^|[\s/])(dialler (?!-\$)[a-z][^;)|]*)$", line.strip().rstrip(")")))
    ]
    return sorted({*inline, *blocks})


def check_command(command: str) -> None:
    """Check that the verbs and options of a command are there."""
    words = command.split()[1:]
    verb = app
    for word in words:
        if word.startswith("-") or word not in verb:
            break
        verb = verb[word]
    assert verb is not app or words[0] in ("--version", "..."), command
    for option in re.findall(r" (--[a-z-]+)", command):
        known = {name for argument in verb.assemble_argument_collection() for name in argument.names}
        assert option in known, (command, option)
