"""The kinds of values that settings have: each checks itself, and its ValueError says what is expected.

The validation's context may hold `base`, the folder from which relative paths count.
"""

import ipaddress
import os
import re
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationInfo

SQLITE: Final = "sqlite:///"
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
NAME_EXPECTED: Final = "a name: 1 to 64 letters, digits, '.', '_' or '-', the first a letter or digit"
URL_EXPECTED: Final = "'sqlite:///FILE' or 'postgresql://USER@HOST/DATABASE'"
REDIS_EXPECTED: Final = "'redis://HOST:PORT', 'rediss://HOST:PORT' or 'unix:///SOCKET'"
PERMIT_EXPECTED: Final = "an address or a network, such as '192.0.2.7' or '192.0.2.0/24'"
ADDRESS_EXPECTED: Final = "'HOST:PORT', such as '127.0.0.1:9108' or '[::1]:9108'"
_PLACE: Final = re.compile(r"\{(number|digits|national|international)\}")
DIAL_EXPECTED: Final = (
    "a channel with '{number}' ('{digits}', '{national}' or '{international}') in it once, such as"
    " 'PJSIP/{number}@trunk-a'"
)
REGION_EXPECTED: Final = "the country of the trunk, two letters of ISO 3166, such as 'US' or 'GB'"
LOOPBACK_EXPECTED: Final = (
    "an address of this machine's own, such as '127.0.0.1:8080': the board has no sign-in, so a proxy with one goes"
    " before it, or each looks through `ssh -L` (docs/install.md)"
)


def host_and_port(address: str) -> tuple[str, int]:
    """Split 'HOST:PORT' or '[HOST]:PORT'. Raises ValueError, saying what is expected."""
    host, colon, port = address.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise ValueError(ADDRESS_EXPECTED)
    if not (colon and host and port.isascii() and port.isdigit() and int(port) <= 65535):
        raise ValueError(ADDRESS_EXPECTED)
    return host, int(port)


def is_loopback(host: str) -> bool:
    """Tell whether a host, by name or address, can only be this machine to itself."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def loopback(address: str) -> str:
    """Return 'HOST:PORT' if only this machine reaches it. Raises ValueError, saying what is expected."""
    if not is_loopback(host_and_port(address)[0]):
        raise ValueError(LOOPBACK_EXPECTED)
    return address


def base_of(info: ValidationInfo) -> Path:
    """Return the folder from which relative paths count."""
    return Path((info.context or {}).get("base", "."))


def _from_base(path: Path, info: ValidationInfo) -> Path:
    return base_of(info) / path


def _no_bool(value: object) -> object:
    if isinstance(value, bool):  # Python would take true for 1
        raise ValueError("a number, not true or false")
    return value


def _name(value: str) -> str:
    if not _NAME.fullmatch(value):
        raise ValueError(NAME_EXPECTED)
    return value


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def _address(value: str) -> str:
    host_and_port(value)
    return value


def _one_line(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    if not text or not text.isprintable() or text != text.strip():
        raise ValueError("a secret of printable characters on one line, without blanks around it")
    return value


def _url(value: str, info: ValidationInfo) -> str:
    if value.startswith(SQLITE):
        file = value.removeprefix(SQLITE)
        if not file or file.startswith(":") or "?" in file or not file.isprintable():
            raise ValueError("'sqlite:///FILE', a plain path: from the settings file's folder, or absolute")
        return SQLITE + str(Path(os.path.abspath(base_of(info) / file)))
    try:
        parts = urlsplit(value)
    except ValueError:
        raise ValueError(URL_EXPECTED) from None
    if parts.scheme not in ("postgresql", "postgresql+psycopg") or not parts.path.strip("/"):
        raise ValueError(URL_EXPECTED)
    return value


def _redis_url(value: str) -> str:
    try:
        parts = urlsplit(value)
        is_one = bool(parts.hostname) and parts.port != 0 if parts.scheme in ("redis", "rediss") else None
    except ValueError:
        raise ValueError(REDIS_EXPECTED) from None
    if parts.scheme == "unix":
        is_one = len(parts.path) > 1 and (not parts.netloc or parts.netloc.endswith("@"))
    elif parts.path.strip("/") and not parts.path.strip("/").isdigit():
        raise ValueError(f"{REDIS_EXPECTED}; after HOST:PORT no more than the number of a database, as in '/0'")
    if not is_one or not value.isprintable():
        raise ValueError(REDIS_EXPECTED)
    if "password" in parts.query:  # There it would not be recognised as the secret that it is.
        raise ValueError("a password, if any, before the host: 'redis://:PASSWORD@HOST:PORT'")
    return value


def _permit(value: str) -> str:
    try:
        return ipaddress.ip_network(value).with_netmask
    except ValueError:
        raise ValueError(PERMIT_EXPECTED) from None


def _dial(value: str) -> str:
    rest, places = _PLACE.subn("", value)
    if places != 1 or "/" not in rest or re.search(r"[{}\s]", rest) or not rest.isprintable():
        raise ValueError(DIAL_EXPECTED)
    return value


# telephony.presentation reads phonenumbers, which takes as long as all other settings together.
def _region(value: str) -> str:
    from telephony.presentation import check_region

    return check_region(value)


def _shown_name(value: str) -> str:
    from telephony.presentation import check_name

    return check_name(value)


Name = Annotated[str, AfterValidator(_name)]
HostName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:-]{1,253}$")]
Level = Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(_lower)]
Address = Annotated[str, AfterValidator(_address)]
Loopback = Annotated[str, AfterValidator(loopback)]
Permit = Annotated[str, AfterValidator(_permit)]
"""An address with its mask, as Asterisk writes it."""

Secret = Annotated[SecretStr, AfterValidator(_one_line)]
Sha256 = Annotated[str, BeforeValidator(_lower), Field(pattern="^[0-9a-f]{64}$")]
RedisUrl = Annotated[str, AfterValidator(_redis_url)]
StoreUrl = Annotated[str, AfterValidator(_url)]
Dial = Annotated[str, AfterValidator(_dial)]
Region = Annotated[str, AfterValidator(_region)]
ShownName = Annotated[str, AfterValidator(_shown_name)]
FromBase = Annotated[Path, AfterValidator(_from_base)]
Whole = Annotated[int, BeforeValidator(_no_bool)]
Number = Annotated[float, BeforeValidator(_no_bool)]
