"""Makes the application."""

from fastapi import Depends, FastAPI

from dialler.api import (
    abandons,
    adding,
    agent_calls,
    agents,
    audit,
    callbacks,
    caller_id_numbers,
    caller_ids,
    campaigns,
    change_sets,
    dnc,
    exports,
    import_rows,
    import_setup,
    import_stages,
    imports,
    lead_bulk,
    lead_edits,
    leads,
    lists,
    mine,
    pacing,
    sessions,
    status,
    strategies,
    successes,
    wraps,
)
from dialler.api.clean import refuse_unclean
from dialler.api.desk import Desk
from dialler.api.docs import OPENAPI, serve_docs
from dialler.api.errors import ANSWERS, tell_errors
from dialler.api.query_keys import refuse_unknown_keys


def make_api(desk: Desk) -> FastAPI:
    """Return the API over `desk`. It trusts whoever reaches it: the doors (`serving`, `tokens`) say who may."""
    app = FastAPI(
        title="dialler",
        version=desk.version,
        summary="The one way in to an outbound dialler: campaigns, lists, leads, sessions, control and status.",
        # FastAPI's own pages would load scripts from elsewhere.
        openapi_url=OPENAPI,
        docs_url=None,
        redoc_url=None,
        dependencies=[Depends(refuse_unclean), Depends(refuse_unknown_keys)],
        responses=ANSWERS,
    )
    app.state.desk = desk
    for noun in (
        status,
        change_sets,
        lists,
        strategies,
        abandons,
        pacing,
        agents,
        campaigns,
        imports,
        import_setup,
        import_rows,
        import_stages,
        exports,
        adding,
        lead_bulk,
        lead_edits,
        callbacks,
        caller_ids,
        caller_id_numbers,
        wraps,
        agent_calls,
        leads,
        sessions,
        successes,
        mine,
        dnc,
        audit,
    ):
        app.include_router(noun.router)
    serve_docs(app)
    tell_errors(app)
    return app
