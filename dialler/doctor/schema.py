"""The revision of the records' schema."""

from dialler.doctor.finding import Finding, fail, ok
from dialler.stores.schema import HEAD


def schema(revision: str | None) -> Finding:
    """Judge the stored revision; None: there is no schema."""
    if revision is None:
        return fail("records.schema", "the records have no schema yet", "run `dialler db upgrade`")
    if revision == HEAD:
        return ok("records.schema", f"revision {revision}")
    found = f"the records have revision {revision}, this version needs {HEAD}"
    if revision > HEAD:  # revisions are numbered
        return fail("records.schema", found, "they belong to a newer version of the dialler: install that")
    return fail("records.schema", found, "stop the daemon, run `dialler db upgrade`, start it again")
