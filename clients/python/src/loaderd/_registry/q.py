"""Conditions of queries: lookups, and what combines them."""

from __future__ import annotations

from typing import Any, Final

from loaderd._errors import InvalidArgument
from loaderd._registry import wire

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

    def __init__(self, *queries: Any, **lookups: Any) -> None:
        self._tree = all_of([*(_tree_of(query) for query in queries), *lookup_trees(lookups)])

    @classmethod
    def _of(cls, tree: Tree) -> Q:
        made = cls()
        made._tree = tree
        return made

    def __and__(self, other: Any) -> Q:
        return Q._of(all_of([self._tree, _tree_of(other)])) if isinstance(other, Q) else NotImplemented

    def __or__(self, other: Any) -> Q:
        if not isinstance(other, Q):
            return NotImplemented
        if EVERYTHING in (self._tree, other._tree):  # as in Django, an empty Q changes nothing
            return other if self._tree == EVERYTHING else self
        return Q._of(["or", [self._tree, other._tree]])

    def __invert__(self) -> Q:
        return self if self._tree == EVERYTHING else Q._of(["not", self._tree])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Q) and self._tree == other._tree

    def __hash__(self) -> int:
        return hash(repr(self._tree))

    def __repr__(self) -> str:
        return f"Q({_shown(self._tree, outer=True)})"


def all_of(trees: list[Tree]) -> Tree:
    """Combine conditions that must all hold."""
    parts = [part for tree in trees for part in (tree[1] if tree[0] == "and" else [tree])]
    return parts[0] if len(parts) == 1 else ["and", parts]


def trees_of(queries: tuple[Any, ...], lookups: dict[str, Any]) -> Tree:
    """Make one condition of the arguments of ``filter``."""
    return Q(*queries, **lookups)._tree


def _tree_of(query: Any) -> Tree:
    if query is ...:  # the documentation of lamindb writes filter(...) for "some condition"
        return EVERYTHING
    if isinstance(query, Q):
        return query._tree
    message = f"filter({query!r}); a condition without a name is a Q"
    hint = "get() takes a uid; filter() takes names and values: filter(key='a.h5ad')"
    raise InvalidArgument(message, stage="registry", object="filter", hint=hint)


def lookup_trees(lookups: dict[str, Any]) -> list[Tree]:
    """Make conditions of names and values."""
    return [_lookup(name, value) for name, value in lookups.items()]


def _lookup(name: str, value: Any) -> Tree:
    path, operator = split(name)
    if operator in ("in", "range"):
        value = _several(name, value, operator)
    if _is_record(value):
        name, value = f"{path}__uid", value.uid
    elif operator == "in" and value and all(_is_record(each) for each in value):
        name, value = f"{path}__uid__in", [each.uid for each in value]
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


def _shown(tree: Tree, outer: bool = False) -> str:
    kind, what = tree[0], tree[1]
    if kind == "lookup":
        return f"{what}={tree[2]!r}"
    if kind == "not":
        return f"~({_shown(what, outer=True)})"
    text = f" {'&' if kind == 'and' else '|'} ".join(_shown(part) for part in what)
    return text if outer else f"({text})"
