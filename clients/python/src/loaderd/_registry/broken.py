"""What libraries say of files that they cannot read, as errors of loaderd."""

from __future__ import annotations

import lzma
import sys
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from loaderd._errors import BadFile, InvalidArgument, LoaderdError

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAMED = [
    ("pyarrow", "ArrowException"),
    ("pandas.errors", "ParserError"),
    ("pandas.errors", "EmptyDataError"),
    ("anndata._io.utils", "AnnDataReadError"),
]
"""Exceptions of libraries, which are not imported for them."""


def _errors() -> tuple[type[BaseException], ...]:
    found = (getattr(sys.modules.get(module), name, None) for module, name in _NAMED)
    known = [each for each in found if isinstance(each, type)]
    return (OSError, EOFError, UnicodeDecodeError, KeyError, zlib.error, lzma.LZMAError, *known)


@contextmanager
def told(path: str, kind: str, stage: str, kwargs: dict[str, Any]) -> Iterator[None]:
    """Have what a library raises while it reads a file tell of the file.

    Parameters
    ----------
    path
        Of the file.
    kind
        What it is said to be: its suffix.
    stage
        What is done: ``"load"`` or ``"open"``.
    kwargs
        What the user told the library.

    Raises
    ------
    BadFile
        The file is not of this kind, or damaged.
    InvalidArgument
        It is not read with these keywords.
    """
    try:
        yield
    except LoaderdError:
        raise
    except _errors() as e:
        said = "; ".join(map(str, e.args)) or type(e).__name__
        if kwargs:
            options = ", ".join(f"{name}={value!r:.80}" for name, value in kwargs.items())
            message = f"{path} cannot be read as {kind} with {options}: {said}"
            raise InvalidArgument(message, stage=stage, object=path, hint="see what its reader takes") from e
        hint = "copy or write it again; or give it the ending of what it is, and register that"
        raise BadFile(f"{path} cannot be read as {kind}: {said}", stage=stage, object=path, hint=hint) from e
