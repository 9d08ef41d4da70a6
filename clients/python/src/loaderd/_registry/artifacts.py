"""Sets of artifacts, which can be loaded, opened and mapped as one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal

from loaderd._errors import LoaderdWarning
from loaderd._registry import caching, loading, mapping, opening, tracking
from loaderd._registry.artifact import Artifact
from loaderd._registry.queryset import SETS, QuerySet
from loaderd._registry.related import RELATED, RelatedSet
from loaderd._warn import warn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from upath import UPath

    from loaderd._mapped import Join
    from loaderd.collection import MappedCollection


class ArtifactSet(Iterable[Artifact]):
    """Artifacts that a query gave: what can be done with all of them at once.

    Examples
    --------
    >>> artifacts = ln.Artifact.filter(otype="AnnData")  # doctest: +SKIP
    >>> artifacts  # an instance of ArtifactQuerySet, which is an ArtifactSet  # doctest: +SKIP
    """

    ordered: Any

    def cache(self, is_run_input: Any = None) -> list[UPath]:
        """Have the data on this machine.

        Parameters
        ----------
        is_run_input
            Whether to note them as inputs of the run: None as `context` is set, True, False, or a `Run`.

        Returns
        -------
        list of UPath
            Of each artifact in order, as of `Artifact.cache`; one call has them all.

        Raises
        ------
        NotFound, Unsupported, NotEnoughDisk
            As of `Artifact.cache`, of one of them.
        """
        artifacts = self._as_ordered()
        found = caching.cached(artifacts)
        tracking.track_inputs(artifacts, is_run_input)
        return found

    def stage(self, is_run_input: Any = None) -> list[UPath]:
        """Do what `cache` does; its old name."""
        return self.cache(is_run_input)

    def load(self, join: str = "outer", is_run_input: Any = None, **kwargs: Any) -> Any:
        """Load all artifacts into memory, as one object.

        Parameters
        ----------
        join
            ``"outer"`` or ``"inner"``: the columns, or variables, of any of them or of all.
        is_run_input
            As of `cache`.
        **kwargs
            For ``pandas.concat`` or ``anndata.concat``.

        Returns
        -------
        pandas.DataFrame or anndata.AnnData
            As `Collection.load` gives it.

        Raises
        ------
        InvalidArgument
            They do not all have the same suffix, or one of which there is no object.
        """
        artifacts = self._as_ordered()
        loaded = loading.load_all(artifacts, join, kwargs)
        tracking.track_inputs(artifacts, is_run_input)
        return loaded

    def open(self, engine: Literal["pyarrow", "polars"] = "pyarrow", is_run_input: Any = None, **kwargs: Any) -> Any:
        """Open tables as one dataset, without loading them.

        Parameters
        ----------
        engine
            ``"pyarrow"`` or ``"polars"``, for ``.parquet``, ``.csv``, ``.tsv``, ``.json``, ``.ndjson``, ``.arrow``,
            ``.feather`` and ``.ipc``: files, or folders of them; pyarrow reads ``.orc``, too.
        is_run_input
            As of `cache`.
        **kwargs
            For ``pyarrow.dataset.dataset``, or for ``polars.scan_parquet``, ``scan_csv`` and so on.

        Returns
        -------
        pyarrow.dataset.Dataset or context manager
            With polars, one that gives a ``polars.LazyFrame``.

        Raises
        ------
        InvalidArgument
            There is no such engine, or it does not read the format, or there are several formats.
        """
        artifacts = self._as_ordered()
        opened = opening.open_all(artifacts, engine, kwargs)
        tracking.track_inputs(artifacts, is_run_input)
        return opened

    def mapped(
        self,
        layers_keys: str | Sequence[str] | None = None,
        obs_keys: str | Sequence[str] | None = None,
        obsm_keys: str | Sequence[str] | None = None,
        obs_filter: dict[str, Any] | str | None = None,
        join: Join = "inner",
        encode_labels: bool | Sequence[str] = True,
        unknown_label: str | dict[str, str] | None = None,
        cache_categories: bool = True,
        parallel: bool = False,
        dtype: Any = None,
        stream: bool = False,
        is_run_input: Any = None,
        **more: Any,
    ) -> MappedCollection:
        """Map the AnnData among the artifacts as one dataset.

        Parameters
        ----------
        layers_keys, obs_keys, obsm_keys, obs_filter, join, encode_labels, unknown_label, cache_categories
            As of `loaderd.mapped`.
        parallel, dtype, stream
            As of `loaderd.mapped`.
        is_run_input
            As of `cache`.
        **more
            Further keywords of `loaderd.mapped`; and ``label_keys``, the old name of ``obs_keys``.

        Returns
        -------
        MappedCollection
            Of the artifacts in their order; others than ``.h5ad`` and ``.zarr`` are left out with a warning.
        """
        given = {name: value for name, value in locals().items() if name not in ("self", "more")}
        return mapping.map_them(self, given, more)

    def _as_ordered(self) -> list[Artifact]:
        if not self.ordered:
            message = "the query has no order, so the order of rows may differ the next time; use .order_by(…)"
            warn(message, LoaderdWarning)
        return list(self)


class ArtifactQuerySet(QuerySet[Artifact], ArtifactSet):
    """The query set of `Artifact`.

    Parameters
    ----------
    record_class, using, of
        As of `QuerySet`.
    """


class RelatedArtifacts(RelatedSet[Artifact], ArtifactQuerySet):
    """The artifacts that a record is related to.

    Parameters
    ----------
    record_class, using, of
        As of `QuerySet`.
    """


SETS[Artifact] = ArtifactQuerySet
RELATED[ArtifactQuerySet] = RelatedArtifacts
