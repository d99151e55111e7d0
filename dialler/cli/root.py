"""All verbs, and how a command ends: its exit code, and one clear line where it failed."""

import os
import re
import sys
from collections.abc import Sequence

from cyclopts import App, Parameter
from cyclopts.exceptions import CycloptsError

import dialler
from dialler.cli import (
    agent_calls,
    agents,
    audit,
    callbacks,
    caller_ids,
    campaigns,
    checks,
    daemon,
    database,
    dnc,
    doctor,
    filters,
    leads,
    lists,
    replay,
    sessions,
    setup,
    staged_imports,
    status,
    strategies,
    successes,
)
from dialler.domain.clean_text import unclean_at
from dialler.errors import Conflict, DiallerError, NotFound, SettingsError, TelephonyError, UsageError

OK, FAILED, WRONG = 0, 1, 2
INTERRUPTED = 130  # 128 + SIGINT, as shells say it

_SPREAD = ("--map", "--pacing-setting", "--set")
"""Options of KEY=VALUE that may be followed by several of them."""

_EXPECTED = {"timedelta": "a duration such as 90s, 2m or 1h", "int": "a whole number", "float": "a number such as 0.03"}
"""What to write, by the type that an argument is to become."""

app = App(
    name="dialler",
    version=dialler.__version__,
    help="An outbound dialler engine: exact list shares, lawful hours, and an explanation for every decision.",
    help_epilogue=(
        "Every command takes `-c FILE`; else settings come from $DIALLER_CONFIG, ./dialler.toml or"
        " /etc/dialler/dialler.toml. Exit codes: 0 done, 1 failed, 2 wrong usage or settings."
    ),
    default_parameter=Parameter(negative=(), show_default=False),
)
for verb in (
    daemon.demo,
    daemon.run,
    daemon.web,
    daemon.simulate,
    checks.check_config,
    doctor.doctor,
    setup.asterisk_config,
    replay.replay_ami,
    status.status,
):
    app.command(verb)
for noun in (
    campaigns.app,
    lists.app,
    strategies.app,
    leads.app,
    staged_imports.app,
    sessions.app,
    successes.app,
    filters.app,
    filters.columns_app,
    callbacks.app,
    caller_ids.app,
    dnc.app,
    audit.app,
    agents.app,
    database.app,
    setup.tokens,
):
    app.command(noun)

agents.app.command(agent_calls.dial)
agents.app.command(agent_calls.offer)
agents.app.command(agent_calls.accept)
agents.app.command(agent_calls.skip)
agents.app.command(callbacks.of_agent, name="callbacks")


def run(arguments: Sequence[str]) -> int:
    """Carry out a command line; return its exit code."""
    if (at := unclean_at(list(arguments))) is not None:
        # Bytes that are no UTF-8 arrive as halves of surrogate pairs, and can't be sent on.
        return _tell(f"argument {int(at) + 1}, {arguments[int(at)]!a}: expected text in UTF-8", WRONG)
    try:
        code = app(_arranged(arguments), exit_on_error=False, print_error=False, result_action="return_value")
        sys.stdout.flush()
    except CycloptsError as error:
        return _tell(f"{_in_words(error)} See --help.", WRONG)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our answer has enough of it; else the interpreter would complain once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except Exception as error:
        known = _known(error)
        if known is None:
            raise
        return _tell(str(known), _code_of(known))
    return code if isinstance(code, int) else OK


def _in_words(error: CycloptsError) -> str:
    """Return what cyclopts says, in the words of people who do not know the types of Python."""
    said = str(error).rstrip()
    for kind, expected in _EXPECTED.items():
        said = re.sub(rf'unable to convert ("[^"]*") into {kind}\.', rf"expected {expected}, got \1.", said)
    return said


def _arranged(arguments: Sequence[str]) -> list[str]:
    """Move `-c FILE` from before the verb to behind it, and repeat options that are given several values."""
    words = list(arguments)
    before: list[str] = []
    while words and words[0] in ("-c", "--config") and len(words) > 1:
        before, words = [*before, *words[:2]], words[2:]
    if words and words[0].startswith("--config="):
        before, words = [*before, words[0]], words[1:]
    arranged: list[str] = []
    spreading = ""
    for word, previous in zip(words, ["", *words], strict=False):
        if spreading and previous != spreading and "=" in word and not word.startswith("-"):
            arranged.append(spreading)
        elif word in _SPREAD:
            spreading = word
        elif previous != spreading:
            spreading = ""
        arranged.append(word)
    return arranged + before


def _known(error: BaseException) -> Exception | None:
    """Return the one error in `error` that a person can act on; None if it is a fault of ours."""
    if isinstance(error, DiallerError | TelephonyError):
        return error
    if isinstance(error, BaseExceptionGroup):
        inner = [_known(each) for each in error.exceptions]
        return inner[0] if all(each is not None for each in inner) else None
    return None


def _code_of(error: Exception) -> int:
    if isinstance(error, SettingsError):
        return WRONG
    return WRONG if isinstance(error, UsageError) and not isinstance(error, NotFound | Conflict) else FAILED


def _tell(text: str, code: int) -> int:
    sys.stderr.write(f"dialler: {text}\n")
    return code
