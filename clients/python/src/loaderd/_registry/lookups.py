"""Names in queries: those that records have, turned into those of the registry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loaderd._errors import FieldError
from loaderd._registry.fields import Field
from loaderd._registry.q import Records, split
from loaderd._registry.record import MODELS, Record

if TYPE_CHECKING:
    from loaderd._registry.q import Tree


def resolved(record_class: type[Record], tree: Tree) -> Tree:
    """Give a condition by the registry's names.

    Parameters
    ----------
    record_class
        Whose records it is about.
    tree
        The condition.

    Raises
    ------
    FieldError
        A text stands where a record is meant: which of its fields it is, cannot be guessed.
    """
    if tree[0] == "not":
        return ["not", resolved(record_class, tree[1])]
    if tree[0] != "lookup":
        parts = [resolved(record_class, part) for part in tree[1]]
        return [tree[0], _gathered(parts) if tree[0] == "or" else parts]
    _, name, value = tree
    path, operator = split(name)
    own, target = _walk(record_class, path)
    if isinstance(value, Records):
        return ["lookup", *_of_records(record_class, name, value)]
    texts = value if operator == "in" else [value] if operator == "exact" else []
    if target is not None and any(isinstance(text, str) for text in texts):
        message = f"{name}={value!r}; it is a {target.__name__}, or several"
        hint = f"a text is one of its fields: {path}__{target._label[0]}=…"
        raise FieldError(message, stage="query", object=name, hint=hint)
    return ["lookup", own + name[len(path) :], value]


def _gathered(parts: list[Tree]) -> list[Tree]:
    """Make one of the alternatives that ask for values of the same field, which is much less work for the registry."""
    found: dict[Any, Tree] = {}
    for at, part in enumerate(parts):
        path, operator = split(part[1]) if part[0] == "lookup" else ("", "")
        one_of = [part[2]] if operator == "exact" and part[2] is not None else part[2] if operator == "in" else None
        if one_of is None:
            found[at] = part
        elif path in found:
            found[path] = ["lookup", f"{path}__in", [*_values(found[path]), *one_of]]
        else:
            found[path] = part
    return list(found.values())


def _values(tree: Tree) -> list[Any]:
    return list(tree[2]) if split(tree[1])[1] == "in" else [tree[2]]


def _of_records(record_class: type[Record], name: str, records: Records) -> tuple[str, Any]:
    """Give the name and the value of a lookup that compares with records: with their ``uid``, which all databases have.

    A query set in place of the values of ``id`` or ``uid`` are the records themselves, as Django has it.
    """
    path, operator = split(name)
    own, target = _walk(record_class, path)
    before, _, last = path.rpartition("__")
    if last in ("id", "pk", "uid"):
        own, target = _walk(record_class, before) if before else ("", record_class)
    elif target is None and before == "" and isinstance(getattr(record_class, last, None), Field):
        message = f"{name} is compared with records of {MODELS[records.model].__name__}; it is a value, no record"
        hint = f"{last}__in=query.to_list({last!r}) compares with their values"
        raise FieldError(message, stage="query", object=name, hint=hint)
    if target is not None and target._model != records.model:
        message = f"{name} is a {target.__name__}, or several; it is compared with a {MODELS[records.model].__name__}"
        raise FieldError(message, stage="query", object=name)
    own = f"{own}__uid" if own else "uid"
    return (f"{own}__in", list(records)) if operator == "in" else (own + name[len(path) :], records[0])


def own_name(record_class: type[Record], path: str) -> str:
    """Give a path of fields, which may begin with ``-``, by the registry's names."""
    bare = path.removeprefix("-")
    return path[: len(path) - len(bare)] + _walk(record_class, bare)[0]


def _walk(record_class: type[Record], path: str) -> tuple[str, type[Record] | None]:
    """Follow a path; give it by the registry's names, and the class of the records at its end, None for values."""
    own, target = [], record_class
    parts = path.split("__")
    for at, part in enumerate(parts):
        name = target._other_names.get(part, part)
        field: Any = getattr(target, name, None)
        own.append(getattr(field, "relation", name))  # which a ToMany has
        model = getattr(field, "model", None)  # which a ToOne has, too
        if model is None:
            return "__".join([*own, *parts[at + 1 :]]), None
        target = MODELS[model]
    return "__".join(own), target
