"""A record as a page of text."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

from loaderd._registry.fields import Time, ToOne
from loaderd._registry.related import ToMany

if TYPE_CHECKING:
    from loaderd._registry.record import Record

_MOST: Final = 10
"""Records of a relation, and features of a set, that are listed."""

_HIDDEN: Final = ("id", "source_code", "order_hash", "rest_hash")
_VISIBILITY: Final = {0: "shown", 1: "hidden", 2: "in the trash"}


def text_of(record: Record) -> str:
    """Describe a record: its fields, and what it is related to."""
    lines = [f"{type(record).__name__} {record._named() or ''}".rstrip()]
    if record._state.adding:
        lines[0] += " (not saved)"
    named = {name: _value(record, name) for name in record._fields if name not in _HIDDEN}
    if hasattr(record, "_where"):
        named["path"] = os.fsencode(record._where()).decode("utf-8", "replace")
    shown = {name: value for name, value in named.items() if value is not None}
    width = max(map(len, shown), default=0)
    lines += [f"  {name:<{width}}  {value}" for name, value in shown.items()]
    if not record._state.adding:
        for name, relation in _relations(type(record)).items():
            lines += _related(record, name, relation)
    return "\n".join(lines)


def _value(record: Record, name: str) -> str | None:
    field = record._fields[name]
    plain = field.shown(record)
    if plain is None:
        return None
    if isinstance(field, ToOne):
        other: Any = getattr(record, name)
        return f"{other._named()} ({other.uid})" if other._named() != other.uid else str(other.uid)
    if isinstance(field, Time):
        return f"{getattr(record, name):%Y-%m-%d %H:%M:%S} UTC"
    if name == "visibility":
        return _VISIBILITY.get(plain, str(plain))
    if name in ("size", "n_files", "n_observations", "n"):
        return f"{plain:,}" + (" bytes" if name == "size" else "")
    return str(plain)


def _relations(cls: type[Record]) -> dict[str, ToMany[Any]]:
    """Give the relations to many, one of those that are the same records."""
    found: dict[str, tuple[str, ToMany[Any]]] = {}
    for each in reversed(cls.__mro__):
        for name, relation in vars(each).items():
            if isinstance(relation, ToMany) and (relation.relation not in found or relation.in_order):
                found[relation.relation] = name, relation
    return dict(found.values())


def _related(record: Record, name: str, relation: ToMany[Any]) -> list[str]:
    found = relation.__get__(record, type(record))
    count = found.count()
    if not count:
        return []
    lines = [f"  {name} ({count:,})"]
    for other in found[:_MOST]:
        lines.append(f"    {_line(other)}")
        if other._model == "featureset":
            lines += [f"      {feature.name}: {feature.dtype}" for feature in other.features[:_MOST]]
            lines += [f"      … {other.n - _MOST:,} more"] if other.n > _MOST else []
    return [*lines, f"    … {count - _MOST:,} more"] if count > _MOST else lines


def _line(other: Any) -> str:
    if other._model == "featureset":
        return f"{other.n:,} features, {other.dtype or 'of several dtypes'}" + (
            f" ({other.name})" if other.name else ""
        )
    facts = [str(other.uid)]
    if other._values.get("n_observations") is not None:
        facts.append(f"{other.n_observations:,} observations")
    named = other._named()
    return f"{named if named != other.uid else other._model} ({', '.join(facts)})"
