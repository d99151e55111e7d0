"""The API's description as a page that loads nothing from elsewhere: drawn from the same OpenAPI document."""

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any, Final

from fastapi import FastAPI
from fastapi.responses import HTMLResponse

DOCS, OPENAPI = "/docs", "/openapi.json"
OPEN_TO_ALL: Final = frozenset({DOCS, OPENAPI})
"""What the door over TCP shows without a token: a browser has none to give, and there is nothing secret in it."""

_Json = Mapping[str, Any]

_STYLE: Final = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222;"
    "background:#fff}h2{margin-top:2.5rem;border-bottom:1px solid #ccc}h3{margin:1.8rem 0 .2rem;font:600 1rem"
    " ui-monospace,monospace}p{margin:.2rem 0}b{color:#06c}table{border-collapse:collapse;margin:.4rem 0;"
    "font-size:.9rem}td{padding:.1rem 1rem .1rem 0;vertical-align:top}code,pre{font-family:ui-monospace,monospace}"
    "pre{background:#f4f4f4;padding:.8rem;overflow:auto}i{color:#777}"
    "@media(prefers-color-scheme:dark){body{background:#181818;color:#ddd}pre{background:#282828}b{color:#6bf}}"
)

_INTRODUCTION: Final = """
<p>Times are ISO 8601 with offset. Pages have <code>items</code> and <code>next</code>, to be given back as
<code>after</code>; it is null at the end. Errors are <code>{"error": text, "kind": word}</code>,
with <code>mistakes</code> where a request is wrong. Campaigns and lists
are named by their name, or by their id. The same as a document for programs: <a href="openapi.json">openapi.json</a>.
</p>
<pre>curl --unix-socket dialler.db.sock http://dialler/status
curl -H "Authorization: Bearer $TOKEN" http://127.0.0.1:8088/status
curl -H "Authorization: Bearer $TOKEN" -X POST http://127.0.0.1:8088/campaigns/spring/stop
curl -H "Authorization: Bearer $TOKEN" --data-binary @leads.csv \\
    "http://127.0.0.1:8088/leads/import?campaign=spring&amp;list=clinics&amp;region=US&amp;map=number=Phone"</pre>
<p>The unix socket is guarded by its file's mode; over TCP a token is needed: <code>dialler token create NAME</code>
makes one.</p>
"""


def serve_docs(app: FastAPI) -> None:
    """Add the page to the application."""

    @app.get(DOCS, include_in_schema=False)
    async def docs() -> HTMLResponse:
        return HTMLResponse("".join(_page(app.openapi())))


def _page(document: _Json) -> Iterator[str]:
    info = document["info"]
    yield f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(info["title"])}: the API</title>'
    yield f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style>'
    yield f"<h1>{escape(info['title'])} {escape(info['version'])}: the API</h1><p>{escape(info['summary'])}</p>"
    yield _INTRODUCTION
    by_noun: dict[str, list[str]] = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            by_noun.setdefault(operation["tags"][0], []).extend(_operation(method, path, operation, document))
    for noun, lines in by_noun.items():
        yield f"<h2>{escape(noun)}</h2>{''.join(lines)}"
    yield "</html>\n"


def _operation(method: str, path: str, operation: _Json, document: _Json) -> Iterator[str]:
    yield f"<h3><b>{method.upper()}</b> {escape(path)}</h3><p>{escape(operation.get('description', ''))}</p><table>"
    for each in operation.get("parameters", ()):
        yield _row(each["name"], each["in"], each["schema"], document, is_required=each["required"])
    for media, content in operation.get("requestBody", {}).get("content", {}).items():
        schema = _resolved(content.get("schema", {}), document)
        if not schema.get("properties"):
            yield f"<tr><td>the body<td><i>{escape(media)}</i><td><td>"
        for name, each in schema.get("properties", {}).items():
            yield _row(name, "body", each, document, is_required=name in schema.get("required", ()))
    yield "</table>"


def _row(name: str, where: str, schema: _Json, document: _Json, *, is_required: bool) -> str:
    said = schema.get("description", "")
    return (
        f"<tr><td><code>{escape(name)}</code><td><i>{where}{', required' if is_required else ''}</i>"
        f"<td>{escape(_type(schema, document))}<td>{escape(said)}"
    )


def _type(schema: _Json, document: _Json) -> str:
    schema = _resolved(schema, document)
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if "anyOf" in schema:
        return " or ".join(_type(each, document) for each in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}), document)}"
    return str(schema.get("type", "anything"))


def _resolved(schema: _Json, document: _Json) -> _Json:
    """Return the schema that a reference means."""
    if "$ref" not in schema:
        return schema
    found: Any = document
    for step in schema["$ref"].removeprefix("#/").split("/"):
        found = found[step]
    return {**found, **{key: value for key, value in schema.items() if key != "$ref"}}
