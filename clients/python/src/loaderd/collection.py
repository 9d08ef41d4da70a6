"""Many AnnData files as one: the dataset, map-style."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from loaderd import _arguments, _fork, _query, _statistics, _torch
from loaderd._errors import BatchesHeldWarning, Closed, InvalidArgument, LoaderdError, ProtocolError, from_wire
from loaderd._getter import Getter
from loaderd._given import Arguments, Given
from loaderd._labels import Labelled
from loaderd._obs import Framed
from loaderd._rowstore import Prepared
from loaderd._show import Shown
from loaderd._source import Losses, Source
from loaderd._vars import VarViews
from loaderd._warn import warn
from loaderd._wire import ConnectionLost
from loaderd.transforms import to_wire

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from typing_extensions import Self

    from loaderd._convert import Strings, Target
    from loaderd._rows import RowMaker, Rows
    from loaderd._statistics import Statistics
    from loaderd._wire import Message
    from loaderd.loader import Loader
    from loaderd.transforms import Transform

MOST_ROWS: Final = 1 << 20
"""Rows of one request: their numbers fit one message."""


class MappedCollection(Given, VarViews, Labelled, Framed, Prepared, Shown):
    """Many h5ad files as one dataset; made by `mapped`.

    It has the interface of a map-style ``torch.utils.data.Dataset``: ``DataLoader(mapped, batch_size=128,
    shuffle=True, num_workers=4)`` works, with samplers, ``Subset``, ``random_split`` and ``ConcatDataset``. A batch of
    a ``DataLoader`` is fetched in one request. `loader` is faster, because it works ahead.

    Several threads may use one collection. A forked or unpickled copy connects by itself when it is first used.

    Parameters
    ----------
    source
        The files.
    encoded
        The encoded ones of its ``obs_keys``.
    dtype
        Of layers and ``obsm``.
    arguments
        What the user passed.
    """

    def __init__(self, source: Source, encoded: list[str], dtype: str | None, arguments: Arguments) -> None:
        self._source = source
        self._arguments = arguments
        self._encoded = encoded
        self._dtype = dtype
        self._closed = False
        self._warned = False
        self._set_up()
        self._connect(brief=False)

    def _set_up(self) -> None:
        self._lock = threading.Lock()
        self._getter: Getter | None = None  # guarded by _lock
        _fork.register(self)

    # --- as a dataset ---------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return self._source.n_obs

    def __getitem__(self, index: int) -> dict[str, Any]:
        """Give one row: ``_store_idx``, layers and ``obsm_NAME`` as 1-D arrays, and ``obs`` values.

        A missing value is NaN. A key that the row's file does not have is left out. Values have the types of the row's
        file, and ``raw.X`` its variables unless there is a panel; a batch has one type for all files, and its ``raw.X``
        is joined by name, as ``X`` is.
        """
        row = np.array([_arguments.row_number(index, len(self))], dtype="<i8")
        maker, arrays = self._get(row.tobytes(), hold=False)
        return dict(maker.row(arrays, 0))

    def __getitems__(self, indices: Sequence[int]) -> Rows | list[Any]:
        """Give several rows, fetched at once: a sequence of dicts that ``default_collate`` turns into a ready batch."""
        rows = _arguments.row_numbers(indices, len(self))
        if not len(rows):
            return []
        if len(rows) > MOST_ROWS:
            message = f"{len(rows):,} rows in one request; at most {MOST_ROWS:,} are allowed"
            raise InvalidArgument(message, stage="get", object="indices", hint="ask for fewer rows at a time")
        _torch.register()
        maker, arrays = self._get(rows.tobytes(), hold=True)
        return maker.rows(arrays)

    def _get(self, rows: bytes, *, hold: bool) -> tuple[RowMaker, list[Any]]:
        losses = Losses(self._source)
        with self._lock:
            while True:
                self._check_open()
                try:
                    getter = self._getter or self._attach()
                    answer = getter.ask(rows, own=not hold)
                    if answer["op"] == "ready":
                        crowded = hold and getter.crowded
                        found = getter.read(answer, hold=hold and not crowded)
                        break
                except ConnectionLost as lost:
                    losses.add(self._detach(), lost)
                except BaseException:  # Ctrl-C included: what would come next on this connection is not known
                    self._detach()
                    raise
                else:
                    raise from_wire(answer)
        if crowded and not self._warned and not _torch.in_worker():
            self._warned = True
            warn(
                "batches are kept alive, so further ones are copied out of shared memory, which is slower; "
                "keep what you need of a batch instead of the batch",
                BatchesHeldWarning,
            )
        return found

    def _connect(self, *, brief: bool = True) -> None:
        losses = Losses(self._source)
        with self._lock:
            while self._getter is None:
                try:
                    self._attach(brief=brief)
                except ConnectionLost as lost:
                    losses.add(0, lost)

    def _attach(self, *, brief: bool = True) -> Getter:
        channel = self._source.attach(brief=brief)
        self._getter = Getter(channel, self._dtype, self._encoded, self._absent)
        return self._getter

    def _detach(self) -> int:
        getter, self._getter = self._getter, None
        if getter is None:
            return 0
        getter.close()
        return getter.channel.daemon_pid

    # --- as a loader ----------------------------------------------------------------------------------------

    def loader(
        self,
        batch_size: int = 128,
        shuffle: bool = False,
        seed: int | None = None,
        drop_last: bool = False,
        rank: int | None = None,
        world_size: int | None = None,
        format: Literal["dense", "csr"] = "dense",  # noqa: A002
        dtype: Any = None,
        to: Target | None = None,
        strings: Strings = "codes",
        prefetch: int | None = None,
    ) -> Loader:
        """Make a loader of ready batches, which the daemon prepares ahead.

        Parameters
        ----------
        batch_size
            Rows of a batch, for each rank.
        shuffle
            Draw the order uniformly from all orders of all rows, another for each epoch; else the order of the files.
        seed
            Of the shuffle, 0 to 2⁶⁴ - 1. None: drawn at random, and shown as ``loader.seed``.
        drop_last
            Leave out the last global batch if it is not full.
        rank, world_size
            This process among those that train together. None: from ``torch.distributed`` if it is initialised, else
            from ``RANK`` and ``WORLD_SIZE``, else 0 of 1.
        format
            ``"dense"`` or ``"csr"``: how layers come.
        dtype
            Of layers and ``obsm``; None: as the collection.
        to
            ``"torch"``, ``"numpy"`` or ``"scipy"``: what arrays come as. None: torch if this process has imported it,
            else numpy.
        strings
            How text comes that is not encoded: as ``"codes"`` of the labels in `Batch.categories`, or as Python
            ``"objects"``, which takes longer.
        prefetch
            Batches to prepare ahead. None: the daemon's choice, by their size.

        Returns
        -------
        Loader
            Each iteration over it is one epoch.

        Raises
        ------
        InvalidArgument
            An option has a value that it cannot have.
        """
        from loaderd.loader import Loader, Options

        self._check_open()
        _torch.register()
        options = Options.check(
            batch_size=batch_size,
            shuffle=shuffle,
            seed=seed,
            drop_last=drop_last,
            rank=rank,
            world_size=world_size,
            format=format,
            dtype=_torch.dtype_name(dtype) or self._dtype,
            to=to,
            strings=strings,
            prefetch=prefetch,
        )
        if self._may_not_fit():
            self._query("form", format=options.format, dtype=options.dtype)
        return Loader(self._source, self._encoded, options)

    def statistics(
        self,
        layer: str = "X",
        *,
        transforms: Sequence[Transform] | None = None,
        absent: Literal["zeros", "skip"] = "zeros",
    ) -> Statistics:
        """Take means, variances, totals and counts of all cells in one parallel pass of the daemon, and remember them.

        They are the same whatever the number of processors and the storage, bit for bit. The daemon keeps them while
        the files are open, and in ``LOADERD_CACHE_DIR`` if that is set, for as long as the files stay as they are. Rows
        can be asked for meanwhile; Ctrl-C ends the pass.

        Parameters
        ----------
        layer
            One of ``layers_keys``.
        transforms
            What is done to the values first. None: the transforms of the collection, so statistics are of what
            ``mapped[i]`` gives; ``[]``: nothing. Tokens are not made, and casts not done.
        absent
            How a gene counts in cells of a file that lacks it: ``"zeros"``, as rows have it; or ``"skip"``, not at all.

        Returns
        -------
        Statistics
            Of the genes and the cells of the collection.
        """
        self._check_open()
        steps = None if transforms is None else to_wire(transforms) or []
        return _statistics.ask(self._query, layer, steps, _arguments.choice("absent", absent, ("zeros", "skip")))

    # --- what is in it --------------------------------------------------------------------------------------

    @property
    def n_obs(self) -> int:
        """Number of rows (cells) of all files, of those that the filter keeps."""
        return self._source.n_obs

    @property
    def shape(self) -> tuple[int, int | None]:
        """``(n_obs, n_vars)``."""
        return self.n_obs, self.n_vars

    def _query(
        self, what: str, *, long: bool = False, tell: Callable[[Message], None] | None = None, **args: Any
    ) -> tuple[Any, dict[str, _query.Array]]:
        """Ask the daemon about the collection.

        ``long`` queries have a connection of their own, beside rows, and ``tell`` is told how far they are.
        """
        self._check_open()
        losses = Losses(self._source)
        if long:
            while True:
                pid = 0
                try:
                    with contextlib.closing(self._source.attach()) as channel:
                        pid = channel.daemon_pid
                        return _query.ask(channel, what, args, tell)
                except ConnectionLost as lost:
                    losses.add(pid, lost)
        with self._lock:
            while True:
                self._check_open()
                try:
                    return _query.ask((self._getter or self._attach()).channel, what, args)
                except ConnectionLost as lost:
                    losses.add(self._detach(), lost)
                except LoaderdError as error:
                    if isinstance(error, ProtocolError):
                        self._detach()
                    raise
                except BaseException:  # as in _get
                    self._detach()
                    raise

    def _may_not_fit(self) -> bool:
        """Tell whether files may differ in something that a batch needs to be alike."""
        spec = self._source.spec
        return self._join is None or bool(spec["obsm_keys"]) or "raw.X" in spec["layers_keys"]

    def _describe(self, what: str) -> Any:
        return self._source.describe()[what]

    def _spec(self, key: str) -> Any:
        return self._source.spec[key]

    def _absent(self, key: str) -> list[int]:
        return next((c["absent"] or [] for c in self._describe("columns") or [] if c["key"] == key), [])

    # --- its life -------------------------------------------------------------------------------------------

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed

    def close(self) -> None:
        """Disconnect. Rows and batches that were given out stay valid, and loaders go on; may be called again."""
        self._closed = True
        with self._lock:
            self._detach()

    @classmethod
    def torch_worker_init_fn(cls, worker_id: int) -> None:
        """Connect a worker of a ``DataLoader`` at its start, as its ``worker_init_fn``.

        Not needed: a worker connects when it is first asked for a row.

        Parameters
        ----------
        worker_id
            As torch passes it.
        """
        del worker_id
        dataset = _torch.worker_dataset()
        if isinstance(dataset, cls):
            dataset._connect()

    def _check_open(self) -> None:
        if self._closed:
            raise Closed("the collection is closed", object="MappedCollection", hint="call loaderd.mapped again")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def after_fork(self) -> None:
        """Forget the parent's connection; the next use makes one."""
        self._lock = threading.Lock()
        self._getter = None

    def __getstate__(self) -> dict[str, Any]:
        left_out = ("_lock", "_getter", "_indices", "_var_lists", "_obs", "_overview")
        return {key: value for key, value in self.__dict__.items() if key not in left_out}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._set_up()
