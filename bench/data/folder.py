"""The cache folder: data of some parameters is made once."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from bench import pagecache
from bench.data.content import CELL_TYPES, Content
from bench.data.h5ad import write_h5ad

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from numpy.typing import NDArray

    from bench.data.content import Block
    from bench.data.spec import DataSpec

__all__ = ["Collection", "ensure", "ensure_copies"]

_SPEC, _ROWS = "spec.json", "rows.npz"


@dataclasses.dataclass(frozen=True)
class Collection:
    """Data on disk.

    Parameters
    ----------
    folder
        Holds the files, ``spec.json`` (the parameters) and ``rows.npz`` (what a right reader must find).
    paths
        The h5ad files, in order.
    """

    folder: Path
    paths: tuple[Path, ...]

    @property
    def rows(self) -> Path:
        """The file of what a right reader must find: see `bench.check`."""
        return self.folder / _ROWS

    def size(self) -> int:
        """Bytes of all h5ad files."""
        return sum(path.stat().st_size for path in self.paths)

    def warm(self) -> None:
        """Read every byte once, so that runs find the files in the page cache."""
        pagecache.warm(self.paths)

    def evict(self) -> None:
        """Have the system forget the files' pages, so that the next reader fetches them from the disk."""
        pagecache.evict(self.paths)


def ensure(spec: DataSpec, root: Path, say: Callable[[str], None] = lambda _: None) -> Collection:
    """Return the data of these parameters, making it when `root` does not have it yet.

    The folder appears whole or not at all, so an interrupted run leaves nothing that looks like data.

    Parameters
    ----------
    spec
        The parameters.
    root
        Folder that keeps data; made when missing.
    say
        Is told what is being done.
    """
    folder = root / spec.key()
    paths = tuple(folder / f"part_{file:02d}.h5ad" for file in range(spec.files))
    collection = Collection(folder, paths)
    if (folder / _SPEC).exists():
        return collection
    root.mkdir(parents=True, exist_ok=True)
    say(f"making {spec.cells:,} cells × {spec.genes:,} genes in {spec.files} files (kept in {folder})")
    with tempfile.TemporaryDirectory(dir=root, prefix="unfinished-") as name:
        made = Path(name) / "data"
        made.mkdir()
        _make(spec, [made / path.name for path in paths], say)
        (made / _SPEC).write_text(json.dumps(spec.as_dict(), indent=2) + "\n")
        shutil.rmtree(folder, ignore_errors=True)  # of a version that was interrupted between files
        os.replace(made, folder)
    return collection


def ensure_copies(collection: Collection, times: int) -> Collection:
    """Return a collection of so many copies of each file of another, making it when it is not there yet.

    To a loader these are as many files, and as many rows to keep.
    """
    folder = collection.folder.with_name(f"{collection.folder.name}-x{times}")
    names = [f"copy_{copy:02d}_{path.name}" for copy in range(times) for path in collection.paths]
    copies = Collection(folder, tuple(folder / name for name in names))
    if folder.exists():
        return copies
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="unfinished-") as name:
        made = Path(name) / "data"
        made.mkdir()
        for number, path in enumerate(copies.paths):
            shutil.copyfile(collection.paths[number % len(collection.paths)], made / path.name)
        with np.load(collection.rows) as rows:
            shift = np.repeat(np.arange(times) * len(collection.paths), len(rows["store"]))
            np.savez(
                made / _ROWS,
                store=np.tile(rows["store"], times) + shift,
                total=np.tile(rows["total"], times),
                panel_total=np.tile(rows["panel_total"], times),
                label=np.tile(rows["label"], times),
                names=rows["names"],
                panel=rows["panel"],
            )
        made.rename(folder)
    return copies


def _make(spec: DataSpec, paths: list[Path], say: Callable[[str], None]) -> None:
    content = Content(spec)
    sums, panel_sums, codes, stores = [], [], [], []
    for file, path in enumerate(paths):
        lengths = content.lengths(file)
        found, of_panel = np.zeros(len(lengths)), np.zeros(len(lengths))
        write_h5ad(
            path,
            obs=_obs(content, file),
            var=pd.DataFrame(index=pd.Index(content.gene_names(file))),
            lengths=lengths,
            blocks=_summing(_summing(content.blocks(file), content.shared(file), found), content.panel(file), of_panel),
            compression=spec.compression,
        )
        sums.append(found)
        panel_sums.append(of_panel)
        codes.append(content.cell_types(file))
        stores.append(np.full(len(lengths), file))
        say(f"  {path.name}: {len(lengths):,} cells, {lengths.min():,} to {lengths.max():,} values each")
    np.savez(
        paths[0].parent / _ROWS,
        store=np.concatenate(stores),
        total=np.concatenate(sums),
        panel_total=np.concatenate(panel_sums),
        panel=np.array([name for name, inside in zip(content.gene_names(0), content.panel(0), strict=True) if inside]),
        label=np.concatenate(codes),
        names=np.array(_cell_type_names()),
    )


def _summing(blocks: Iterable[Block], genes: NDArray[np.bool_], sums: NDArray[np.float64]) -> Iterator[Block]:
    """Pass the blocks of a file on, noting each cell's sum over some of the genes."""
    for block in blocks:
        cell = np.repeat(np.arange(len(block.lengths)), block.lengths)
        weights = block.values.astype(np.float64) * genes[block.indices]
        counted = np.bincount(cell, weights=weights, minlength=len(block.lengths))
        sums[block.start : block.start + len(block.lengths)] = counted
        yield block


def _obs(content: Content, file: int) -> pd.DataFrame:
    cells = content.spec.cells_of(file)
    labels = pd.Categorical.from_codes(content.cell_types(file), categories=_cell_type_names())
    donors = pd.Categorical.from_codes(
        np.arange(cells) * 4 // cells, categories=[f"donor_{file}_{i}" for i in range(4)]
    )
    index = pd.Index([f"cell_{file:02d}_{cell:08d}" for cell in range(cells)])
    return pd.DataFrame({"cell_type": labels, "donor": donors}, index=index)


def _cell_type_names() -> list[str]:
    return [f"type {number:02d}" for number in range(CELL_TYPES)]
