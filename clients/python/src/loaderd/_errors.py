"""Every exception and warning of the client, and their codes on the wire."""

from __future__ import annotations

import errno
from typing import Any, ClassVar


class LoaderdError(Exception):
    """Base of all errors that loaderd raises on purpose.

    Parameters
    ----------
    message
        What went wrong, with the name of the thing and the value received.
    stage
        Where it went wrong: ``"open"``, ``"get"``, ``"start"``, ``"fill"``, …
    object
        The file, key or option that it is about.
    hint
        What to do about it.

    Attributes
    ----------
    code
        The error's name on the wire (``docs/protocol.md``, "Codes"); the same for all errors of a class.
    message, stage, object, hint
        As given; empty strings where nothing is known.
    """

    code: ClassVar[str] = "internal"
    _errno: ClassVar[int] = 0

    def __init__(self, message: str, *, stage: str = "", object: str = "", hint: str = "") -> None:  # noqa: A002
        super().__init__(message)
        self.stage = stage
        self.object = object
        self.hint = hint
        if issubclass(type(self), OSError):  # whose own attributes code may look at
            for name, value in (("errno", self._errno or None), ("filename", object or None)):
                setattr(self, name, value)

    def __str__(self) -> str:
        # Not that of KeyError, which shows a repr, nor that of OSError, which shows a number.
        text = str(self.args[0]) if self.args else ""
        return f"{text}\n  hint: {self.hint}" if self.hint and self.hint not in text else text

    def __reduce__(self) -> tuple[Any, ...]:
        state = {"stage": self.stage, "object": self.object, "hint": self.hint}
        return _rebuild, (type(self), self.args[0] if self.args else "", state)


def _rebuild(cls: type[LoaderdError], message: str, state: dict[str, str]) -> LoaderdError:
    return cls(message, **state)


class ProtocolError(LoaderdError):
    """A message breaks ``docs/protocol.md``. Client and daemon are out of step: update both, or report it."""

    code = "protocol"


class VersionError(LoaderdError):
    """The daemon speaks another major version. Stop it (``loaderd stop``), or install matching versions."""

    code = "version"


class InvalidArgument(LoaderdError, ValueError, TypeError):
    """An option has a value, or a type of value, that it cannot have. The message names it and what is allowed."""

    code = "invalid_argument"


class NotFound(LoaderdError, FileNotFoundError):
    """A path leads nowhere, or a pattern matches no file. Check its spelling and the working directory."""

    code = "not_found"
    _errno = errno.ENOENT


class BadFile(LoaderdError, OSError):
    """A file is not HDF5, is truncated, or is corrupt. Copy or write it again; ``h5ls FILE`` should list it."""

    code = "bad_file"
    _errno = errno.EIO


class Unsupported(LoaderdError, NotImplementedError):
    """A form that loaderd does not read (yet). The message names the object and a way round."""

    code = "unsupported"


class NoElement(LoaderdError, KeyError):
    """An AnnData element that must be there is not: ``X``, or a layer. Name another in ``layers_keys``."""

    code = "no_element"


class UnknownKey(LoaderdError, KeyError, ValueError):
    """A name that no file has among its ``obs``, ``obsm`` or ``layers``. The message shows near matches."""

    code = "unknown_key"


class NoSharedVars(LoaderdError, ValueError):
    """The files have no variable (gene) in common. Use ``join="outer"``, or make their names agree."""

    code = "no_shared_vars"


class IndexOutOfRange(LoaderdError, IndexError):
    """A row number outside the collection. Valid ones go from ``-len(mapped)`` to ``len(mapped) - 1``."""

    code = "index"


class NotEnoughMemory(LoaderdError, MemoryError):
    """The batches would not fit into memory. Lower ``batch_size`` or ``prefetch``, or use ``format="csr"``."""

    code = "memory"
    _errno = errno.ENOMEM


