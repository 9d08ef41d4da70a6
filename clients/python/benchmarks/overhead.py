"""What one batch costs the training process: CPU time of its thread, and the time it waits.

Run with the daemon's binary built: ``python benchmarks/overhead.py [--cells N] [--epochs N]``. Everything made stands
in a temporary folder. The files are small and in the page cache, so that the client is what is measured; ``bench/``
measures the whole.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import torch
from scipy.sparse import csr_matrix
from torch.utils.data import DataLoader

import loaderd

GENES = 20_000


def write(path: Path, cells: int, stored: int) -> None:
    """Write ``cells`` rows of ``stored`` random values each."""
    rng = np.random.default_rng(0)
    step = GENES // stored
    columns = np.arange(stored)[None, :] * step + rng.integers(0, step, (cells, stored))
    matrix = csr_matrix(
        (
            rng.integers(1, 50, cells * stored).astype(np.float32),
            columns.astype(np.int32).ravel(),
            np.arange(0, cells * stored + 1, stored),
        ),
        shape=(cells, GENES),
    )
    obs = pd.DataFrame(
        {"cell_type": pd.Categorical(rng.choice(["A", "B", "C"], cells))}, index=[str(i) for i in range(cells)]
    )
    var = pd.DataFrame(index=[f"G{i}" for i in range(GENES)])
    anndata.AnnData(X=matrix, obs=obs, var=var).write_h5ad(path)


def measure(name: str, make: object, epochs: int) -> None:
    """Print what a batch costs, of the best epoch."""
    rows = []
    for _ in range(epochs):
        cpu, wall, batches, cells = time.thread_time(), time.perf_counter(), 0, 0
        for batch in make:  # type: ignore[attr-defined]
            batches += 1
            cells += len(batch["_store_idx"])
        cpu, wall = time.thread_time() - cpu, time.perf_counter() - wall
        rows.append((cpu / batches * 1e6, wall / batches * 1e6, cells / wall))
    cpu, wall, rate = min(rows)
    print(f"{name:<34} {cpu:>9.1f} {wall:>10.1f} {rate:>12,.0f}")


def main() -> None:
    """Measure every way to get a batch."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", type=int, default=20_000)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--batch-size", type=int, default=128)
    options = parser.parse_args()
    size = options.batch_size
    with tempfile.TemporaryDirectory(prefix="loaderd-overhead-") as name:
        folder = Path(name)
        os.environ["LOADERD_RUNTIME_DIR"] = str(folder / "run")
        os.environ["LOADERD_STATE_DIR"] = str(folder / "state")
        os.environ["LOADERD_ROWSTORE"] = str(folder / "rows")
        torch.set_num_threads(1)
        try:
            print(f"{'batch of ' + str(size):<34} {'CPU µs':>9} {'wall µs':>10} {'cells/s':>12}")
            for label, genes_stored in (("1,500 of 20,000 stored", 1500), ("4 of 20,000 stored", 4)):
                path = folder / f"{genes_stored}.h5ad"
                write(path, options.cells, genes_stored)
                with loaderd.mapped(path, obs_keys="cell_type") as mapped:
                    print(label)
                    for form, to in (("dense", "torch"), ("dense", "numpy"), ("csr", "torch"), ("csr", "scipy")):
                        loader = mapped.loader(size, shuffle=True, seed=0, format=form, to=to)  # type: ignore[arg-type]
                        measure(f"  loader {form} {to}", loader, options.epochs)
                    measure("  DataLoader", DataLoader(mapped, batch_size=size, shuffle=True), options.epochs)
        finally:
            loaderd.stop()


if __name__ == "__main__":
    main()
