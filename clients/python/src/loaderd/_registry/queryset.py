"""Sets of records that a query gives, as Django's."""

from __future__ import annotations

import copy
import operator
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar, overload

from loaderd._arguments import number
from loaderd._errors import DoesNotExist, InvalidArgument, MultipleResultsFound
from loaderd._registry import together, wire
from loaderd._registry.fields import Time, ToOne
from loaderd._registry.lookups import own_name, resolved
from loaderd._registry.pages import rows_of
from loaderd._registry.q import EVERYTHING, Q, Tree, check_size, shown
from loaderd._registry.record import MODELS, Record, check_permanent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import Self

    from loaderd._registry.wire import Row

R = TypeVar("R", bound=Record)

_SHOWN: Final = 20
_BEYOND: Final = 1 << 60  # no query has so many records


def _place(index: Any) -> int:
    """Make a number of an index; those beyond any query's end are alike."""
    return min(operator.index(index), _BEYOND)


class QuerySet(Generic[R]):
    """Records for which conditions hold. Lazy: nothing is asked until it is looked at, and then once.

    Each method that narrows or orders gives a new set. Made by ``filter`` of a class of records, such as
    ``Artifact.filter(suffix=".h5ad")``. Records that are hidden or in the trash are left out, unless ``visibility``,
    ``id``, ``uid`` or ``hash`` is among the conditions; ``filter(visibility=None)`` gives them all.

    Parameters
    ----------
    record_class
        The class of the records.
    using
        The database; None: the default one.
    of
        ``[model, uid, relation]``: only records that are so related to that record.
    """

    def __init__(self, record_class: type[R], using: str | None = None, of: list[str] | None = None) -> None:
        self._class = record_class
        self._using = together.database(using)
        self._of = of
        self._in_order = False  # records come as they are linked, and that order is meant
        self._calls: list[Tree] = []  # the condition of each call of filter, for what one call says of a related
        # record is of one and the same
        self._depth = self._count = 0  # of the conditions
        self._order: list[str] = []
        self._turned = False  # that order is turned round
        self._distinct = False
        self._start, self._stop = 0, -1  # of the slice; -1: no end
        self._search: tuple[str, int] | None = None
        self._found: list[R] | None = None

    # --- narrowing ------------------------------------------------------------------------------------------

    def _clone(self) -> Self:
        made = copy.copy(self)
        made._found = None
        return made

    def filter(self, *queries: Any, **lookups: Any) -> Self:
        """Give those for which all of the conditions hold, too.

        Parameters
        ----------
        *queries
            `Q` objects; ``...`` stands for no condition.
        **lookups
            Values by field and operator: ``name="x"``, ``size__gt=1000``, ``created_by__handle="me"``. A name is a
            path of fields through related records; operators are ``exact``, ``iexact``, ``contains``, ``icontains``,
            ``startswith``, ``istartswith``, ``endswith``, ``iendswith``, ``in``, ``gt``, ``gte``, ``lt``, ``lte``,
            ``range``, ``isnull``, ``regex`` and ``iregex``.

        Returns
        -------
        QuerySet
            A new set.
        """
        return self._narrow(Q(*queries, **lookups))

    def exclude(self, *queries: Any, **lookups: Any) -> Self:
        """Give those for which the conditions do not all hold; parameters as of `filter`."""
        return self._narrow(~Q(*queries, **lookups))

    def _narrow(self, query: Q) -> Self:
        self._check_whole("narrowed")
        tree = resolved(self._class, query._tree)
        made = self._clone()
        if tree != EVERYTHING:
            made._calls = [*self._calls, tree if tree[0] == "and" else ["and", [tree]]]
            made._depth = max(self._depth, query._depth + (tree[0] != "and"))
            made._count += query._count
            check_size(made._depth + (len(made._calls) > 1), made._count)
        return made

    def all(self) -> Self:
        """Give the same set, to be asked anew."""
        return self._clone()

    def order_by(self, *fields: str) -> Self:
        """Give the same records in the order of some fields; ``-`` in front of one turns it round.

        Parameters
        ----------
        *fields
            Names, as in `filter`. None: in no order.
        """
        self._check_whole("ordered")
        for name in fields:
            if not isinstance(name, str):
                message = f"order_by({name!r}); it takes names of fields"  # type: ignore[unreachable]
                raise InvalidArgument(message, stage="registry", object="order_by")
        made = self._clone()
        made._order, made._turned = [own_name(self._class, name) for name in fields], False
        return made

    def reverse(self) -> Self:
        """Give the same records in the opposite order; without any order, the newest first."""
        self._check_whole("turned round")
        made = self._clone()
        made._turned = not self._turned
        return made

    def distinct(self) -> Self:
        """Give each record once, as any set does, and each value of `to_list` once."""
        made = self._clone()
        made._distinct = True
        return made

    def search(self, text: str, limit: int = 20) -> Self:
        """Give the records whose names and descriptions fit a text best, the best first.

        Parameters
        ----------
        text
            Words.
        limit
            How many records at most.
        """
        self._check_whole("searched")
        if not isinstance(text, str):
            raise InvalidArgument(f"search({text!r}); it looks for a text", stage="registry", object="search")
        made = self._clone()
        made._search = wire.text(text, "search"), number("limit", limit, 0)
        return made

    @property
    def ordered(self) -> bool:
        """Whether the records come in an order that somebody chose."""
        return bool(self._order) or self._turned or self._in_order or self._search is not None

    def _check_whole(self, what: str) -> None:
        if (self._start, self._stop) != (0, -1) or self._search is not None:
            part = "a slice" if self._search is None else "a search"
            message = f"{part} of a query cannot be {what}"
            raise InvalidArgument(message, stage="registry", object="query", hint="do that first, and slice last")

    # --- asking ---------------------------------------------------------------------------------------------

    def _where(self) -> Tree:
        return self._calls[0] if len(self._calls) == 1 else ["and", self._calls]

    def _args(self, what: str) -> dict[str, Any]:
        args: dict[str, Any] = {"model": self._class._model, "where": self._where(), "what": what}
        if self._order:
            args["order_by"] = self._order
        if self._turned:
            args["reverse"] = True
        if self._distinct:
            args["distinct"] = True
        if self._of is not None:
            args["of"] = self._of
        return args

    def _ask(self, what: str, offset: int = 0, limit: int | None = None, **more: Any) -> Any:
        """Ask about the slice, or about a part of it."""
        args, start = self._args(what) | more, self._start + offset
        if self._stop >= 0:
            limit = max(0, self._stop - start) if limit is None else max(0, min(limit, self._stop - start))
        if limit == 0:
            return []
        if start:
            args["offset"] = start
        if limit is not None:
            args["limit"] = limit
        return wire.call("query", args, self._using)

    def _uids(self) -> list[str]:
        """Give the ``uid`` of each record, and no more than that is asked for."""
        if self._found is not None or self._search is not None:
            return [record.uid for record in self]
        return list(self._ask("uids"))

    def _make(self, row: Row) -> R:
        return self._class._of(row, self._using)

    def _fetch(self) -> list[R]:
        if self._found is None:
            self._found = [self._make(row) for row in self._rows()]
        return self._found

    def _rows(self) -> list[Row]:
        if self._search is not None:
            return self._searched()
        return rows_of(self)

    def _searched(self) -> list[Row]:
        assert self._search is not None
        text, limit = self._search
        if not limit:
            return []
        args = self._args("rows") | {"text": text, "limit": limit}
        rows: list[Row] = wire.call("search", args, self._using)
        return rows

    def __iter__(self) -> Iterator[R]:
        return iter(self._fetch())

    def __len__(self) -> int:
        return len(self._fetch())

    def __bool__(self) -> bool:
        return bool(self._found) if self._found is not None else self.exists()

    def __contains__(self, record: object) -> bool:
        if not isinstance(record, self._class) or record._state.adding:
            return False
        return record in self._fetch()

    @overload
    def __getitem__(self, index: int) -> R: ...
    @overload
    def __getitem__(self, index: slice) -> Self: ...
    def __getitem__(self, index: int | slice) -> R | Self:
        if isinstance(index, slice):
            return self._slice(index)
        at = _place(index)
        if at < 0:
            message = f"query[{at}]; a query has no end to count from"
            raise InvalidArgument(message, stage="registry", object="index", hint="use last(), or reverse()")
        if self._found is not None or self._search is not None:
            return self._fetch()[at]
        rows = self._ask("rows", offset=at, limit=1)
        if not rows:
            raise IndexError(f"query[{at}] of a query of {self.count()} records")
        return self._make(rows[0])

    def _slice(self, index: slice) -> Self:
        start, stop = _place(index.start or 0), -1 if index.stop is None else _place(index.stop)
        if start < 0 or (index.stop is not None and stop < 0) or index.step not in (None, 1):
            message = f"query[{start}:{'' if index.stop is None else stop}]: no step, and nothing counted from the end"
            raise InvalidArgument(message, stage="registry", object="index", hint="use reverse(), or list(query)")
        made = self._clone()
        if self._search is not None:
            made._found = self._fetch()[index]
            return made
        made._start = self._start + start
        if stop >= 0:
            made._stop = max(made._start, self._start + stop)
        if self._stop >= 0:
            made._start = min(made._start, self._stop)
            made._stop = min(made._stop, self._stop) if stop >= 0 else self._stop
        return made

    # --- one ------------------------------------------------------------------------------------------------

    def count(self) -> int:
        """Count the records."""
        if self._found is not None or self._search is not None:
            return len(self._fetch())
        args = self._args("count")
        whole = int(wire.call("query", args, self._using))
        stop = whole if self._stop < 0 else min(whole, self._stop)
        return max(0, stop - self._start)

    def exists(self) -> bool:
        """Tell whether there is any."""
        if self._found is not None or self._search is not None:
            return bool(self._fetch())
        if (self._start, self._stop) != (0, -1):
            return self.count() > 0
        return bool(wire.call("query", self._args("exists"), self._using))

    def first(self) -> R | None:
        """Give the first record, or None; without an order, the oldest."""
        if self._found is None and self._search is None:
            rows = self._ask("rows", limit=1)
            return self._make(rows[0]) if rows else None
        found = self._fetch()
        return found[0] if found else None

    def last(self) -> R | None:
        """Give the last record, or None; without an order, the newest."""
        if self._found is None and self._search is None and (self._start, self._stop) == (0, -1):
            return self.reverse().first()
        found = self._fetch()
        return found[-1] if found else None

    def one(self) -> R:
        """Give the only record.

        Raises
        ------
        DoesNotExist, MultipleResultsFound
            There is none, or there are several.
        """
        found = self.one_or_none()
        if found is None:
            raise DoesNotExist(
                f"no {self._class.__name__} fits {self._said()}", stage="query", object=self._class._model
            )
        return found

    def one_or_none(self) -> R | None:
        """Give the only record, or None if there is none.

        Raises
        ------
        MultipleResultsFound
            There are several.
        """
        found = self._found if self._found is not None else list(self[:2])
        if len(found) > 1:
            message = f"{self.count()} records {self._class.__name__} fit {self._said()}"
            hint = "say more of it, or take first()"
            raise MultipleResultsFound(message, stage="query", object=self._class._model, hint=hint)
        return found[0] if found else None

    def get(self, *queries: Any, is_run_input: Any = False, **lookups: Any) -> R:
        """Give one record of the set; parameters and errors as of `Record.get`."""
        found = self._get(queries, lookups)
        found._track_as_input(is_run_input)
        return found

    def _get(self, queries: tuple[Any, ...], lookups: dict[str, Any]) -> R:
        if queries and isinstance(queries[0], str):
            return self.filter(*queries[1:], **lookups)._by_uid(queries[0])
        if queries and hasattr(queries[0], "__index__"):  # numpy's numbers, too
            return self.filter(*queries[1:], id=queries[0], **lookups).one()
        found = self.filter(*queries, **lookups)
        if "is_latest" not in self._class._fields:
            return found.one()
        try:
            return found.one()
        except MultipleResultsFound:
            return found._latest()

    def _by_uid(self, uid: str) -> R:
        """Give the record of a ``uid``, or the latest version of those whose ``uid`` begins so."""
        exact = self.filter(uid=uid).one_or_none()
        if exact is not None:
            return exact
        begins = self.filter(uid__startswith=uid)
        return begins._latest() if uid and "is_latest" in self._class._fields else begins.one()

    def _latest(self) -> R:
        """Give the only one that is the latest of its family, or, if none is, the newest, if all are of one family."""
        latest = list(self.latest_versions()[:2])
        if len(latest) == 1:
            return latest[0]
        stem = self._class._stem  # type: ignore[attr-defined]
        newest = self.order_by("-uid")[:1].one()
        others = self.exclude(stem_uid=newest.uid[:stem])
        return self.one() if others.exists() else newest

    def _said(self) -> str:
        """Give the conditions, as text."""
        parts = [part for call in self._calls for part in call[1]]
        return f"Q({shown(parts[0] if len(parts) == 1 else ['and', parts], outer=True)})" if parts else "the query"

    # --- all of them ----------------------------------------------------------------------------------------

    def to_list(self, field: str | None = None) -> list[Any]:
        """Give the records as a list, or one field of each.

        Parameters
        ----------
        field
            A name, or a path through related records such as ``"created_by__handle"``; None: the records themselves. Of
            a ``distinct`` set each value comes once.
        """
        if field is None:
            return list(self)
        asked = self._clone() if self._distinct and self._search is None else self
        own = self._class._fields.get(field)
        if own is None or (asked is not self and not isinstance(own, (Time, ToOne))):
            values = [values[0] for values in asked._values([field])]
        else:
            values = [getattr(record, field) for record in asked]
        if not self._distinct:
            return values
        once: dict[Any, Any] = {}
        for value in values:
            once.setdefault(repr(value) if isinstance(value, (list, dict)) else value, value)
        return list(once.values())

    def _values(self, fields: list[str]) -> list[list[Any]]:
        """Give fields of the records and of related ones, as messages have them; a list where there may be several."""
        if self._search is not None or self._found is not None:
            uids = [record.uid for record in self]
            rows = set_of(self._class, self._using).filter(uid__in=uids)._values(["uid", *fields])
            found = {row[0]: row[1:] for row in rows}
            return [found[uid] for uid in uids if uid in found]
        return list(self._ask("values", fields=[own_name(self._class, field) for field in fields]))

    def latest_versions(self) -> Self:
        """Give those that are the latest of their family."""
        return self.filter(is_latest=True)

    def to_dataframe(self, include: Any = None, limit: int | None = 20, order_by: str | None = "-id") -> Any:
        """Give records as a ``pandas.DataFrame``, with the index ``id``.

        Parameters
        ----------
        include
            Further columns: names of fields of related records, such as ``"created_by__name"`` or ``"ulabels__name"``
            (a list, if there may be several); one or a list.
        limit
            How many records at most, as many as fit on a page; None: all.
        order_by
            The order, if the set has none: the newest first. None: the oldest.

        Returns
        -------
        pandas.DataFrame
            One row a record. Of related records there is the ``uid``.
        """
        from loaderd._registry.frames import frame_of

        whole = (self._start, self._stop) == (0, -1) and self._search is None
        found = self.order_by(order_by) if order_by is not None and whole and not self.ordered else self
        return frame_of(found if limit is None else found[: number("limit", limit, 0)], include)

    def df(self, include: Any = None, limit: int | None = None, order_by: str | None = "-id") -> Any:
        """Give all records as a ``pandas.DataFrame``; parameters as of `to_dataframe`."""
        return self.to_dataframe(include, limit, order_by)

    def delete(self, permanent: bool | None = None) -> None:
        """Delete each of them; parameters as of `Record.delete`."""
        check_permanent(permanent)
        for record in self:
            record.delete(permanent=permanent)

    def __repr__(self) -> str:
        found = self._found if self._found is not None else list(self[: _SHOWN + 1])
        lines = [f"  {record!r}" for record in found[:_SHOWN]]
        more = [f"  … {len(self._found) - _SHOWN if self._found else 'and'} more"] if len(found) > _SHOWN else []
        return "\n".join([f"{type(self).__name__}[{self._class.__name__}]:", *lines, *more])


SETS: dict[type[Record], type[QuerySet[Any]]] = {}
"""Classes of query sets of their own, by the class of the records."""


def set_of(record_class: type[R], using: str | None = None, of: list[str] | None = None) -> QuerySet[R]:
    """Make the set of all records of a class."""
    return SETS.get(record_class, QuerySet)(record_class, using, of)


def class_of(model: str) -> type[Record]:
    """Give the class of a model by its name on the wire."""
    return MODELS[model]
