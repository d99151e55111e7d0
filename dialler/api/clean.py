"""Refuses, for all routes in one place, text that no record can hold."""

from fastapi import Request

from dialler.api.desk import WHO_HEADER
from dialler.domain.clean_text import WHY_UNCLEAN, unclean_at
from dialler.errors import UsageError

_SUSPECT = (b"\\u", b"\x00", b"\xed")
"""One of these is in every JSON document that has an unclean text: as an escape, in UTF-16 or 32, in loose UTF-8."""


async def refuse_unclean(request: Request) -> None:
    """Raise UsageError that names the key, for a NUL character or half of a surrogate pair in path, query or body.

    A body that is streamed is a file: those who read it tell of its rows.
    """
    said = {**request.path_params, WHO_HEADER: request.headers.get(WHO_HEADER)}
    for key, value in (*said.items(), *request.query_params.multi_items()):
        where = unclean_at({key: value})
        if where is not None:
            raise UsageError(f"{where}: {WHY_UNCLEAN}")
    # With a body that is JSON, the framework has read it by now and keeps it.
    if getattr(request.scope["route"], "body_field", None) is None:
        return
    content = await request.body()
    if any(each in content for each in _SUSPECT):
        where = unclean_at(await request.json())
        if where is not None:
            raise UsageError(f"{where or 'the body'}: {WHY_UNCLEAN}")
