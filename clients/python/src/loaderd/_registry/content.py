"""Data that were in memory, as files of the registry's storage."""

from __future__ import annotations

import contextlib
import gzip
import os
import re
import secrets
import sys
import threading
import warnings
import weakref
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from loaderd._errors import (
    DaemonGone,
    InternalError,
    InvalidArgument,
    LoaderdError,
    NotEnoughDisk,
    NotFound,
    ProtocolError,
)
from loaderd._registry.versions import SUFFIX
from loaderd._wire import path_on_wire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from loaderd._registry.artifact import Artifact

FOLDER: Final = ".loaderd"
"""Where the storage has what was in memory."""


def _text(data: Any, path: str, sep: str) -> None:
    # An index that says no more than the place of a row would come back as a column.
    plain = type(data.index).__name__ == "RangeIndex" and data.index.name is None
    if not path.endswith(".gz"):
        data.to_csv(path, sep=sep, index=not plain)
        return
    # gzip notes the name and the time: the same table would be another content each time.
    with open(path, "wb") as file, gzip.GzipFile("", "wb", fileobj=file, mtime=0) as packed:
        data.to_csv(packed, sep=sep, index=not plain, mode="wb")


def _h5ad(data: Any, path: str) -> None:
    backing = data.filename
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what anndata and pandas have to say to each other
            data.write_h5ad(path)
    finally:
        if backing is not None:  # anndata has made it an object of the file that it wrote
            data.file.filename = backing


WRITERS: Final[dict[str, dict[str, Callable[[Any, str], None]]]] = {
    "DataFrame": {
        ".parquet": lambda data, path: data.to_parquet(path),
        ".csv": lambda data, path: _text(data, path, ","),
        ".tsv": lambda data, path: _text(data, path, "\t"),
        ".feather": lambda data, path: data.to_feather(path),
        ".arrow": lambda data, path: data.to_feather(path),
        ".ipc": lambda data, path: data.to_feather(path),
    },
    "AnnData": {".h5ad": _h5ad},
}
"""What writes an object, by its type and the ending that its key may have; the first where its key has none."""

PACKED: Final = (".gz", ".bz2", ".xz")
"""Endings behind ``.csv`` and ``.tsv`` of texts that are packed."""

_OTHERS: Final = re.compile(
    r"\.(?:arrow|avro|bam|csv|db|duckdb|feather|h5|h5ad|h5mu|hdf5|ipc|json|jsonl|loom|mtx|ndjson|np[yz]|orc|parquet|pickle"
    r"|pkl|rds|sqlite|tar|tsv|txt|xlsx?|ya?ml|zarr|zip|gz|bz2|xz|zst)"
)
"""Endings that promise a format; what else stands behind a dot in a key is a part of the name."""


def suffix_for(otype: str, key: str | None) -> str:
    """Choose the format of an object: what its key says, or the first of its type.

    Parameters
    ----------
    otype
        ``"DataFrame"`` or ``"AnnData"``.
    key
        The artifact's key, if it has one.

    Raises
    ------
    InvalidArgument
        The key says a format in which it is not written.
    """
    writers = WRITERS[otype]
    root, last = os.path.splitext(os.path.basename(key or ""))
    packed = last if last.lower() in PACKED else ""
    ending = os.path.splitext(root)[1] if packed else last
    if ending.lower() in writers and (not packed or ending.lower() in (".csv", ".tsv")):
        return (ending + packed).lower()
    if not _OTHERS.fullmatch(last.lower()):
        return next(iter(writers))
    message = f"key={key!r} says {ending + packed}, and a {otype} is written as {', '.join(writers)}"
    hint = "give a key that ends so; or write the file yourself, and make an artifact of its path"
    raise InvalidArgument(message, stage="registry", object="key", hint=hint)


