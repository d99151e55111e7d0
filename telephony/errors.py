"""What can go wrong between the dialler and the exchange.

TelephonyError
├── NotSent        nothing left this process: link down, or the exchange can't keep up
├── Refused        the exchange said no: nothing was placed
│   └── UnknownQueue  it has no queue of that name
├── LinkLost       it was sent and the answer never came: nobody can say whether it was done
└── LoginRefused   the exchange does not accept our account
"""

from collections.abc import Iterable


class TelephonyError(Exception):
    """The exchange, or the way to it, failed."""


class NotSent(TelephonyError):
    """Nothing left this process, so nothing was placed; asking again is safe."""


class Refused(TelephonyError):
    """The exchange answered with an error, so nothing was placed.

    `configuration` is true where asking again can't help until somebody mends the exchange's
    settings: an unknown dialplan extension, a missing permission.
    """

    def __init__(self, message: str, *, configuration: bool = False) -> None:
        super().__init__(message)
        self.configuration = configuration


class UnknownQueue(Refused):
    """No exchange that was asked has a queue of that name."""

    def __init__(self, queue: str, servers: Iterable[str]) -> None:
        super().__init__(f"there is no queue {queue!r} on {', '.join(servers)}", configuration=True)


class LinkLost(TelephonyError):
    """The link broke, or the answer missed its deadline, after the request was sent.

    When nobody can say whether a call was placed, it counts as placed.
    """


class LoginRefused(TelephonyError):
    """The exchange does not accept the account: wrong name or secret, or not from this address."""
