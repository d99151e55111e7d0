"""dialler db ..."""

from cyclopts import App

from dialler.cli.connection import connected, daemon_answers, load
from dialler.cli.options import Reading, Writing
from dialler.cli.printing import print_json, print_line
from dialler.errors import Conflict

app = App(name="db", help="The records: create, migrate and verify them.")

_READING, _WRITING = Reading(), Writing()


@app.command
async def upgrade(*, options: Writing = _WRITING) -> None:
    """Create the records, or migrate those of an older version.

    Example: `dialler db upgrade -c dialler.toml`
    """
    settings = load(options.config)
    if daemon_answers(settings):
        raise Conflict(f"a daemon runs on these records, see {settings.api.socket}: stop it first")
    from dialler.stores.upgrade import upgrade

    before, after = upgrade(settings.store.url, wait=options.wait, command="dialler db upgrade")
    if options.json:
        print_json({"before": before, "after": after})
    elif before == after:
        print_line(f"the records are up to date: schema {after}")
    else:
        print_line(f"the records have schema {after} now" + (f", before {before}" if before else ", newly created"))


@app.command
async def check(*, options: Reading = _READING) -> int:
    """Verify the promises on the stored data; exit code 1 if one is broken. Reads everything.

    Example: `dialler db check`
    """
    async with connected(options) as api:
        page = await api.get("/check")
    if options.json:
        print_json(page)
    else:
        for problem in page["items"]:
            print_line(f"{problem['promise']}: {problem['what']}")
        if not page["items"]:
            print_line("nothing found: the records keep their promises")
    return 1 if page["items"] else 0
