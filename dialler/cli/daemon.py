"""dialler demo, run, web and simulate."""

from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from dialler.cli.options import ConfigOption, Given, JsonOption, UnusedConfigOption
from dialler.errors import DiallerError, UsageError


def demo(
    *,
    for_: Annotated[
        Given[timedelta], Parameter(name="--for", help="Stop after so long, such as 60s; else Ctrl-C ends it.")
    ] = None,
    speed: Annotated[float, Parameter(help="How much faster than life the simulated people are.")] = 1.0,
    fresh: Annotated[bool, Parameter(help="Begin anew instead of going on where the last run stopped.")] = False,
    web: Annotated[bool, Parameter(negative="--no-web", help="Serve the board beside it, as a page.")] = True,
    config: UnusedConfigOption = None,
) -> int | None:
    """A running contact centre: embedded database, simulated network, nothing to set up.

    Its records and settings are in ./.demo, also for the other commands: `dialler status -c .demo/demo.toml`.

    Example: `dialler demo --for 60s`
    """
    if not 0.1 <= speed <= 100:
        raise UsageError(f"--speed {speed:g}: expected 0.1 to 100")
    from dialler.app.demo import demo

    return demo(duration=for_, speed=speed, fresh=fresh, web=web)


def run(*, config: ConfigOption = None) -> int | None:
    """The daemon: engine, API and metrics, until it is told to stop.

    Example: `dialler run -c /etc/dialler/dialler.toml`
    """
    from dialler.app.run import run
    from dialler.settings import find_settings

    return run(find_settings(config))


def web(
    *,
    listen: Annotated[
        str | None,
        Parameter(help="HOST:PORT to serve on, of this machine's own addresses; else as the settings say."),
    ] = None,
    with_stdin: Annotated[
        bool, Parameter(help="End when standard input does, for a program that starts this one.")
    ] = False,
    config: ConfigOption = None,
) -> int | None:
    """The live board as a page: what is it doing, and why is it not doing more.

    A process of its own that asks the daemon; it can be started before it, and outlives it. There is no sign-in.

    Example: `dialler web -c /etc/dialler/dialler.toml --listen 127.0.0.1:8080`
    """
    from dialler.settings import find_settings
    from dialler.web.process import run

    return run(find_settings(config), listen=listen, with_stdin=with_stdin)


def simulate(
    scenario: Annotated[Path, Parameter(help="The scenario, such as those in config/scenarios.")],
    /,
    *,
    seed: Annotated[int, Parameter(help="The same seed gives the same day.")] = 1,
    sessions: Annotated[
        Path | None, Parameter(help="Write the sessions there, one JSON line each, in the order of intent.")
    ] = None,
    json: JsonOption = False,
    config: UnusedConfigOption = None,
) -> None:
    """A whole day in seconds, deterministic: prints the figures, can write the sessions.

    Example: `dialler simulate config/scenarios/weights.toml --seed 1 --sessions day.jsonl`
    """
    from dialler.app.simulate import show, simulate

    try:
        with sessions.open("w", encoding="utf-8", newline="\n") if sessions else nullcontext() as out:
            day = simulate(scenario, seed=seed, sessions=out)
    except OSError as error:
        raise DiallerError(f"{sessions}: {error.strerror or error}") from error
    show(day, as_json=json)
