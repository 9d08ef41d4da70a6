"""The way in: `mapped`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from loaderd import _arguments, _filter, _torch
from loaderd._encoders import Encoders
from loaderd._given import Arguments
from loaderd._inputs import Inputs
from loaderd._source import OnDaemonLoss, Source
from loaderd.collection import MappedCollection
from loaderd.transforms import to_wire

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loaderd.transforms import Transform

Join = Literal["inner", "outer"] | None


def mapped(
    paths: Any,
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
    *,
    var_names: Sequence[str] | None = None,
    var_key: str | None = None,
    transforms: Sequence[Transform] | Transform | None = None,
    encoders: Any = None,
    unseen: Literal["error", "unknown"] = "error",
    on_daemon_loss: OnDaemonLoss = "restart",
) -> MappedCollection:
    """Map h5ad files as one dataset, without loading them.

    Rows are those of the first file, then those of the second, and so on. The daemon that reads the files is started
    if none runs.

    Parameters
    ----------
    paths
        A path, a pattern such as ``"data/*.h5ad"`` (its matches are sorted), or a list of these. Also an artifact, a
        collection or a query set of an installed lamindb: artifacts in their order, those that are neither
        ``.h5ad`` nor ``.zarr`` left out with a warning.
    layers_keys
        ``"X"`` (the default), ``"raw.X"``, or names under ``layers``; one or several.
    obs_keys
        Columns of ``obs`` that each row carries.
    obsm_keys
        Names under ``obsm`` that each row carries, as ``obsm_NAME``.
    obs_filter
        Which rows: a dict of ``obs`` column -> value or values, of which a row must have one in every column (None or
        NaN: no value); or an expression such as ``"n_counts > 500 and cell_type in ['B', 'T']"``. A file without the
        column has no such rows; in an expression, its values are missing. A missing value equals nothing.
    join
        ``"inner"``: the variables that all files have, in the order of the first. ``"outer"``: those that any
        has, sorted; 0 where a file lacks one. None: each file keeps its own.
    encode_labels
        Which of ``obs_keys`` become codes: all, none, or those listed. A code is the place of a label in the sorted
        labels of all files.
    unknown_label
        The label that becomes code -1: for all encoded keys, or by key.
    cache_categories, parallel
        Accepted as the reference does; nothing depends on them here.
    dtype
        Of layers and ``obsm``: a string, a numpy or a torch dtype. None: that of the files. ``"bfloat16"``, which
        numpy lacks, comes as tensors only.
    stream
        Of lamindb's objects: read an artifact where it is, instead of the copy that ``artifact.cache()`` gives. Only
        local files can be read.
    is_run_input
        Of lamindb's objects: whether they are tracked as inputs of the run, as lamindb's ``mapped`` does.
    var_names
        A panel of variables: the columns of ``X``, layers and ``raw.X``, in this order, whatever the files hold and
        ``join`` says. What a file lacks is 0 in its rows; `MappedCollection.coverage` has a report.
    var_key
        The column of ``var`` (and of ``raw.var``) that names variables, such as one of Ensembl ids; None: the index.
        All files must have it, with text, categories or whole numbers, none missing and none twice.
    transforms
        What is done to the values of layers, in this order: see `loaderd.transforms`. A transformed layer is float32
        unless ``dtype`` says otherwise.
    encoders
        The codes of labels, instead of those that follow from the files: `Encoders`, a dict of key -> label -> code,
        the path of a file that `Encoders.save` wrote, or another collection. Codes are then exactly those of the
        tables, also where the files lack labels. Keys that have no table are encoded by the files' labels.
    unseen
        What to do with a label of the files that is not in the table: ``"error"``, or code -1 as ``"unknown"``.
    on_daemon_loss
        What to do when the daemon dies: ``"restart"`` it, go on at the same place and warn once; or ``"raise"``
        `DaemonGone`.

    Returns
    -------
    MappedCollection
        The dataset.

    Raises
    ------
    NotFound, BadFile, Unsupported, NoElement, UnknownKey, NoSharedVars
        What is wrong with a file or with what is asked of it. The daemon lives on.
    InvalidArgument
        An option has a value that it cannot have.
    DaemonGone
        No daemon runs and none could be started.

    Warns
    -----
    CoverageWarning
        A file has fewer than half of ``var_names``.

    Examples
    --------
    >>> mapped = loaderd.mapped(["a.h5ad", "b.h5ad"], obs_keys=["cell_type"], join="inner")  # doctest: +SKIP
    >>> for batch in mapped.loader(batch_size=128, shuffle=True, seed=0):  # doctest: +SKIP
    ...     batch["X"], batch["cell_type"]
    """
    unseen = _arguments.choice("unseen", unseen, ("error", "unknown"))
    obs = _arguments.keys("obs_keys", obs_keys, [])
    encode, unknown, encoded = _arguments.labels_spec(obs, encode_labels, unknown_label)
    inputs = Inputs(paths, stream=stream, is_run_input=is_run_input)
    source = Source(
        paths=inputs.paths,
        spec={
            "layers_keys": _arguments.keys("layers_keys", layers_keys, ["X"]),
            "obs_keys": obs,
            "obsm_keys": _arguments.keys("obsm_keys", obsm_keys, []),
            "join": _arguments.choice("join", join, ("inner", "outer", None)),
            "encode_labels": encode,
            "unknown_label": unknown,
            "obs_filter": _filter.wire_filter(obs_filter),
            "var_names": _arguments.panel(var_names),
            "var_key": _arguments.optional_name("var_key", var_key),
            "transforms": to_wire(transforms),
            "encoders": None if encoders is None else Encoders.of(encoders).wire(encoded, unseen),
        },
        on_daemon_loss=_arguments.choice("on_daemon_loss", on_daemon_loss, ("restart", "raise")),
    )
    arguments = Arguments(
        obs_keys=None if obs_keys is None else obs,
        obsm_keys=None if obsm_keys is None else source.spec["obsm_keys"],
        encode_labels=encoded or False,
        unknown_label=unknown_label,
        cache_categories=bool(cache_categories),
        parallel=bool(parallel),
    )
    made = MappedCollection(source, encoded, _torch.dtype_name(dtype), arguments)
    try:
        made.warn_of_coverage()
        if made.filtered and not len(made):
            _filter.warn_unknown(made._query("filter")[0]["unknown"])
        inputs.track()
        made._announce()
    except BaseException:  # a warning may be an error, and lamindb may refuse
        made.close()
        raise
    return made