@dataclass(eq=False)
class Written:
    """A file that was written for an artifact.

    It lies under a temporary name until the artifact is saved, and is removed if it never is.

    Parameters
    ----------
    path
        Where it is.
    final
        Where it is to be.
    facts
        What is known of it.
    mark
        By which it is known, whatever its name.
    """

    path: str
    final: str
    facts: dict[str, Any]
    mark: tuple[int, ...] = ()
    _remover: Any = field(init=False, repr=False)  # None: it is a copy, and another object cares for the file
    _pid: int = field(init=False, repr=False)  # of the process that wrote it
    _kept: bool = field(init=False, repr=False, default=False)  # this object moved it, and may move it back
    _for_good: bool = field(init=False, repr=False, default=False)  # a record names it
    _alone: Any = field(init=False, repr=False)  # of those who save it, one at a time does

    def __post_init__(self) -> None:
        self._pid = os.getpid()
        self._remover = weakref.finalize(self, _remove, self.path, self._pid)
        self._alone = (self._pid, threading.RLock())

    def __getstate__(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("path", "final", "facts", "mark", "_for_good")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, _kept=False, _remover=None, _pid=0, _alone=(os.getpid(), threading.RLock()))

    def alone(self) -> AbstractContextManager[object]:
        """Have others of this process that save it wait."""
        if self._alone[0] != os.getpid():  # who had the lock when this process was forked gives it back to nobody
            self._alone = (os.getpid(), threading.RLock())
        lock: AbstractContextManager[object] = self._alone[1]
        return lock

    def belong(self, uid: str) -> None:
        """Take the name by which the file is seen to be one of a family: its own, whoever else is of the family.

        Parameters
        ----------
        uid
            Of the artifact, as far as it is known: where others may become the same version, it is not settled yet.
        """
        stem, number = uid[:-SUFFIX], uid[-SUFFIX:]
        name = uid if number == "0" * SUFFIX else f"{stem}-{_random()}"
        self.final = os.path.join(os.path.dirname(self.path), name + self.facts["suffix"])

    def replace(self, path: str) -> None:
        """Take the place of the file of another artifact, which is gone from there."""
        if os.path.dirname(path) == os.path.dirname(self.final):
            self.final = path

    def keep(self) -> None:
        """Give it its final name, and have it on the disk before the registry speaks of it.

        Where there is a file of this name, which is somebody's, it gets one like it.

        Raises
        ------
        NotFound
            It is removed already, with the object that this one is a copy of or with its record.
        """
        if self.path == self.final or self._kept:
            return
        try:
            _sync(self.path)
            while not _moved(self.path, self.final):
                folder, name = os.path.split(self.final)
                stem = name[: -len(self.facts["suffix"])].partition("-")[0]
                self.final = os.path.join(folder, f"{stem}-{_random()}{self.facts['suffix']}")
        except FileNotFoundError as e:
            if _mark(self.final) == self.mark:  # a copy has moved it, or this object has, before it could note that
                self._leave()
                self._remover = None  # a record may name it
                return
            message = f"{self.path}: what was written is gone"
            hint = "make the artifact of its data again; one that is not saved is not copied or pickled"
            raise NotFound(message, stage="registry", object=self.path, hint=hint) from e
        self._kept = True
        _sync(os.path.dirname(self.final))

    def back(self) -> None:
        """Give it its temporary name again, if it has its final one from here: else it is that of another's record."""
        if self._kept:
            self._kept = False
            with contextlib.suppress(FileNotFoundError):
                os.rename(self.final, self.path)

    def stay(self) -> None:
        """Leave it under its final name, for the registry may know of it; what is saved again finds it there."""
        if self._kept:
            self._leave()

    def remove(self) -> None:
        """Remove it, whatever its name, unless a record names it; a copy, or a forked child, only gives it back."""
        if self._for_good:
            return
        if self._remover is None or self._pid != os.getpid():
            if self._kept and _names(self.final) > 1:  # others moved it at the same time, and a record has theirs
                _remove(self.final, os.getpid())
                self._kept = False
            self.back()
            return
        self._remover()
        _remove(self.final, self._pid)

    def done(self) -> None:
        """Leave it where it is for good."""
        self._for_good = True
        self._leave()

    def _leave(self) -> None:
        if self._remover is not None:
            self._remover.detach()
        self.path, self._kept = self.final, False


def _moved(path: str, final: str) -> bool:
    """Rename a file, unless there is one of the new name: that is somebody's."""
    try:
        os.link(path, final)
    except FileExistsError:
        return False
    except FileNotFoundError:
        raise
    except OSError:  # a file system without links
        if os.path.lexists(final):
            return False
        os.rename(path, final)
        return True
    with contextlib.suppress(FileNotFoundError):  # a copy in another process moved it, too
        os.remove(path)
    return True


