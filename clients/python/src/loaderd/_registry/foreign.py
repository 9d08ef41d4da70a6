"""The objects of an installed lamindb."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loaderd._errors import InvalidArgument
from loaderd._mapped import mapped

if TYPE_CHECKING:
    from loaderd.collection import MappedCollection


def from_lamindb(collection_or_queryset: Any, **kwargs: Any) -> MappedCollection:
    """Map the artifacts of a lamindb collection or query set, where they are.

    Nothing is copied and nothing is written to either registry, but that lamindb notes them as inputs of its run.

    Parameters
    ----------
    collection_or_queryset
        A ``lamindb.Collection``, a query set of ``lamindb.Artifact``, or one artifact.
    **kwargs
        As of `loaderd.mapped`.

    Returns
    -------
    MappedCollection
        Of the artifacts in their order; others than ``.h5ad`` and ``.zarr`` are left out with a warning.

    Raises
    ------
    InvalidArgument
        It is no object of lamindb.
    Unsupported
        An artifact is remote, and ``stream=True`` forbids lamindb's own copy of it.

    Examples
    --------
    >>> import lamindb  # doctest: +SKIP
    >>> atlas = lamindb.Collection.get(key="atlas")  # doctest: +SKIP
    >>> mapped = loaderd.from_lamindb(atlas, obs_keys=["cell_type"])  # doctest: +SKIP
    """
    roots = {cls.__module__.partition(".")[0] for cls in type(collection_or_queryset).__mro__}
    if not roots & {"lamindb", "lnschema_core"}:
        message = f"a {type(collection_or_queryset).__name__} is no collection or query set of lamindb"
        hint = "loaderd.mapped takes paths, and the objects of loaderd"
        raise InvalidArgument(message, stage="open", object="collection_or_queryset", hint=hint)
    return mapped(collection_or_queryset, **kwargs)
