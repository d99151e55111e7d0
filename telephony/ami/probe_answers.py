"""Reads what Asterisk answers to an examination. Pure."""

import re
from collections.abc import Iterable
from typing import Final

from telephony.ami.translate import Fields, text
from telephony.health import Account

ENDPOINT: Final = re.compile(r"^PJSIP/(?:[^@/]*@)?([^@/{}]+)$", re.IGNORECASE)
"""The endpoint of a trunk's channel: PJSIP/{number}@ENDPOINT."""
LOCAL: Final = re.compile(r"^Local/[^@/]*@([^@/]+)(?:/[a-z]*)?$", re.IGNORECASE)
"""The context of a trunk's channel: Local/{number}@CONTEXT/n."""

PRIVILEGE: Final = re.compile(r"\(Priv: [^)]*\)\s*$")
RUN_BY_FAILURE: Final = frozenset({"failed", "_.", "_!", "_[a-z].", "_[a-z]!"})
"""Extensions that Asterisk would run for a call that fails: that name, and the patterns that people write for it."""


def actions_of(message: Fields) -> frozenset[str] | None:
    """Return the actions in the answer to ListCommands, which lists just those that the account may use."""
    if text(message, "response") != "Success":
        return None
    names = frozenset(key for key in message if PRIVILEGE.search(text(message, key)))
    return names or None


def extensions_of(messages: Iterable[Fields]) -> tuple[bool, frozenset[str] | None]:
    """Return whether ShowDialPlan was denied, and the extensions of the context; None: it is not there."""
    head, *events = messages
    if text(head, "response") == "Success":
        return False, frozenset(text(event, "extension") for event in events if "extension" in event)
    return not text(head, "message").lower().startswith("did not find context"), None


def takes_failed(extensions: frozenset[str] | None) -> bool:
    """Tell whether Asterisk would run something in this context for a call that fails."""
    return bool(extensions and extensions & RUN_BY_FAILURE)


def queues_of(messages: Iterable[Fields]) -> dict[str, int] | None:
    """Return the number of members of each queue from a QueueStatus list; None where it was denied."""
    head, *events = messages
    if text(head, "response") != "Success":
        return None
    queues = {text(event, "queue"): 0 for event in events if text(event, "event") == "QueueParams"}
    for event in events:
        if text(event, "event") == "QueueMember" and text(event, "queue") in queues:
            queues[text(event, "queue")] += 1
    return queues


def account_of(message: Fields) -> Account | None:
    """Return the account in the answer to GetConfig, which also holds the secret: it goes no further than here."""
    if text(message, "response") != "Success":
        return None
    lines = [text(message, key).partition("=") for key in message if key.lower().startswith("line-")]
    values = {key.strip().lower(): value.strip() for key, _, value in lines}
    timeout = values.get("writetimeout", "")
    return Account(
        read=_classes(values.get("read", "")),
        write=_classes(values.get("write", "")),
        write_timeout_ms=int(timeout) if timeout.isdecimal() else None,
        filters=tuple(f"{key}={value}" for key, _, value in lines if key.strip().lower().startswith("eventfilter")),
    )


def field_number(message: Fields, key: str) -> float | None:
    """Return a header as a number, None where it is not one."""
    try:
        return float(text(message, key))
    except ValueError:
        return None


def _classes(line: str) -> frozenset[str]:
    return frozenset(word.strip().lower() for word in line.split(",") if word.strip())
