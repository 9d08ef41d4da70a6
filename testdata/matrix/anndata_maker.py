"""Writes AnnData files in each container and tells what anndata, and the container's own library, read in them."""

import shutil
from pathlib import Path
from typing import Any

import anndata as ad
import h5py
import numpy as np
import scipy.sparse as sp
import zarr
from anndata_reading import collection, without_nan
from form import Form
from h5_reading import read_tree
from zarr_maker import pack, text
from zarr_reading import describe

ALL = ("h5ad", "zarr v2", "zarr v3")
TEXT = h5py.string_dtype()
ad.settings.allow_write_nullable_strings = True


class Writer:
    """A file in one container, written by anndata or node by node."""

    def __init__(self, path: Path, version: str) -> None:
        self.path, self.version = path, version
        self.hdf5 = version == "h5ad"
        self._root: Any = None

    def save(self, adata: ad.AnnData, **kw: Any) -> None:
        """Let anndata write an object."""
        if self.hdf5:
            adata.write_h5ad(self.path, **kw)
            return
        with ad.settings.override(zarr_write_format=int(self.version[6]), auto_shard_zarr_v3="shard" in self.version):
            adata.write_zarr(self.path)

    @property
    def root(self) -> Any:
        """The root group, to write more into."""
        if self._root is None:
            self._root = h5py.File(self.path, "a") if self.hdf5 else zarr.open_group(self.path, mode="a", zarr_format=int(self.version[6]))
        return self._root

    def close(self) -> None:
        if self.hdf5:
            if self._root is not None:
                self._root.close()
        else:
            zarr.consolidate_metadata(self.path)

    def array(self, parent: Any, name: str, data: Any, kind: str | None = None, **kw: Any) -> Any:
        """An array with the attributes of an encoding; lists are text."""
        data = np.array(data, object) if isinstance(data, list) else np.asarray(data)
        text = data.dtype.kind == "O"
        if self.hdf5:
            a = parent.create_dataset(name, data=data, dtype=TEXT if text else None, **kw)
        else:
            data = data.astype("T") if text else data if self.version == "zarr v2" else data.astype(data.dtype.newbyteorder("="))
            a = parent.create_array(name, data=data, **({"compressors": None} if not kw else {}))
        if kind:
            a.attrs.update({"encoding-type": kind, "encoding-version": "0.2.0"})
        return a

    def group(self, parent: Any, name: str, kind: str, version: str = "0.1.0", **attrs: Any) -> Any:
        g = parent.create_group(name)
        for key, value in {"encoding-type": kind, "encoding-version": version, **attrs}.items():
            self.attr(g, key, value)
        return g

    def attr(self, node: Any, key: str, value: Any) -> None:
        """An attribute, as anndata writes it in this container."""
        if isinstance(value, np.ndarray):
            value = value if self.hdf5 else value.tolist()
        elif isinstance(value, tuple | list):
            empty = np.array([], "f8") if self.hdf5 else []
            strings = value and isinstance(value[0], str)
            value = (np.array(value, TEXT) if strings else np.array(value) if len(value) else empty) if self.hdf5 else list(value)
        node.attrs[key] = value

    def frame(self, parent: Any, name: str, index: list[str], index_name: str = "_index", columns: tuple[str, ...] = (), version: str = "0.2.0") -> Any:
        g = self.group(parent, name, "dataframe", version, **{"_index": index_name, "column-order": list(columns)})
        self.array(g, index_name, index, "string-array")
        return g

    def sparse(self, parent: Any, name: str, m: Any, dtype: Any = None, index: Any = None, pointer: Any = None, **kw: Any) -> Any:
        g = self.group(parent, name, f"{m.format}_matrix", shape=np.array(m.shape))
        self.array(g, "data", m.data.astype(dtype or m.data.dtype), **kw)
        self.array(g, "indices", m.indices.astype(index or m.indices.dtype), **kw)
        self.array(g, "indptr", m.indptr.astype(pointer or m.indptr.dtype), **kw)
        return g

    def shell(self, rows: int, genes: int, *, obs: bool = True, var: bool = True) -> Any:
        """What every file has: its kind, obs and var."""
        self.root.attrs.update({"encoding-type": "anndata", "encoding-version": "0.1.0"})
        if obs:
            self.frame(self.root, "obs", [f"cell{i}" for i in range(rows)])
        if var:
            self.frame(self.root, "var", [f"gene{i}" for i in range(genes)])
        return self.root


def native(root: Any) -> ad.AnnData:
    """Matrices as numpy and scipy have them: of types that anndata reads and scipy cannot hold, or indices that scipy mishandles."""

    def values(a: Any) -> np.ndarray:
        x = a[...]
        return x.astype(x.dtype.newbyteorder("="))

    def matrix(g: Any) -> Any:
        if isinstance(g, h5py.Dataset | zarr.Array):
            return values(g)
        data = values(g["data"])
        make = sp.csr_matrix if g.attrs["encoding-type"] == "csr_matrix" else sp.csc_matrix
        data = data.astype(np.float32) if data.dtype == np.float16 else data
        return make((data, values(g["indices"]).astype(np.int64), values(g["indptr"]).astype(np.int64)), shape=tuple(g.attrs["shape"]))

    def stored(g: Any) -> np.dtype:
        a = g if isinstance(g, h5py.Dataset | zarr.Array) else g["data"]
        return a.dtype.newbyteorder("=")

    frames = {key: ad.io.read_elem(root[key]) for key in ("obs", "var")}
    layers = dict(root["layers"].items() if isinstance(root, h5py.Group) else root["layers"].members()) if "layers" in root else {}
    adata = ad.AnnData(X=matrix(root["X"]), **frames, layers={k: matrix(g) for k, g in layers.items()})
    adata.uns["stored as"] = {k: stored(g) for k, g in layers.items()} | {"X": stored(root["X"])}
    return adata


def read(path: Path, form: Form) -> ad.AnnData:
    if form.how.get("read") == "numpy":
        return native(h5py.File(path) if path.suffix == ".h5ad" else zarr.open_group(path, mode="r"))
    return ad.read_h5ad(path) if path.suffix == ".h5ad" else ad.read_zarr(path)


def make(form: Form, version: str, out: Path) -> dict:
    suffix = "h5ad" if version == "h5ad" else "zarr"
    path = out / "anndata" / form.slug / f"{version.replace(' ', '_').replace(',', '')}.{suffix}"
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    w = Writer(path, version)
    requests = form.make(w)
    w.close()
    made: dict = {"path": str(path.relative_to(out))}
    if suffix == "h5ad":
        with h5py.File(path) as f:
            made["objects"] = read_tree(f)
    else:
        made["store"] = text(describe(zarr.open_group(path, mode="r")))
    refusals = [{"options": r} for r in requests if "object" in r]
    requests = [r for r in requests if "object" not in r]
    if requests:
        adata = read(path, form)
        requests = [{"options": r, "expect": without_nan(collection([adata], **r))} for r in requests]
    if "zip" in form.how:
        made["path"] = str(pack(path, "stored").relative_to(out))
    return made | {"requests": requests, "refusals": refusals}