def _names(path: str) -> int:
    """Count the names of a file; 0: it is gone."""
    try:
        return os.stat(path).st_nlink
    except FileNotFoundError:
        return 0


def _mark(path: str) -> tuple[int, ...]:
    """Give what tells a file from others, and stays so under another name; nothing of one that is not there."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return ()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _random() -> str:
    return secrets.token_hex(6)


def _sync(path: str) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _remove(path: str, pid: int) -> None:
    if pid == os.getpid():  # what a forked child inherits is its parent's
        with contextlib.suppress(OSError):
            os.remove(path)


def class_name(data: Any) -> str:
    """Name the class of an object, with its package where others have classes of this name."""
    package, name = type(data).__module__.partition(".")[0], type(data).__name__
    return name if package == "builtins" else f"{package}.{name}"


def otype_of(data: Any) -> str | None:
    """Tell what an object is: ``"DataFrame"``, ``"AnnData"``, or None. Nothing is imported for it."""
    for module, name in (("pandas", "DataFrame"), ("anndata", "AnnData")):
        known = getattr(sys.modules.get(module), name, None)
        if known is not None and isinstance(data, known):
            return name
    return None


def write(data: Any, key: str | None, storage: str) -> Written:
    """Write an object to a file.

    Parameters
    ----------
    data
        A ``pandas.DataFrame`` or an ``anndata.AnnData``.
    key
        Of the artifact.
    storage
        The root of the storage.

    Raises
    ------
    InvalidArgument
        It is something else, or cannot be written in the format that the key says.
    NotEnoughDisk
        The storage takes no more.
    """
    otype = otype_of(data)
    if otype is None:
        message = f"an artifact is not made of a {class_name(data)}: {data!r:.80}"
        hint = "give a path, a URL, a pandas.DataFrame or an anndata.AnnData"
        raise InvalidArgument(message, stage="registry", object="data", hint=hint)
    suffix, folder = suffix_for(otype, key), os.path.join(storage, FOLDER)
    path = os.path.join(folder, f".unsaved-{_random()}{suffix}")
    facts = {"otype": otype, "suffix": suffix, "n_observations": len(data)}
    written = Written(path, path, facts)
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        WRITERS[otype]["." + suffix.split(".")[1]](data, path)
        written.mark = _mark(path)
    except (ImportError, MemoryError):
        raise
    except OSError as e:
        message = f"cannot write {path}: {e.strerror or e}"
        hint = "LOADERD_DATA_DIR names the folder of the registry and its storage"
        raise NotEnoughDisk(message, stage="registry", object=path, hint=hint) from e
    except Exception as e:  # of pyarrow, pandas, anndata and h5py, each has its own
        said = "; ".join(map(str, e.args)) or type(e).__name__
        hint = "columns have one name and one type each (astype); or write the file yourself, and give its path"
        message = f"the {otype} cannot be written as {suffix}: {said}"
        raise InvalidArgument(message, stage="registry", object=key or "data", hint=hint) from e
    return written


@contextlib.contextmanager
def stored(*artifacts: Artifact) -> Iterator[None]:
    """Have what was in memory under its final names, and back if the registry refuses it.

    Where nobody knows whether the registry took it, because of Ctrl-C or a daemon that died, it stays: a file that no
    record names is better than a record without its file.

    Parameters
    ----------
    *artifacts
        Those whose records are to name the final paths.
    """
    with contextlib.ExitStack() as held:
        for _, lock in sorted({id(one): one for a in artifacts if (one := a._written) is not None}.items()):
            held.enter_context(lock.alone())
        # Another thread may have saved one of them meanwhile.
        new = [(artifact, one) for artifact in artifacts if (one := artifact._written) is not None]
        try:
            for artifact, written in new:
                written.keep()
                artifact._values["path"] = path_on_wire(written.final)
            yield
        except BaseException as e:
            refused = isinstance(e, LoaderdError) and not isinstance(e, (DaemonGone, InternalError, ProtocolError))
            for artifact, written in new:
                (written.back if refused else written.stay)()
                artifact._values["path"] = path_on_wire(written.path)
            raise
        for artifact, written in new:
            artifact._written = None
            # The registry may have had the content under another name.
            (written.done if artifact._where() == written.final else written.remove)()
