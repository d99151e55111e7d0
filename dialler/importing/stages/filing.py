"""The file stage: bytes in, rows in the records out."""

import hashlib
import re
from collections.abc import AsyncIterable, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Final

import orjson

from dialler.domain.import_block import LETTERS, ImportBlock
from dialler.domain.lead_import import ImportStage, LeadImport, RowStatus
from dialler.errors import ImportMisused
from dialler.importing.lead_file import open_lead_file
from dialler.importing.rows import Row, check_delimiter
from dialler.importing.stages.staged import Tell, expected, tell_nobody
from dialler.importing.stages.write_behind import write_behind
from dialler.importing.text import UNREADABLE, check_encoding
from dialler.ports import Records, Store

ROWS_AT_ONCE: Final = 500
"""Make a block, which each stage writes in one transaction: some 10 ms, in which the engine's own writes wait."""

_REPLACEABLE: Final = (ImportStage.FILE, ImportStage.MAPPING, ImportStage.CHECK, ImportStage.REVIEW)
_DELETED_AT_ONCE: Final = 20
_NUMBER_LIKE: Final = re.compile(r"[+(]?[0-9][0-9 ()./+-]{5,}")
_SURROGATES: Final = re.compile("[\ud800-\udfff]")


async def take_file(
    chunks: AsyncIterable[bytes],
    *,
    store: Store,
    import_id: int,
    name: str,
    delimiter: str | None = None,
    encoding: str | None = None,
    has_header: bool | None = None,
    tell: Tell = tell_nobody,
    on_header: Callable[[Sequence[str]], object] = lambda _: None,
    then: Callable[[Records, LeadImport], LeadImport] = lambda _, one: one,
) -> LeadImport:
    """Keep a file's rows; one that was there before is replaced. None guesses; return the import at stage mapping.

    `on_header` gets the first row's cells before any row is kept, and may refuse them by what it raises. `then` is
    done in the transaction that ends the stage; what it returns is returned.
    Raises ImportRefused for a file that is no text or has no rows: then the import goes on waiting for its file, as
    it does when this is cut off. Raises Conflict for an import that is reviewed already.
    """
    if delimiter is not None:
        delimiter = check_delimiter(delimiter)
    if encoding is not None:
        check_encoding(encoding)
    if not name or len(name) > 500:
        raise ImportMisused(f"name = {name!r}: expected the file's name, 1 to 500 characters")

    def begin(records: Records) -> LeadImport:
        old = expected(records, import_id, *_REPLACEABLE)
        new = replace(
            old, stage=ImportStage.FILE, cursor=0, revision=old.revision + 1, sha256="", file={}, counts={}, review=None
        )
        records.set_import(new)
        return new

    begun = await store.write(begin)
    await delete_rows(store, import_id)
    digest, size = hashlib.sha256(), 0

    async def counted() -> AsyncIterator[bytes]:
        nonlocal size
        async for chunk in chunks:
            digest.update(chunk)
            size += len(chunk)
            yield chunk

    file = await open_lead_file(counted(), delimiter=delimiter, encoding=encoding, source=name)
    on_header([_clean(cell) for cell in file.header])
    waiting = [_plain(file.first)]
    rows = 0

    async def keep() -> None:
        nonlocal rows
        last, n = waiting[-1][0], len(waiting)
        block = ImportBlock(last=last, status=LETTERS[RowStatus.STAGED] * n, cells=orjson.dumps(waiting))

        def work(records: Records) -> None:
            one = expected(records, import_id, ImportStage.FILE, revision=begun.revision)
            records.add_import_blocks(import_id, [block])
            records.set_import(replace(one, cursor=last))

        await behind.write(work)
        rows += n
        waiting.clear()
        await tell({"stage": "file", "rows": rows, "bytes": size})

    async with write_behind(store) as behind, aclosing(file.rows):
        async for row in file.rows:
            waiting.append(_plain(row))
            if len(waiting) >= ROWS_AT_ONCE:
                await keep()
        if waiting:
            await keep()
    guessed = looks_like_header(file.header)
    facts = {
        "name": name,
        "bytes": size,
        "rows": rows,
        "encoding": file.decoder.encoding,
        "delimiter": file.delimiter,
        "has_header": guessed if has_header is None else has_header,
        "first_row": file.first.number,
        "first_cells": [_clean(cell) for cell in file.header],
        "notes": file.notes(),
    }

    def end(records: Records) -> LeadImport:
        one = expected(records, import_id, ImportStage.FILE, revision=begun.revision)
        new = replace(one, stage=ImportStage.MAPPING, cursor=0, sha256=digest.hexdigest(), file=facts)
        records.set_import(new)
        return then(records, new)

    return await store.write(end)


async def delete_rows(store: Store, import_id: int) -> None:
    """Delete an import's rows, in batches: other works get their turns between them."""
    while await store.write(lambda records: records.delete_import_blocks(import_id, limit=_DELETED_AT_ONCE)):
        pass


def looks_like_header(cells: Sequence[str]) -> bool:
    """Tell whether a file's first row is the names of its columns: no cell of it looks like a telephone number."""
    return not any(_NUMBER_LIKE.fullmatch(cell.strip()) for cell in cells)


def header_sha256(header: Sequence[str]) -> str:
    """Return what names a header: files with the same one can take the same mapping."""
    return hashlib.sha256(orjson.dumps([name.strip() for name in header])).hexdigest()


def _plain(row: Row) -> tuple[int, str, list[str]]:
    return row.number, row.problem, row.cells if not row.problem else [_clean(cell) for cell in row.cells]


def _clean(cell: str) -> str:
    """Return a cell with a sign in the place of what could not be read: half a character is none."""
    return _SURROGATES.sub("\ufffd", cell.replace(UNREADABLE, "\ufffd"))
