"""Refuses, for all routes in one place, what is asked for by a key that a route does not have.

A filter that is mistyped would be none at all, and its answer would be taken for something else.
"""

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError


async def refuse_unknown_keys(request: Request) -> None:
    """Raise RequestValidationError that names each unknown key of the query, and those that there are."""
    if not request.query_params:
        return
    keys = sorted(_keys_of(request.scope["route"].dependant))
    there_is = f"only {', '.join(keys)}" if keys else "none is taken here"
    mistakes = [
        {"type": "unknown_key", "loc": ("query", key), "msg": f"there is no such key, {there_is}"}
        for key in request.query_params
        if key not in keys
    ]
    if mistakes:
        raise RequestValidationError(mistakes)


def _keys_of(dependant: Dependant) -> set[str]:
    """Return the names of the query's parameters that a route takes, and whatever it depends on."""
    own = {field.alias for field in dependant.query_params}
    return own.union(*map(_keys_of, dependant.dependencies))
