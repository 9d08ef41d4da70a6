"""Records of a query, however many there are and however long they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from loaderd._errors import ProtocolError
from loaderd._registry import wire

if TYPE_CHECKING:
    from loaderd._registry.queryset import QuerySet
    from loaderd._registry.wire import Row

PAGE: Final = 2000
"""Records of one answer."""


def rows_of(found: QuerySet[Any]) -> list[Row]:
    """Give the records of a query set, in its order, as messages have them.

    Parameters
    ----------
    found
        The query set.
    """
    try:
        rows: list[Row] = found._ask("rows", limit=PAGE)
    except ProtocolError:  # longer than an answer can be
        rows = []
    else:
        if len(rows) < PAGE:
            return rows
    # Which ones they are is asked at once, so that what others write meanwhile moves none over a page's edge.
    uids = found._ask("uids")
    known = {row["uid"]: row for row in rows}
    missing = [uid for uid in uids if uid not in known]
    for start in range(0, len(missing), PAGE):
        known |= _rows_by_uid(found, missing[start : start + PAGE])
    return [known[uid] for uid in uids if uid in known]


def _rows_by_uid(found: QuerySet[Any], uids: list[str]) -> dict[str, Row]:
    args = {"model": found._class._model, "where": ["lookup", "uid__in", uids], "what": "rows"}
    try:
        return {row["uid"]: row for row in wire.call("query", args, found._using)}
    except ProtocolError:
        if len(uids) < 2:
            raise
    half = len(uids) // 2
    return _rows_by_uid(found, uids[:half]) | _rows_by_uid(found, uids[half:])