class NotEnoughDisk(LoaderdError, OSError):
    """The daemon has no room for a temporary file. Set ``LOADERD_CACHE_DIR`` to a folder on a larger disk for it."""

    code = "disk"
    _errno = errno.ENOSPC


class SourceChanged(LoaderdError, OSError):
    """A file changed after it was opened, so rows would no longer be the same. Call ``mapped`` again."""

    code = "source_changed"
    _errno = errno.ESTALE


class Closed(LoaderdError, RuntimeError, KeyError):
    """Something is used after its ``close()``. Make a new one. A ``KeyError``, too, as lamindb's rows give."""

    code = "closed"


class Busy(LoaderdError, RuntimeError):
    """The daemon has other clients and was asked to leave only if idle."""

    code = "busy"


class DoesNotExist(LoaderdError, LookupError):
    """The registry has no such record. Queries leave out what is hidden or in the trash."""

    code = "no_record"


class MultipleResultsFound(LoaderdError, LookupError):
    """Several records fit where one was asked for. Say more of it, or take ``first()``."""

    code = "several_records"


class FieldError(InvalidArgument, AttributeError):
    """A query names a field that its records do not have, or asks of a field what cannot be asked of it."""

    code = "unknown_field"


class FieldValidationError(InvalidArgument):
    """A record is made with a field that it does not have, or lacks one that it must have."""

    code = "validation"


class IntegrityError(LoaderdError, ValueError):
    """A change would contradict what the registry has: a version that is taken, or a family that moved on."""

    code = "conflict"


class ProtectedError(IntegrityError):
    """A record cannot be deleted for good, because others refer to it. The message names them."""

    code = "protected"


class RegistryError(LoaderdError, OSError):
    """The registry's database cannot be used: broken, of a newer loaderd, held by another machine, or out of disk."""

    code = "registry"
    _errno = errno.EIO


class DaemonGone(LoaderdError, ConnectionError):
    """The daemon died, is leaving, or could not be started. The message names the socket and the log.

    Raised for a death only with ``on_daemon_loss="raise"``, or when restarts do not help.
    """

    code = "shutting_down"
    _errno = errno.ECONNRESET


class InternalError(LoaderdError, RuntimeError):
    """A fault of the daemon's own. Its log has the details; please report it."""

    code = "internal"


BY_CODE: dict[str, type[LoaderdError]] = {
    c.code: c
    for c in (
        ProtocolError,
        VersionError,
        InvalidArgument,
        NotFound,
        BadFile,
        Unsupported,
        NoElement,
        UnknownKey,
        NoSharedVars,
        IndexOutOfRange,
        NotEnoughMemory,
        NotEnoughDisk,
        SourceChanged,
        Closed,
        Busy,
        DoesNotExist,
        IntegrityError,
        ProtectedError,
        FieldError,
        FieldValidationError,
        RegistryError,
        DaemonGone,
        InternalError,
    )
}


def from_wire(message: dict[str, Any]) -> LoaderdError:
    """Make the exception that an ``error`` message stands for."""
    cls = BY_CODE.get(message.get("code", ""), InternalError)
    return cls(
        str(message.get("message") or message.get("code") or "error without a message"),
        stage=str(message.get("stage") or ""),
        object=str(message.get("object") or ""),
        hint=str(message.get("hint") or ""),
    )


class LoaderdWarning(UserWarning):
    """Base of all warnings that loaderd gives."""


class DaemonRestartedWarning(LoaderdWarning):
    """The daemon died; another one was started, and reading goes on where it stopped. The old one's log says why."""


class CoverageWarning(LoaderdWarning):
    """A file has fewer than half of the variables that ``var_names`` names; the others are 0 in its rows."""


class BatchesHeldWarning(LoaderdWarning):
    """So many batches are kept alive that no shared memory is left; further ones are copied into ordinary memory.

    Correct, but slower. Keep what you need of a batch (``batch["X"].mean(0)``) instead of views of it.
    """
