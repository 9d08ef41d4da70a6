"""The small h5ad files that the documents speak of: ``a.h5ad`` and ``b.h5ad``.

``python small_files.py FOLDER`` writes them.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

CELLS = {"a.h5ad": 300, "b.h5ad": 200}
GENES = {"a.h5ad": range(50), "b.h5ad": range(10, 60)}  # 40 in common
TYPES = ["B cell", "T cell", "monocyte"]


def write_small_files(folder: Path) -> list[Path]:
    """Write the files into ``folder``; the same bytes of data every time."""
    rng = np.random.default_rng(0)
    paths = []
    for name, cells in CELLS.items():
        genes = GENES[name]
        counts = rng.poisson(0.3, size=(cells, len(genes))).astype(np.float32)
        obs = pd.DataFrame(
            {"cell_type": pd.Categorical(rng.choice(TYPES, cells), categories=TYPES)},
            index=[f"{name[0]}{i}" for i in range(cells)],
        )
        var = pd.DataFrame(index=[f"GENE{g}" for g in genes])
        paths.append(folder / name)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what anndata and pandas have to say to each other
            anndata.AnnData(X=csr_matrix(counts), obs=obs, var=var).write_h5ad(paths[-1])
    return paths


if __name__ == "__main__":
    write_small_files(Path(sys.argv[1]))
