"""dialler import ..."""

from cyclopts import App

from dialler.cli import import_rows, import_setup, import_stages

app = App(name="import", help="Imports in stages: each is kept, and an interrupted one goes on where it was.")

for name, verb in (
    ("start", import_setup.start),
    ("list", import_setup.list_),
    ("show", import_setup.show),
    ("file", import_setup.file),
    ("map", import_setup.map_),
    ("check", import_stages.check),
    ("rows", import_rows.rows),
    ("fix", import_rows.fix),
    ("drop", import_rows.drop),
    ("rejects", import_rows.rejects),
    ("review", import_stages.review),
    ("run", import_stages.run),
    ("cancel", import_setup.cancel),
    ("resume", import_stages.resume),
    ("templates", import_setup.templates),
):
    app.command(verb, name=name)
