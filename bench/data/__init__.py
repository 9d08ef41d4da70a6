"""Data of realistic shape: several h5ad files of sparse counts, the same ones for the same parameters."""

from __future__ import annotations

from bench.data.folder import Collection, ensure, ensure_copies
from bench.data.many import ManyFiles, ensure_many
from bench.data.spec import Compression, DataSpec, Values

__all__ = [
    "Collection",
    "Compression",
    "DataSpec",
    "ManyFiles",
    "Values",
    "ensure",
    "ensure_copies",
    "ensure_many",
]
