"""What can be seen of a mapped collection, as JSON that keeps every type: the same eyes look at lamindb and at loaderd."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

ATTRIBUTES = [
    "layers_keys", "obs_keys", "obsm_keys", "filtered", "encode_labels", "unknown_label", "parallel", "encoders",
    "n_obs_list", "indices_list", "n_obs", "indices", "storage_idx", "join_vars", "var_indices", "var_joint",
    "n_vars_list", "var_list", "n_vars", "shape", "original_shapes", "closed",
]  # fmt: skip
"""Those that do not depend on where the stores lie, nor on handles to files."""

BUILTIN = [
    ValueError, KeyError, IndexError, TypeError, FileNotFoundError, OSError, AttributeError, RuntimeError,
    NotImplementedError, UnboundLocalError,
]  # fmt: skip


def seen(value: Any) -> Any:
    """Write a value as JSON from which its type, its bits and the order of its parts can be told."""
    for test, write in _WRITERS:
        if test(value):
            return write(value)
    return ["other", type(value).__name__]


def _number(x: float) -> Any:
    return "nan" if math.isnan(x) else float(x).hex()


def _array(x: np.ndarray[Any, Any]) -> Any:
    if x.dtype == object:
        return ["array", "O", list(x.shape), [seen(v) for v in x.ravel().tolist()]]
    if x.dtype.kind in "UST":
        return ["array", x.dtype.kind, list(x.shape), [str(v) for v in x.ravel().tolist()]]
    if x.dtype.kind == "f":  # whichever NaN it is
        x = np.where(np.isnan(x), np.array(np.nan, x.dtype), x).astype(x.dtype)
    return ["array", x.dtype.str, list(x.shape), np.ascontiguousarray(x).tobytes().hex()]


def _scalar(x: Any) -> Any:
    return ["scalar", x.dtype.str, _number(float(x)) if x.dtype.kind == "f" else str(x)]


_WRITERS: list[tuple[Callable[[Any], bool], Callable[[Any], Any]]] = [
    (lambda v: v is None, lambda v: None),
    (lambda v: v is np.nan, lambda v: ["np.nan"]),
    (lambda v: type(v) is bool, lambda v: v),
    (lambda v: type(v) is int, lambda v: v),
    (lambda v: type(v) is str, lambda v: v),
    (lambda v: type(v) is float, lambda v: ["float", _number(v)]),
    (lambda v: isinstance(v, np.generic), _scalar),
    (lambda v: isinstance(v, np.ndarray), _array),
    (lambda v: isinstance(v, pd.Index), lambda v: ["index", [seen(x) for x in v.tolist()]]),
    (lambda v: isinstance(v, dict), lambda v: ["dict", [[seen(k), seen(x)] for k, x in v.items()]]),
    (lambda v: isinstance(v, list), lambda v: ["list", [seen(x) for x in v]]),
    (lambda v: isinstance(v, tuple), lambda v: ["tuple", [seen(x) for x in v]]),
    (
        lambda v: type(v).__module__ == "torch",
        lambda v: ["tensor", str(v.dtype), list(v.shape), _array(v.numpy())[3]],
    ),
]


def attempt(what: Callable[[], Any]) -> Any:
    """Give what is seen of the result, or ``["error", classes]``: the builtin ones that the exception is one of."""
    try:
        return seen(what())
    except Exception as e:
        return ["error", [c.__name__ for c in BUILTIN if isinstance(e, c)]]


def observe(make: Callable[..., Any], case: dict[str, Any], paths: list[Any]) -> dict[str, Any]:
    """Look at a collection from all sides.

    Parameters
    ----------
    make
        Makes the collection: ``MappedCollection`` or ``loaderd.mapped``.
    case
        See `refcases`.
    paths
        Of its stores.

    Returns
    -------
    dict
        Step -> what was seen. ``"open"`` alone if the constructor raised.
    """
    found: dict[str, Any] = {}
    made: list[Any] = []

    def construct() -> None:
        made.append(make(paths, *case.get("args", []), **_decoded(case.get("kwargs", {}))))

    found["open"] = attempt(construct)
    if not made:
        return found
    mc = made.pop()
    try:
        _look(mc, case, found)
    finally:
        mc.close()
    return found


def _look(mc: Any, case: dict[str, Any], found: dict[str, Any]) -> None:
    for name in ATTRIBUTES:
        found[name] = attempt(lambda name=name: getattr(mc, name))
    found["len"] = attempt(lambda: len(mc))
    n = len(mc)
    for i in range(n):
        found[f"row {i}"] = attempt(lambda i=i: mc[i])
    for kind, index in _INDICES.items():
        if kind in case.get("indices", ()):
            found[f"index {kind}"] = attempt(lambda index=index: mc[index(n)])
    for key in case.get("labels", []):
        found[f"labels {key}"] = attempt(lambda key=key: mc.get_merged_labels(key))
        found[f"categories {key}"] = attempt(lambda key=key: mc.get_merged_categories(key))
    for args in case.get("weights", []):
        found[f"weights {args}"] = attempt(lambda args=args: mc.get_label_weights(*args))
    for rows in case.get("collate", []):
        found[f"collate {rows}"] = attempt(lambda rows=rows: _collate([mc[i] for i in rows]))
    for vars_ in case.get("aligned", []):
        found[f"non_aligned {vars_}"] = attempt(lambda vars_=vars_: mc.check_vars_non_aligned(vars_))
    if "aligned" in case:
        found["sorted"] = attempt(lambda: mc.check_vars_sorted())
        found["sorted falling"] = attempt(lambda: mc.check_vars_sorted(ascending=False))
        found["n_vars_list then"] = attempt(lambda: mc.n_vars_list)
        found["original_shapes then"] = attempt(lambda: mc.original_shapes)
        found["var_list then"] = attempt(lambda: mc.var_list)
    if case.get("close"):
        with mc as same:
            found["enter"] = same is mc
        found["closed then"] = attempt(lambda: mc.closed)
        found["len then"] = attempt(lambda: len(mc))
        found["row then"] = attempt(lambda: mc[0])
        found["close again"] = attempt(mc.close)


def _collate(rows: list[Any]) -> Any:
    from torch.utils.data import default_collate

    return dict(default_collate(rows))


_INDICES: dict[str, Callable[[int], Any]] = {
    "last": lambda n: -1,
    "first from the end": lambda n: -n,
    "beyond": lambda n: n,
    "before": lambda n: -n - 1,
    "int8": lambda n: np.int8(1),
    "uint64": lambda n: np.uint64(1),
    "0-d": lambda n: np.array(1),
    "negative 0-d": lambda n: np.array(-2),
    "float": lambda n: 1.0,
    "np.float64": lambda n: np.float64(1),
    "str": lambda n: "1",
    "slice": lambda n: slice(0, 2),
    "list": lambda n: [0, 1],
    "True": lambda n: True,
    "None": lambda n: None,
    "array": lambda n: np.array([0, 1]),
    "tuple": lambda n: (0,),
}
INDICES = list(_INDICES)


def _decoded(value: Any) -> Any:
    """Turn what JSON has no form for back: ``{"NaN": …}``, ``{"tuple": …}`` and so on."""
    if isinstance(value, dict):
        if len(value) == 1:
            (kind, inner), *_ = value.items()
            if kind in _FORMS:
                return _FORMS[kind](_decoded(inner))
        return {key: _decoded(inner) for key, inner in value.items()}
    return [_decoded(inner) for inner in value] if isinstance(value, list) else value


_FORMS: dict[str, Callable[[Any], Any]] = {
    "NaN!": lambda _: np.nan,
    "None!": lambda _: None,
    "tuple!": tuple,
    "array!": np.array,
    "set!": set,
    "np!": lambda x: np.dtype(x[0]).type(x[1]),
}
