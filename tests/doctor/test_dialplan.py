"""The doctor knows the dialplan that is shipped."""

import hashlib
import re

from dialler.doctor.dialplan import SHIPPED, VERSION, VERSIONED
from dialler.doctor.modules import ALWAYS, SOMETIMES
from dialler.shipped import shipped_config

TEXT = shipped_config("asterisk/extensions_dialler.conf").read_text(encoding="utf-8")
DIGEST = "7b3852212d5302bc"
"""Of the lines of version VERSION that Asterisk runs."""


def digest(text: str) -> str:
    """Return a digest of what Asterisk runs of a dialplan: neither comments nor empty lines."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith(";")]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def test_a_change_of_the_dialplan_raises_its_version() -> None:
    assert digest(TEXT) == DIGEST, (
        "extensions_dialler.conf does something else now: raise VERSION in dialler/doctor/dialplan.py and the extension"
        f" of the context -version in the file, then set DIGEST here to its new digest ({digest(TEXT)} before that)"
    )


def test_the_file_names_its_version() -> None:
    [named] = re.findall(rf"^\[@@{{context}}{VERSIONED}\]\nexten => v(\d+),", TEXT, re.MULTILINE)
    assert int(named) == VERSION


def test_all_contexts_of_the_file_are_looked_for() -> None:
    suffixes = re.findall(r"^\[@@{context}(.*)\]$", TEXT, re.MULTILINE)
    assert sorted(suffixes) == sorted(["", *SHIPPED, VERSIONED])


def test_the_modules_are_those_of_what_the_dialplan_calls() -> None:
    built_in = {"Background", "Goto", "GotoIf", "Hangup", "Set", "WaitExten"}
    lines = [line for line in TEXT.splitlines() if not line.startswith(";")]
    steps = [re.match(r"(?:exten => [^,]*,1| same => n(?:\(\w+\))?),(\w+)\(", line) for line in lines]
    called = {step[1] for step in steps if step}
    functions = set(re.findall(r"(?:\$\{|Set\()([A-Z]+)\(", TEXT))
    of_modules = {*ALWAYS.values(), *(name for name, _ in SOMETIMES.values())}
    assert (called - built_in) | functions == of_modules


def test_comments_may_change_and_nothing_else() -> None:
    assert digest(TEXT) == digest(f"; Another word.\n\n{TEXT}")
    assert digest(TEXT) != digest(TEXT.replace("Hangup(16)", "Hangup(17)", 1))
    assert digest(TEXT) != digest(TEXT.replace(f"v{VERSION},", f"v{VERSION + 1},"))
