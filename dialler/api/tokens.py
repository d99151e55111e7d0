"""The door over TCP: it opens to bearers of a token."""

import hashlib
import hmac
from collections.abc import Mapping

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from dialler.api.desk import WHO
from dialler.api.docs import OPEN_TO_ALL


def require_token(app: ASGIApp, tokens: Mapping[str, str]) -> ASGIApp:
    """Return `app` behind a door that opens only to bearers of a token; `tokens` are hashes by name.

    The API's description stands outside: a browser can read it.
    """

    async def door(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError(f"the API speaks http only, got {scope['type']}")
        if scope["path"] in OPEN_TO_ALL:
            await app(scope, receive, send)
            return
        name = _bearer(scope, tokens)
        if name is None:
            error = {"error": "a bearer token is needed: `dialler token create NAME` makes one", "kind": "unauthorized"}
            answer = JSONResponse(error, 401, {"WWW-Authenticate": "Bearer"})
            await answer(scope, receive, send)
            return
        await app({**scope, WHO: f"token:{name}"}, receive, send)

    return door


def _bearer(scope: Scope, tokens: Mapping[str, str]) -> str | None:
    """Return the name of the token that came with the request; None if none did that is known."""
    given = [value for key, value in scope["headers"] if key == b"authorization"]
    if len(given) != 1:
        return None
    scheme, _, token = given[0].partition(b" ")
    if scheme.lower() != b"bearer":
        return None
    digest = hashlib.sha256(token.strip()).hexdigest()
    found = None
    for name, sha256 in tokens.items():  # All are compared, so that the time tells nothing about which.
        if hmac.compare_digest(digest, sha256.lower()):
            found = name
    return found
