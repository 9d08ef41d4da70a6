"""Records that are saved in one step with the record that names them: what it follows, members, runs and transforms."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final

from loaderd._errors import DoesNotExist, IntegrityError, InvalidArgument
from loaderd._registry import wire

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from loaderd._registry.artifact import Artifact
    from loaderd._registry.record import Record
    from loaderd._registry.wire import Row

Named = list[tuple["Record", str, "Record"]]
"""A record, the field in which it names another one, and that."""

_TELL: Final = ("hash", "created_at")
"""Fields of which one at least is the same in copies of one record."""

DEFAULT: Final = "default"
"""The name of the database that needs none."""


def database(using: str | None) -> str | None:
    """Give a database as records have it: None is the default one."""
    return None if using == DEFAULT else using


@contextlib.contextmanager
def told_of_databases(records: Iterable[Record], using: str | None, by_uid: Iterable[Record] = ()) -> Iterator[None]:
    """Have what is raised because a database lacks a record say of which one that is, and take no other one for it.

    Parameters
    ----------
    records
        Those that are saved, and those that they name.
    using
        The database.
    by_uid
        Of the records those of which messages have no more than that.

    Raises
    ------
    InvalidArgument
        One of them is of another database, which gives nothing to this one.
    IntegrityError
        One of them is of another database, and its ``uid`` is that of another version here.
    """
    records = list(records)
    _check_meant([*by_uid, *(other for record in records for other in record._related.values())], using)
    try:
        yield
    except DoesNotExist as e:
        for record in _with_named(records):
            if not record._state.adding and record._using not in (None, using):
                its, this = record._using, using or DEFAULT
                message = f"{record!r} is of the database {its!r}, and {this!r} lacks what it takes: {e.args[0]}"
                hint = f"save(using={its!r}); what several are to have is saved to the default one first"
                raise InvalidArgument(message, stage="registry", object="using", hint=hint) from e
        raise


def _check_meant(records: list[Record], using: str | None) -> None:
    """Check that the uids of records of other databases are not those of other records here, or in the default one."""
    wanted: dict[str, dict[str, Record]] = {}
    for record in records:
        if "is_latest" in record._fields and not record._state.adding and record._using not in (None, using):
            wanted.setdefault(record._model, {})[str(record.uid)] = record
    for model, named in wanted.items():
        for place in dict.fromkeys((using, None)):  # what is not here is taken from the default one
            where = ["lookup", "uid__in", list(named)]
            for row in wire.call("query", {"model": model, "where": where, "all": True}, place):
                record = named.pop(row["uid"])
                if not any(row.get(name) is not None and row[name] == record._values.get(name) for name in _TELL):
                    message = f"{record!r} of the database {record._using!r} is another one in {place or DEFAULT!r}"
                    hint = "both have made a version of one family; save what is meant as a new record, from its file"
                    raise IntegrityError(message, stage="registry", object=row["uid"], hint=hint)


def _with_named(records: Iterable[Record]) -> Iterator[Record]:
    for record in records:
        yield record
        if record._state.adding:
            yield from _with_named(record._related.values())
        else:
            yield from record._related.values()


def tag_of(record: Record) -> str:
    """Give the tag under which messages name a record that is not saved."""
    return f"{id(record):x}"


def unsaved(*records: Record) -> Named:
    """Find the records that are not saved and that others name, whose own come after them.

    Parameters
    ----------
    *records
        Those that are to be saved.
    """
    found: Named = []
    for record in records:
        for name, other in record._related.items():
            if other._model in ("run", "transform"):
                found += named(record, name, other)
    return found


def artifacts_of(artifacts: list[Artifact]) -> list[Artifact]:
    """Find the artifacts of which the registry is to hear more than their ``uid``, each once and after what it follows.

    Parameters
    ----------
    artifacts
        Those that are named.
    """
    found: dict[int, Artifact] = {}
    for artifact in artifacts:
        if artifact._is_news:
            found |= {id(one): one for one in (*artifact._ahead(), artifact)}
    return list(found.values())


def named(record: Record, name: str, other: Record) -> Named:
    """Give a record that another names, if it is not saved, and what it names itself.

    Parameters
    ----------
    record
        The one that names it.
    name
        The field.
    other
        The one that is named.
    """
    return [(record, name, other), *unsaved(other)] if other._state.adding else []


def row_of(record: Record, using: str | None) -> Any:
    """Give what a message says of a record that is named: its uid, or all of it, if it is not saved."""
    if not record._state.adding:
        return record.uid
    record._check_needs()
    record._draw_uid()
    return record._row(using, whole=True)


def settle(named: Named, using: str | None) -> None:
    """Let the records become what the registry made of them.

    Parameters
    ----------
    named
        What `unsaved` gave before those that name them were saved.
    using
        The database.
    """
    for owner, name, other in named:
        if other._state.adding:
            other._take(_found(other, owner._values.get(name), using), using)
        if owner._values.get(name) == other.uid:
            owner._related[name] = other


def _found(other: Record, named: str | None, using: str | None) -> Row:
    """Give what was saved: a transform may have been there, under another uid."""
    try:
        row: Row = wire.call("get", {"model": other._model, "uid": other.uid}, using)
    except DoesNotExist:
        row = wire.call("get", {"model": other._model, "uid": named}, using)
    return row
