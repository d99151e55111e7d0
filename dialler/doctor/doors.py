"""The doors of the daemon and of the board: the API's unix socket and TCP port, the metrics port, the board's."""

import socket
import stat
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from dialler.doctor.finding import Finding, fail, ok, or_ok, skip, warn
from dialler.settings import Settings, host_and_port

BOARD_TITLE: Final = "<title>dialler board</title>"


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketFacts:
    """What was found at the API's unix socket."""

    answers: bool
    version: str | None = None
    """Of the daemon; None where nobody, or something else, answered."""

    error: str = ""
    """Why it could not be found out."""

    is_denied: bool = False
    """Whether that is because this user may not ask."""


def api_socket(path: Path, facts: SocketFacts, *, version: str) -> list[Finding]:
    """Judge the unix socket; `version` is ours."""
    if facts.error and not facts.is_denied:
        return [fail("api.socket", f"{path}: {facts.error}", "name another [api] socket")]
    if facts.error:
        advice = "join the daemon's group (usermod -aG dialler USER, then log in again), or run this as its user"
        return [fail("api.socket", f"{path}: {facts.error}", advice)]
    if facts.answers and facts.version is None:
        advice = "look at what listens there, or restart the daemon: it is stuck"
        return [fail("api.socket", f"{path}: somebody listens, and does not answer as a daemon does", advice)]
    if facts.answers and facts.version != version:
        found = f"the daemon at {path} is of version {facts.version}, this is {version}"
        return [warn("api.socket", found, "restart the daemon: its calls are adopted")]
    if facts.answers:
        return [ok("api.socket", f"a daemon of version {version} answers on {path}")]
    if path.exists() and not stat.S_ISSOCK(path.lstat().st_mode):
        return [fail("api.socket", f"{path} is no socket, so a daemon can't listen there", "name another [api] socket")]
    return [ok("api.socket", f"no daemon answers on {path}", advice="`dialler run`, or `systemctl start dialler`")]


def api_tcp(settings: Settings, *, daemon_answers: bool) -> list[Finding]:
    """Judge the API's TCP address."""
    if settings.api.tcp is None:
        return [skip("api.tcp", "not in the settings: the API is on the unix socket alone")]
    host, port = host_and_port(settings.api.tcp)
    problems = [_taken("api.tcp", host, port, settings.api.port_fallback, daemon_answers=daemon_answers)]
    if not _is_loopback(host):
        problems.append(
            warn(
                "api.tcp",
                f"{settings.api.tcp} can be reached from elsewhere, and has no TLS: tokens and numbers in clear text",
                "listen on 127.0.0.1 and put a proxy with TLS before it",
            )
        )
    return or_ok([each for each in problems if each is not None], "api.tcp", _state(settings.api.tcp, daemon_answers))


def metrics(settings: Settings, *, daemon_answers: bool, page: str | None) -> list[Finding]:
    """Judge the metrics port; `page` is what it answered, None for nothing."""
    if settings.metrics is None:
        return [skip("metrics", "none are served", advice='[metrics] listen = "127.0.0.1:9108" serves them')]
    host, port = host_and_port(settings.metrics.listen)
    is_ours = page is not None and "dialler_" in page
    if is_ours:
        lines = sum(not line.startswith("#") for line in (page or "").splitlines())
        return [ok("metrics", f"{settings.metrics.listen} answers with {lines} values")]
    if daemon_answers and not settings.metrics.port_fallback:
        advice = "see that the daemon was started after [metrics] was set; curl that address"
        return [
            fail("metrics", f"a daemon runs, and {settings.metrics.listen} does not answer with its metrics", advice)
        ]
    problem = _taken("metrics", host, port, settings.metrics.port_fallback, daemon_answers=False)
    return [problem] if problem else [ok("metrics", _state(settings.metrics.listen, answers=False))]


def web(settings: Settings, *, page: str | None) -> list[Finding]:
    """Judge the board's port; `page` is what it answered, None for nothing."""
    listen = settings.web.listen
    if page is not None and BOARD_TITLE in page:
        return [ok("web", f"the board answers on http://{listen}")]
    host, port = host_and_port(listen)
    problem = _taken("web", host, port, settings.web.port_fallback, daemon_answers=False)
    if problem is None:
        return [ok("web", _state(listen, answers=False), advice="`dialler web`, or `systemctl start dialler-web`")]
    # Nobody has to have the board: the daemon does its work without it.
    return [warn("web", f"{problem.found}; the board can't listen there", problem.advice)]


def _state(address: str, answers: bool) -> str:
    return f"{address}, {'served' if answers else 'free'}"


def _taken(check: str, host: str, port: int, fallback: bool, *, daemon_answers: bool) -> Finding | None:
    """Return what stands in the way of listening at an address; a running daemon listens there itself."""
    if daemon_answers or port == 0:
        return None
    try:
        family, kind, _, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(place)
    except OSError as error:
        found = f"{host}, port {port}: {error.strerror or error}"
        if fallback:
            return warn(check, f"{found}; another port will be taken", "free that port, so that others find it again")
        return fail(check, found, f"name another port in the settings, or end what has it (ss -ltnp 'sport = :{port}')")
    return None


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
