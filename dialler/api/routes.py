"""Makes the application."""

from fastapi import FastAPI

from dialler.api import campaigns, dnc, imports, leads, lists, sessions, status
from dialler.api.desk import Desk
from dialler.api.errors import tell_errors


def make_api(desk: Desk) -> FastAPI:
    """Return the API over `desk`. It trusts whoever reaches it: the doors (`serving`, `tokens`) say who may."""
    app = FastAPI(
        title="dialler",
        version=desk.version,
        summary="The one way in to an outbound dialler: campaigns, lists, leads, sessions, control and status.",
        # Pages of documentation would load scripts from elsewhere; the description itself is at /openapi.json.
        docs_url=None,
        redoc_url=None,
    )
    app.state.desk = desk
    for noun in (status, lists, campaigns, imports, leads, sessions, dnc):
        app.include_router(noun.router)
    tell_errors(app)
    return app
