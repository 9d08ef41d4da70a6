"""Conditions of queries: lookups, and what combines them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from loaderd._errors import InvalidArgument
from loaderd._registry import wire

if TYPE_CHECKING:
    from collections.abc import Iterable

Tree = list[Any]
"""A condition as messages have it: ``["and" | "or", [tree…]]``, ``["not", tree]`` or ``["lookup", name, value]``."""

OPERATORS: Final = frozenset(
    [
        "exact",
        "iexact",
        "contains",
        "icontains",
        "startswith",
        "istartswith",
        "endswith",
        "iendswith",
        "in",
        "gt",
        "gte",
        "lt",
        "lte",
        "range",
        "isnull",
        "regex",
        "iregex",
    ]
)
"""What may stand last in the name of a lookup, after ``__``."""

MOST_DEPTH: Final = 32
MOST_CONDITIONS: Final = 4_000
"""How deep conditions nest, and how many there are, in a query: the limits of the registry."""

EVERYTHING: Final[Tree] = ["and", []]
"""The condition that always holds."""


class Q:
    """Conditions of records, which ``&``, ``|`` and ``~`` combine.

    Parameters
    ----------
    *queries
        Other conditions, all of which must hold, too.
    **lookups
        Values by field, as of `Record.filter`; all must hold.

    Examples
    --------
    >>> Q(suffix=".h5ad") & ~Q(description__icontains="test") | Q(size__gt=10**9)
    Q((suffix='.h5ad' & ~(description__icontains='test')) | size__gt=1000000000)
    """

    _tree: Tree
    _depth: int  # how deep and how many they are is known of each, so that no tree is walked to combine it
    _count: int

    def __init__(self, *queries: Any, **lookups: Any) -> None:
        self._become("and", [*map(_q_of, queries), *(Q._lookup(*each) for each in lookups.items())])

    @classmethod
    def _lookup(cls, name: str, value: Any) -> Q:
        made = object.__new__(cls)
        made._tree, made._depth, made._count = _lookup(wire.text(name, "filter"), value), 1, 1
        return made

    @classmethod
    def _joined(cls, kind: str, queries: list[Q]) -> Q:
        made = object.__new__(cls)
        made._become(kind, queries)
        return made

    def _become(self, kind: str, queries: Iterable[Q]) -> None:
        parts: list[Tree] = []
        depth = self._count = 0
        for query in queries:
            alike = kind != "not" and query._tree[0] == kind  # then its parts become parts of this one
            parts += query._tree[1] if alike else [query._tree]
            depth, self._count = max(depth, query._depth - alike), self._count + query._count
        alone = kind == "and" and len(parts) == 1
        self._tree = parts[0] if alone else [kind, parts[0] if kind == "not" else parts]
        self._depth = depth if alone else depth + 1
        check_size(self._depth, self._count)

    def __and__(self, other: Any) -> Q:
        return Q._joined("and", [self, other]) if isinstance(other, Q) else NotImplemented

    def __or__(self, other: Any) -> Q:
        if not isinstance(other, Q):
            return NotImplemented
        if EVERYTHING in (self._tree, other._tree):  # as in Django, an empty Q changes nothing
            return other if self._tree == EVERYTHING else self
        return Q._joined("or", [self, other])

    def __invert__(self) -> Q:
        return self if self._tree == EVERYTHING else Q._joined("not", [self])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Q) and self._tree == other._tree

    def __hash__(self) -> int:
        return hash(repr(self._tree))

    def __repr__(self) -> str:
        return f"Q({shown(self._tree, outer=True)})"


def check_size(depth: int, count: int) -> None:
    """Check that conditions are not more, or nested deeper, than the registry takes.

    Raises
    ------
    InvalidArgument
        They are.
    """
    if depth > MOST_DEPTH:
        message = f"conditions nested {depth} deep; a query nests them {MOST_DEPTH} deep at most"
        hint = "conditions of one & or | are one level, however many; name__in=[…] takes any number of values"
        raise InvalidArgument(message, stage="registry", object="filter", hint=hint)
    if count > MOST_CONDITIONS:
        message = f"{count:,} conditions; a query has {MOST_CONDITIONS:,} at most"
        hint = "name__in=[…] takes any number of values as one condition"
        raise InvalidArgument(message, stage="registry", object="filter", hint=hint)


def _q_of(query: Any) -> Q:
    if query is ...:  # the documentation of lamindb writes filter(...) for "some condition"
        return Q()
    if isinstance(query, Q):
        return query
    message = f"filter({query!r}); a condition without a name is a Q"
    hint = "get() takes a uid; filter() takes names and values: filter(key='a.h5ad')"
    raise InvalidArgument(message, stage="registry", object="filter", hint=hint)


class Records(list[str]):
    """The ``uid`` of records that stand for themselves in a condition.

    Parameters
    ----------
    model
        Theirs.
    uids
        Theirs.
    """

    def __init__(self, model: str, uids: Iterable[str]) -> None:
        super().__init__(uids)
        self.model = model


def _lookup(name: str, value: Any) -> Tree:
    from loaderd._registry.queryset import QuerySet

    path, operator = split(name)
    if isinstance(value, QuerySet) and operator == "in":
        return ["lookup", name, Records(value._class._model, value._uids())]
    if isinstance(value, QuerySet):
        message = f"{name} is compared with a query set of {value._class.__name__}, which are several"
        raise InvalidArgument(message, stage="registry", object=name, hint=f"{path}__in=… takes a query set")
    if operator in ("in", "range"):
        value = _several(name, value, operator)
    if _is_record(value) and operator not in ("exact", "in"):
        message = f"{name} is compared with {value!r:.80}; a record is equal to one, or one of several, and no more"
        raise InvalidArgument(message, stage="registry", object=name, hint=f"{path}=…, or {path}__in=[…]")
    if _is_record(value):
        return ["lookup", name, Records(value._model, [value.uid])]
    if operator == "in" and value and all(_is_record(each) for each in value):
        kinds = sorted({type(each).__name__ for each in value})
        if len(kinds) > 1:
            message = f"{name} is compared with records of several kinds: {', '.join(kinds)}"
            raise InvalidArgument(message, stage="registry", object=name, hint="give those of one kind")
        return ["lookup", name, Records(value[0]._model, [each.uid for each in value])]
    return ["lookup", name, wire.to_wire(value, name)]


def split(name: str) -> tuple[str, str]:
    """Split the name of a lookup into its path and its operator."""
    path, _, last = name.rpartition("__")
    return (path, last) if path and last in OPERATORS else (name, "exact")


def _several(name: str, value: Any, operator: str) -> list[Any]:
    if isinstance(value, (str, bytes)) or not hasattr(value, "__iter__"):
        message = f"{name}={value!r}; `{operator}` takes a list of values"
        raise InvalidArgument(message, stage="registry", object=name, hint=f"{name}=[…]")
    values = list(value)
    if operator == "range" and len(values) != 2:
        message = f"{name} has {len(values)} values; a range has two, the least and the greatest"
        raise InvalidArgument(message, stage="registry", object=name)
    return values


def _is_record(value: Any) -> bool:
    from loaderd._registry.record import Record

    if isinstance(value, Record):
        value._check_saved("look for it")
        return True
    return False


def shown(tree: Tree, outer: bool = False) -> str:
    """Give a condition as text, in brackets where it stands within another."""
    kind, what = tree[0], tree[1]
    if kind == "lookup":
        return f"{what}={tree[2]!r}"
    if kind == "not":
        return f"~({shown(what, outer=True)})"
    text = f" {'&' if kind == 'and' else '|'} ".join(shown(part) for part in what)
    return text if outer else f"({text})"
