"""Ready batches, one epoch per iteration."""

from __future__ import annotations

import hashlib
import json
import secrets
import weakref
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from loaderd import _arguments, _encoders, _torch
from loaderd._batch import label_table
from loaderd._convert import STRINGS, TARGETS, Strings, Target
from loaderd._errors import InvalidArgument
from loaderd._iterator import Cursor, LoaderIterator
from loaderd._parked import Parked
from loaderd._stream import Counters

if TYPE_CHECKING:
    from loaderd._source import Source

STATE_VERSION = 1
_MOST_SEED = (1 << 64) - 1


@dataclass(frozen=True)
class Options:
    """The checked options of a loader; `MappedCollection.loader` describes them."""

    batch_size: int
    shuffle: bool
    seed: int
    seed_given: bool
    drop_last: bool
    rank: int
    world_size: int
    format: Literal["dense", "csr"]
    dtype: str | None
    to: Target
    strings: Strings
    prefetch: int

    @classmethod
    def check(cls, **given: Any) -> Options:
        """Check the user's options and fill in what depends on the process."""
        number, choice = _arguments.number, _arguments.choice
        shuffle = choice("shuffle", given["shuffle"], (True, False))
        rank, world_size = given["rank"], given["world_size"]
        rank, world_size = _torch.place(
            None if rank is None else number("rank", rank, 0),
            None if world_size is None else number("world_size", world_size, 1),
        )
        seed = given["seed"]
        if seed is None and shuffle and world_size > 1:
            raise InvalidArgument(
                f"seed=None with {world_size} ranks: each would draw its own, and see another order",
                object="seed",
                hint="give all ranks the same seed",
            )
        target: Target = choice("to", given["to"], (*TARGETS, None)) or ("torch" if _torch.in_use() else "numpy")
        if given["dtype"] == _torch.BFLOAT16 and target != "torch":
            raise _torch.refuse_bfloat16("dtype")
        return cls(
            batch_size=number("batch_size", given["batch_size"], 1),
            shuffle=shuffle,
            seed=_drawn_seed(shuffle) if seed is None else number("seed", seed, 0, _MOST_SEED),
            seed_given=seed is not None,
            drop_last=choice("drop_last", given["drop_last"], (True, False)),
            rank=rank,
            world_size=world_size,
            format=choice("format", given["format"], ("dense", "csr")),
            dtype=given["dtype"],
            strings=choice("strings", given["strings"], STRINGS),
            to=target,
            prefetch=0 if given["prefetch"] is None else number("prefetch", given["prefetch"], 0, 1024),
        )


def _drawn_seed(shuffle: bool) -> int:
    return secrets.randbits(32) if shuffle else 0  # short enough to be typed again


