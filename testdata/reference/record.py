"""Records what lamindb's own ``MappedCollection`` does in every case of `refcases`, into ``recorded.json.gz``.

    pip install lamindb==2.12.1 torch
    python testdata/reference/record.py

Needs no lamin instance. What is recorded are values, shapes, types and classes of errors; nothing of lamindb is copied.
"""

from __future__ import annotations

import gzip
import json
import logging
import sys
import tempfile
import warnings
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import refcases
import refobserve
import refstores

JOBS = 4
OUT = Path(__file__).parent / "recorded.json.gz"


def main() -> None:
    """Record all cases; with arguments, show those whose id has one of them instead."""
    warnings.simplefilter("ignore")
    shown = {k: c for k, c in refcases.CASES.items() if any(a in k for a in sys.argv[1:])}
    cases = shown or refcases.CASES
    with tempfile.TemporaryDirectory() as folder, ProcessPoolExecutor(JOBS, get_context("spawn")) as pool:
        refstores.make(Path(folder), refcases.stores(cases))
        parts = pool.map(record, [list(cases)[i::JOBS] for i in range(JOBS)], [Path(folder)] * JOBS)
        found = {k: what for part in parts for k, what in part.items()}
    found = {k: found[k] for k in cases}
    if shown:
        print(json.dumps(found, indent=1))
        return
    packages = {name: version(name) for name in ("lamindb", "anndata", "h5py", "zarr", "numpy", "pandas", "torch")}
    OUT.write_bytes(packed({"versions": packages, "cases": found}))


def record(idents: list[str], folder: Path) -> dict[str, Any]:
    """Give what lamindb does in some of the cases."""
    from lamindb.core import MappedCollection

    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    cases = {ident: refcases.CASES[ident] for ident in idents}
    return {k: refobserve.observe(MappedCollection, c, refcases.paths(folder, c)) for k, c in cases.items()}


def packed(what: Any) -> bytes:
    """Give JSON, compressed, the same bytes for the same value."""
    text = json.dumps(what, ensure_ascii=False, separators=(",", ":"))
    return gzip.compress(text.encode(), 9, mtime=0)


if __name__ == "__main__":
    main()
