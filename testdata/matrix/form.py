"""What a form of the matrix is, and the list that the other modules add theirs to.

A form is one way in which data may lie in a file. It is written once for each version of the format that knows it: one small file
each, so that a difference names its form.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Form:
    """A form, and how files of it are made.

    Parameters
    ----------
    kind
        Which of the readers reads it: ``h5``, ``zarr`` or ``anndata``.
    area, name
        The table of ``docs/formats.md`` that it stands in, and its name there.
    versions
        The versions of the format to write it in.
    make
        Writes it; the arguments are those that the kind's maker gives.
    refused
        What in the file is not read: paths of objects, ``path@name`` of attributes, ``""`` for the whole file.
    how
        More that the kind's maker wants to know.
    """

    kind: str
    area: str
    name: str
    versions: tuple[str, ...]
    make: Callable[..., Any]
    refused: tuple[str, ...]
    how: dict[str, Any]

    @property
    def slug(self) -> str:
        """Its name as that of a folder."""
        return re.sub(r"\W+", "-", f"{self.area} {self.name}".lower().replace("hdf5: ", "").replace("zarr: ", "").replace("anndata: ", "")).strip("-")


FORMS: list[Form] = []


def adder(kind: str, all_versions: Sequence[str]) -> Callable[..., Callable[[Callable[..., Any]], Callable[..., Any]]]:
    """Make the decorator with which the modules of one kind add forms."""

    def form(area: str, name: str, versions: Sequence[str] = tuple(all_versions), refused: str | Sequence[str] = (), **how: Any):
        def add(make: Callable[..., Any]) -> Callable[..., Any]:
            names = (refused,) if isinstance(refused, str) else tuple(refused)
            FORMS.append(Form(kind, area, name, tuple(versions), make, names, how))
            return make

        return add

    return form
