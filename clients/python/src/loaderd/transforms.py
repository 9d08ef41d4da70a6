"""What the daemon does to the values of layers before it hands them out.

A list of these is the ``transforms`` of `loaderd.mapped`. They are done in its order, in float32 (totals in float64);
``mapped[i]``, loaders and statistics all give what comes out::

    from loaderd import transforms as tf

    mapped = loaderd.mapped(paths, transforms=[tf.normalize_total(1e4), tf.log1p()])

Each is on ``"X"`` unless ``on`` names other ``layers_keys``. Rows stay sparse on their way. A transformed layer is
float32, whatever the files hold, unless ``dtype`` or `cast` says otherwise. Results are those of scanpy's functions of
these names, but for the last bits of float32.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from loaderd._errors import InvalidArgument

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from loaderd._statistics import Statistics

__all__ = ["Transform", "normalize_total", "log1p", "clip", "scale", "binarize", "rank_tokens", "cast"]


@dataclass(frozen=True)
class Transform:
    """Base of all transforms.

    Parameters
    ----------
    on
        The layer or layers that it is done to, of the ``layers_keys``.
    """

    on: str | Sequence[str] = field(default="X", kw_only=True)

    def to_wire(self) -> list[list[Any]]:
        """Give what messages carry of it (``docs/protocol.md``, "Transforms"): one entry for each layer."""
        name = type(self).__name__
        args = {f.name: _plain(f"{name}.{f.name}", getattr(self, f.name)) for f in fields(self) if f.name != "on"}
        return [[name, args | {"on": layer}] for layer in ([self.on] if isinstance(self.on, str) else self.on)]


@dataclass(frozen=True)
class normalize_total(Transform):  # noqa: N801
    """Multiply each cell so that its values add up to ``target_sum``, as ``scanpy.pp.normalize_total``.

    Parameters
    ----------
    target_sum
        The total of a cell, such as ``1e4``. A cell of zeros stays one.
    over
        Which genes the total is of: ``"file"``, all that the cell's file has, so that neither a join nor a panel
        changes the result; or ``"joined"``, those that the collection has.
    on
        See `Transform`.
    """

    target_sum: float
    over: Literal["file", "joined"] = "file"


@dataclass(frozen=True)
class log1p(Transform):  # noqa: N801
    """Take the logarithm of one plus each value, as ``scanpy.pp.log1p``.

    Parameters
    ----------
    base
        Of the logarithm; None: the natural one.
    on
        See `Transform`.
    """

    base: float | None = None


@dataclass(frozen=True)
class clip(Transform):  # noqa: N801
    """Bring each value into a range, as ``numpy.clip``.

    Parameters
    ----------
    min, max
        The range; None: no limit. If 0 lies outside of it, layers cannot be given as CSR.
    on
        See `Transform`.
    """

    min: float | None = None
    max: float | None = None


@dataclass(frozen=True, eq=False)
class scale(Transform):  # noqa: N801
    """Subtract each gene's mean and divide by its standard deviation, as ``scanpy.pp.scale``.

    Parameters
    ----------
    mean, std
        One number for each gene of the collection, in their order. A deviation of 0 counts as 1.
    max_value
        Clip to ``[-max_value, max_value]`` afterwards; without ``zero_center``, to ``max_value``.
    zero_center
        Whether the mean is subtracted. That makes other values of zeros, so such a layer cannot be given as CSR.
    on
        See `Transform`.
    """

    mean: Any
    std: Any
    max_value: float | None = None
    zero_center: bool = True

    def __post_init__(self) -> None:
        _set(self, mean=_genes("scale.mean", self.mean), std=_genes("scale.std", self.std))

    @classmethod
    def from_statistics(
        cls,
        statistics: Statistics,
        max_value: float | None = None,
        zero_center: bool = True,
        on: str | Sequence[str] = "X",
    ) -> scale:
        """Scale by the mean and the standard deviation that ``mapped.statistics()`` found.

        Parameters
        ----------
        statistics
            Of the values as they are before this transform: of a collection with the transforms that come before it.
        max_value, zero_center, on
            See the class.
        """
        return cls(statistics.mean, statistics.std, max_value, zero_center, on=on)


@dataclass(frozen=True)
class binarize(Transform):  # noqa: N801
    """Make 1 of each value above a threshold, and 0 of others.

    Parameters
    ----------
    threshold
        If it is below 0, layers cannot be given as CSR.
    on
        See `Transform`.
    """

    threshold: float = 0


@dataclass(frozen=True, eq=False)
class rank_tokens(Transform):  # noqa: N801
    """List the genes with the largest values, the largest first: a cell as a sequence, for transformer models.

    The layer's place in a batch is taken by ``tokens``, ``[n, k]``. Only values above 0 are ranked; of equal ones, the
    gene that comes first in the collection does so here. It is the last transform of its layer.

    Parameters
    ----------
    k
        Tokens of a cell. Of a cell with more genes, the first ``k`` are given.
    divisor
        One number for each gene of the collection, by which its values are divided for ranking, such as Geneformer's
        medians. NaN: the gene is never a token.
    ids
        The token of each gene, as a model's vocabulary numbers it; None: the gene's place in the collection.
    pad
        The token that fills up cells with less than ``k``.
    dtype
        ``"int32"`` or ``"int64"``.
    values
        Give ``tokens_values``, ``[n, k]``, too: the ranked values, 0 for padding.
    length
        Give ``tokens_length``, ``[n]``, too: how many of a cell's tokens are no padding, int32.
    name
        In place of ``"tokens"``, in all three names.
    on
        See `Transform`.
    """

    k: int
    divisor: Any = None
    ids: Any = None
    pad: int = -1
    dtype: Literal["int32", "int64"] = "int32"
    values: bool = False
    length: bool = False
    name: str = "tokens"

    def __post_init__(self) -> None:
        for key in ("divisor", "ids"):
            if getattr(self, key) is not None:
                _set(self, **{key: _genes(f"rank_tokens.{key}", getattr(self, key))})


@dataclass(frozen=True)
class cast(Transform):  # noqa: N801
    """Give the layer in this dtype, whatever ``dtype`` the collection or the loader has. It is the last of its layer.

    Parameters
    ----------
    dtype
        Such as ``"float16"``, ``torch.bfloat16`` (for tensors only), ``np.uint8``. Floats are rounded to the nearest,
        ties to even.
    on
        See `Transform`.
    """

    dtype: Any

    def __post_init__(self) -> None:
        from loaderd._torch import dtype_name

        _set(self, dtype=dtype_name(self.dtype))


def to_wire(transforms: Iterable[Transform] | Transform | None) -> list[list[Any]] | None:
    """Give the ``transforms`` of a spec.

    Raises
    ------
    InvalidArgument
        One of them is something else.
    """
    if transforms is None:
        return None
    wire: list[list[Any]] = []
    several: Iterable[Any] = [transforms] if isinstance(transforms, (Transform, str)) else transforms
    for t in several:
        if not isinstance(t, Transform):
            name = t if isinstance(t, str) else getattr(t, "__name__", "")
            close = difflib.get_close_matches(name, __all__[1:], n=1)
            raise InvalidArgument(
                f"transforms holds {t!r}, which is not a transform",
                stage="open",
                object="transforms",
                hint=f"loaderd.transforms.{close[0]}(…)" if close else "make them with loaderd.transforms",
            )
        wire += t.to_wire()
    return wire or None


def _set(transform: Transform, **values: Any) -> None:
    for key, value in values.items():
        object.__setattr__(transform, key, value)


def _genes(what: str, values: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Make a read-only vector of numbers."""
    try:
        found = np.array(values.tolist() if hasattr(values, "tolist") else values, dtype="<f8")  # torch's tensors too
    except (TypeError, ValueError) as e:
        raise InvalidArgument(f"{what} is not an array of numbers: {e}", stage="open", object=what) from None
    if found.ndim != 1:
        hint = "give one number for each gene"
        raise InvalidArgument(f"{what} has the shape {found.shape}", stage="open", object=what, hint=hint)
    found.flags.writeable = False
    return found


def _plain(what: str, value: Any) -> Any:
    """Give an argument as msgpack carries it."""
    if isinstance(value, np.ndarray) and value.ndim:
        return value.tobytes()
    if hasattr(value, "item") and getattr(value, "shape", None) == ():  # a scalar of numpy or torch
        value = value.item()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise InvalidArgument(f"{what}={value!r} is neither a number nor text", stage="open", object=what)
