"""Values for arrays of zarr stores, and metadata that zarr-python would not write."""

import json
from pathlib import Path

import numpy as np

NUMBERS = ["bool", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16"]


def values(shape, dtype, seed=0):
    """Numbers that use every byte of an element, small ones and negative ones among them."""
    rng = np.random.default_rng(seed)
    dtype = np.dtype(dtype)
    n = int(np.prod(shape, dtype=int))
    if dtype.kind == "b":
        out = rng.integers(0, 2, n).astype(dtype)
    elif dtype.kind in "iu":
        info = np.iinfo(dtype)
        out = rng.integers(info.min, info.max, n, dtype=dtype.newbyteorder("="), endpoint=True).astype(dtype)
        out[::3] = out[::3] % 7
    elif dtype.kind == "f":
        out = (rng.standard_normal(n) * 1000).astype(dtype)
        out[::3] = np.floor(out[::3] / 100)
        out[n // 2 : n // 2 + 1] = np.nan
    else:
        out = (rng.standard_normal(n) + 1j * rng.standard_normal(n)).astype(dtype)
    return out.reshape(shape)


TEXT = np.array(["", "a", "T cell", "µ-glia", "日本", "x" * 40, "🧬", " spaces ", "b", "", "last"], dtype=object)


def edit(node, fn):
    """Changes the metadata file of a node."""
    at = Path(node.store_path.store.root) / node.store_path.path
    file = next(at / f for f in (".zarray", ".zgroup", "zarr.json") if (at / f).exists())
    meta = json.loads(file.read_text())
    fn(meta)
    file.write_text(json.dumps(meta, indent=2))
