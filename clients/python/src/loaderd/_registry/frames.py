"""Records as a table of pandas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loaderd._arguments import keys
from loaderd._registry.fields import Time

if TYPE_CHECKING:
    from loaderd._registry.queryset import QuerySet


def frame_of(found: QuerySet[Any], include: Any = None) -> Any:
    """Make a ``pandas.DataFrame`` of a query set.

    Parameters
    ----------
    found
        The records.
    include
        Paths to fields of related records; one or a list.
    """
    import pandas as pd

    records = list(found)
    index = pd.Index([record.id for record in records], name="id", dtype="int64")
    columns: dict[str, Any] = {}
    for name, field in found._class._fields.items():
        # Of a time or a related record this is what the message had, which no request is needed for.
        values = [record._values.get(name) for record in records]
        if isinstance(field, Time):
            columns[name] = pd.to_datetime(values, utc=True, format="ISO8601")
        elif name != "id":
            columns[name] = values
    paths = keys("include", include, [])
    if paths:
        related = found._values(paths)
        for at, path in enumerate(paths):
            columns[path] = [values[at] for values in related]
    # Each on its own, so that a column of lists stays one.
    return pd.DataFrame({name: pd.Series(values, index=index) for name, values in columns.items()}, index=index)