class Loader:
    """Ready batches of a collection; made by `MappedCollection.loader`.

    Each iteration is one epoch: the first is epoch 0, the next epoch 1, and so on, each with its own order. Each has a
    connection of its own, so several iterations may be under way at once, and one that is left with ``break`` does not
    disturb the next.

    It is an iterable dataset for PyTorch too: ``DataLoader(loader, batch_size=None)``. Worker processes are of no use
    to it, for the daemon works ahead already; in one it refuses to run, because each would repeat all batches.

    Parameters
    ----------
    source
        The files.
    encoded
        The encoded ``obs`` keys.
    options
        What `MappedCollection.loader` was given.
    """

    def __init__(self, source: Source, encoded: list[str], options: Options) -> None:
        self._source = source
        self._encoded = encoded
        self._options = options
        self._encoders = _encoders.Encoders(_encoders.tables_of(source.describe()))
        self._next = Cursor(0, 0)  # where the next iteration starts
        self._current: Cursor | None = None  # of the iteration begun last
        self._counters = Counters()
        self._iterator: weakref.ref[LoaderIterator] | None = None  # the one begun last
        self._parked = Parked()
        self._repeated = False  # a second iteration makes a third likely

    # --- iterating ------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        """Count the batches of one epoch, for each rank."""
        full, rest = divmod(self._source.n_obs, self._global_batch())
        return full + (1 if rest and not self._options.drop_last else 0)

    def __iter__(self) -> LoaderIterator:
        if _torch.in_worker():
            raise InvalidArgument(
                "a loader is not for DataLoader workers: each would go through all batches",
                object="num_workers",
                hint="num_workers=0, the daemon works ahead already; or DataLoader(mapped, num_workers=…)",
            )
        start = self._settled(self._next)
        self._next = Cursor(start.epoch + 1, 0)
        self._current = start
        empty = not self._rest(start.position)
        follow, self._repeated = self._repeated, True
        iterator = LoaderIterator(
            self._source,
            self._encoded,
            self._options,
            start,
            self._counters,
            self._parked,
            empty=empty,
            follow=follow,
        )
        self._iterator = weakref.ref(iterator)
        return iterator

    def set_epoch(self, epoch: int) -> None:
        """Have the next iteration be this epoch, from its start, unless a state of this very epoch was just loaded."""
        epoch = _arguments.number("epoch", epoch, 0)
        if self._current is not None or self._settled(self._next).epoch != epoch:
            self._next = Cursor(epoch, 0)
            self._current = None

    def _global_batch(self) -> int:
        return self._options.batch_size * self._options.world_size

    def _rest(self, position: int) -> int:
        """Count the rows that are still to come in an epoch after ``position``."""
        rest = max(0, self._source.n_obs - position)
        return rest - rest % self._global_batch() if self._options.drop_last else rest

    def _settled(self, cursor: Cursor) -> Cursor:
        """Give a copy of a cursor; at the end of an epoch, of the next epoch's start."""
        if cursor.position and not self._rest(cursor.position):
            return Cursor(cursor.epoch + 1, 0)
        return Cursor(cursor.epoch, cursor.position)

    # --- state ----------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Give the place in the data after the batches that were yielded so far, to be kept with a checkpoint.

        It is about 200 bytes of plain numbers and strings, and three for each label (at most 1,536 a key), the same on
        all ranks. It may be loaded on other ranks, into another number of ranks, and with other ``batch_size``,
        ``format``, ``dtype`` and ``to``.
        """
        at = self._settled(self._current or self._next)
        return {
            "version": STATE_VERSION,
            "dataset": self._source.hash,
            "spec": self._spec_hash(),
            "encoders": self._encoders.marks(),
            "seed": self._options.seed,
            "epoch": at.epoch,
            "position": at.position,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Have the next iteration go on after the last batch that had been yielded when ``state`` was taken.

        Raises
        ------
        InvalidArgument
            The state is of other data, of other keys, of other codes of labels (the first that differs is named), or of
            another order.
        """
        try:
            version, dataset, spec = state["version"], state["dataset"], state["spec"]
            names = ("seed", "epoch", "position")
            numbers = {name: _arguments.number(name, state[name], 0, _MOST_SEED) for name in names}
        except (KeyError, TypeError) as e:
            message = f"this is not a loader's state: {e!r}"
            raise InvalidArgument(message, stage="state", object="state", hint="pass what state_dict() gave") from None
        self._must_be("version", version, STATE_VERSION, "take it with this version of loaderd")
        self._must_encode_alike(state.get("encoders") or {})
        self._must_be(
            "spec", spec, self._spec_hash(), "use the keys, join, labels, panel, transforms and shuffle of then"
        )
        self._must_be("dataset", dataset, self._source.hash, "map the files that it was taken from, in the same order")
        if self._options.seed_given or not self._options.shuffle:
            self._must_be("seed", numbers["seed"], self._options.seed, "make the loader with that seed, or with None")
        if numbers["position"] > self._source.n_obs:
            message = f"the state's position {numbers['position']} is beyond the {self._source.n_obs} rows there are"
            raise InvalidArgument(message, stage="state", object="position")
        self._options = replace(self._options, seed=numbers["seed"])
        self._next = Cursor(numbers["epoch"], numbers["position"])
        self._current = None

    def _must_be(self, what: str, found: Any, wanted: Any, hint: str) -> None:
        if found != wanted:
            message = f"the state's {what} is {found!r}, this loader's is {wanted!r}"
            raise InvalidArgument(message, stage="state", object=what, hint=hint)

    def _must_encode_alike(self, marks: dict[str, str]) -> None:
        found = self._encoders.difference(marks)
        if found is not None:
            key, where = found
            message = f"the state's encoder of {key!r} is not this loader's: {where}"
            hint = "impose the encoders of then: loaderd.mapped(…, encoders=loaderd.Encoders.load(path))"
            raise InvalidArgument(message, stage="state", object=f"encoders[{key!r}]", hint=hint)

    def _spec_hash(self) -> str:
        """Hash what makes the rows and their order, besides data and seed."""
        what = {"shuffle": self._options.shuffle} | self._source.spec
        what.pop("encoders", None)  # compared by their labels
        what.pop("obs_filter", None)  # the dataset's hash has what it chose, however it is written
        return hashlib.sha256(json.dumps(what, sort_keys=True, default=bytes.hex).encode()).hexdigest()[:16]

    # --- about it -------------------------------------------------------------------------------------------

    @property
    def seed(self) -> int:
        """The seed of the shuffle; the one drawn, if none was given."""
        return self._options.seed

    @property
    def encoders(self) -> dict[str, dict[Any, int]]:
        """Label -> code, for each encoded key, as `MappedCollection.encoders`."""
        return {c["key"]: dict(c["encoder"] or []) for c in self._columns() if c["encoded"]}

    @property
    def categories(self) -> dict[str, tuple[Any, ...]]:
        """The labels that codes number, for each key of them, as `Batch.categories`."""
        return {c["key"]: tuple(c["categories"]) for c in self._columns() if self._coded(c)}

    def _columns(self) -> list[Any]:
        return self._source.describe()["columns"] or []

    def _coded(self, column: Any) -> bool:
        if column["encoded"] or column["categories"] is None:
            return bool(column["encoded"])
        return self._options.strings == "codes" and label_table(tuple(column["categories"])).dtype == object

    @property
    def batch_size(self) -> int:
        """Rows of a batch, for each rank."""
        return self._options.batch_size

    @property
    def epoch(self) -> int:
        """The epoch of the iteration under way, or of the next one if none is."""
        return self._settled(self._current or self._next).epoch

    def stats(self) -> dict[str, Any]:
        """Give counters.

        Returns
        -------
        dict
            ``batches``, ``rows``, ``bytes``: yielded since the loader was made. ``waited``: seconds in which the next
            batch was not ready (near 0: the model is the slower part). ``held``: batches that you keep alive.
            ``copied``: batches copied because of that. ``restarts``: daemons lost. ``epoch``, ``position``: as in
            `state_dict`. ``daemon``: what the daemon says of the iteration under way, or None.
        """
        counters = self._counters
        iterator = None if self._iterator is None else self._iterator()
        held, said = (0, None) if iterator is None else iterator.stats()
        at = self._settled(self._current or self._next)
        return {
            "batches": counters.batches,
            "rows": counters.rows,
            "bytes": counters.bytes,
            "waited": counters.waited,
            "held": held,
            "copied": counters.copied,
            "restarts": counters.restarts,
            "epoch": at.epoch,
            "position": at.position,
            "daemon": said,
        }

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_iterator": None}

    def __repr__(self) -> str:
        o = self._options
        order = f"shuffle=True, seed={o.seed}" if o.shuffle else "shuffle=False"
        ranks = f", rank={o.rank}, world_size={o.world_size}" if o.world_size > 1 else ""
        last = ", drop_last=True" if o.drop_last else ""
        return f"Loader({len(self)} batches of {o.batch_size}, {order}{last}{ranks}, format={o.format!r}, to={o.to!r})"
