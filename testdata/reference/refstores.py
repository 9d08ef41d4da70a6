"""Small AnnData stores with everything that a mapped collection may meet, made anew wherever they are needed.

``make(folder, wanted)`` writes them, as h5ad or as zarr of either format; ``path(folder, name, form)`` is where one lies. The
same versions of anndata and zarr need not have made what was recorded: names, shapes, types and values follow from this
file alone.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import anndata as ad
import h5py
import numpy as np
import pandas as pd
import scipy.sparse as sp
import zarr

FORMS = {"h5": ".h5ad", "z3": ".z3.zarr", "z2": ".z2.zarr"}
"""Ways to store, and how the names of such stores end."""


def path(folder: Path, name: str, form: str) -> Path:
    """Give the place of a store. Some exist in one form only, or are no stores at all."""
    if name in BROKEN:
        return folder / name
    return folder / (name + FORMS["h5" if name in H5_ONLY else form])


def make(folder: Path, wanted: Iterable[tuple[str, str]]) -> None:
    """Write stores into an empty folder: those of the names and forms in ``wanted``."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what the libraries have to say to each other
        for name, form in sorted(set(wanted)):
            target = path(folder, name, form)
            if name in BROKEN:
                BROKEN[name](target)
            elif name in H5_ONLY:
                with h5py.File(target, "w") as f:
                    H5_ONLY[name](f)
            else:
                write(target, STORES[name](), form, EDITS.get(name))


def write(target: Path, adata: ad.AnnData, form: str, edit: Callable[[Any], None] | None = None) -> None:
    """Write a store in a form; ``edit`` may change the open file or group then."""
    with ad.settings.override(allow_write_nullable_strings=True, zarr_write_format=3 if form == "z3" else 2):
        if form == "h5":
            adata.write_h5ad(target, convert_strings_to_categoricals=False)
        else:
            adata.write_zarr(target, convert_strings_to_categoricals=False)
    if edit and form == "h5":
        with h5py.File(target, "r+") as f:
            edit(f)
    elif edit:
        edit(zarr.open_group(target, mode="r+", use_consolidated=False))
        zarr.consolidate_metadata(target)


# --- the stores -------------------------------------------------------------------------------------------------


def numbers(seed: int, rows: int, cols: int, dtype: Any, density: float = 0.6) -> np.ndarray[Any, Any]:
    """Make a matrix of small numbers, some of them 0. Arithmetic alone, so that no generator's version shows."""
    i = np.arange(rows * cols, dtype=np.int64).reshape(rows, cols)
    x = (i * 7919 + seed * 104729 + (i * i) % 97 * 31) % 101
    x[(i * 613 + seed * 17) % 100 >= density * 100] = 0
    if np.dtype(dtype).kind == "f":
        return (x / 8 - (x % 3)).astype(dtype)
    return (x % 2 if np.dtype(dtype).kind == "b" else x).astype(dtype)


def csr(seed: int, rows: int, cols: int, dtype: Any) -> sp.csr_matrix:
    """Make the same, sparse."""
    return sp.csr_matrix(numbers(seed, rows, cols, dtype))


def anndata(prefix: str, x: Any, genes: str | list[Any], obs: dict[str, Any] | None = None, **more: Any) -> ad.AnnData:
    """Make an AnnData whose cells are ``a0``, ``a1``, …"""
    index = [f"{prefix}{i}" for i in range(x.shape[0])]
    var = pd.DataFrame(index=genes.split() if isinstance(genes, str) else genes)
    return ad.AnnData(X=x, obs=pd.DataFrame(obs or {}, index=index), var=var, **more)


def build_a() -> ad.AnnData:
    obs = {
        "cell_type": pd.Categorical(["T", "B", None, "T", "NK", "B", "T"], categories=["NK", "T", "B", "never"]),
        "grade": pd.Categorical([3, 1, 3, 2, 1, 2, 3], categories=[3, 1, 2, 9]),
        "grade_na": pd.Categorical([3, 1, None, 2, 1, None, 3], categories=[3, 1, 2]),
        "good": pd.Categorical([True, False, True, True, False, False, True]),
        "share": pd.Categorical([0.5, 0.25, 0.5, 1.0, 0.25, 1.0, 0.5]),
        "count": pd.array([1, None, 3, 4, None, 6, 7], dtype="Int64"),
        "count_full": pd.array([1, 2, 3, 4, 5, 6, 7], dtype="Int32"),
        "flag": pd.array([True, None, False, True, False, None, True], dtype="boolean"),
        "note": np.array(["x", "w", "y", "", "é", "z", "x"], dtype=object),
        "word": pd.array(["x", None, "y", "", "é", "z", None], dtype="string"),
        "depth": np.array([5, 3, 5, 1, 2, 3, 5], np.int64),
        "score": np.array([0.5, np.nan, 1.5, 2.5, -1, 0, np.nan], np.float32),
        "ratio": np.array([0.5, 1.5, 1.5, 2.5, -1, 0, 3], np.float64),
        "ok": np.array([True, False, True, True, False, False, True]),
        "small": np.array([1, 2, 3, 300, 2, 1, 3], np.uint16),
        "tiny": np.array([1, -2, 3, 3, 2, 1, 3], np.int8),
        "mixed": np.array(["one", "two", "one", "two", "one", "two", "one"], dtype=object),
        "equal": np.array([1, 2, 1, 2, 1, 2, 1], np.int64),
        "only_a": np.arange(7, dtype=np.int16),
        "only_a_cat": pd.Categorical(["u", "v", None, "u", "v", "u", "u"]),
        "nan_text": pd.Categorical(["nan", "B", None, "nan", "B", "B", "nan"]),
    }
    a = anndata("a", csr(1, 7, 6, np.float32), "g3 g1 g4 g2 g6 g5", obs)
    a.obsm = {"pca": numbers(2, 7, 3, np.float32), "one": numbers(3, 7, 1, np.float64), "sparse": csr(4, 7, 4, np.float32)}
    a.obsm["only_a"] = numbers(5, 7, 2, np.int64)
    a.layers = {"counts": csr(6, 7, 6, np.int16), "dense": numbers(7, 7, 6, np.float64), "only_a": csr(8, 7, 6, np.int64)}
    a.raw = ad.AnnData(X=csr(9, 7, 8, np.float32), obs=a.obs[[]], var=pd.DataFrame(index=[f"r{i}" for i in range(8)]))
    return a


def build_b() -> ad.AnnData:
    obs = {
        "cell_type": pd.Categorical(["B", "T", "mono", None, "mono"]),
        "grade": pd.Categorical([1, 2, 4, 4, 2]),
        "grade_na": pd.Categorical([1, 2, None, 4, 2]),
        "good": np.array([True, True, False, True, False]),
        "share": np.array([0.5, 2.0, 0.75, 2.0, 0.5]),
        "count": np.array([1, 20, 3, 40, 50], np.int64),
        "count_full": np.array([1, 20, 3, 40, 50], np.int32),
        "flag": np.array([True, False, True, False, True]),
        "note": np.array(["x", "q", "y", "q", "w"], dtype=object),
        "word": np.array(["x", "q", "y", "q", "w"], dtype=object),
        "depth": np.array([5, 30, 5, 10, 2], np.int32),
        "score": np.array([1, 2, 3, 4, 5], np.float64),
        "ratio": np.array([1, 2, 3, 4, 5], np.float32),
        "ok": np.array([True, True, True, True, False]),
        "small": np.array([1, 2, 3, 200, 2], np.uint8),
        "tiny": np.array([1, 2, 3, 3, 2], np.int64),
        "mixed": np.array([1, 2, 3, 1, 2], np.int64),
        "equal": np.array([1.0, 2.0, 3.0, 1.0, 2.0]),
        "nan_text": pd.Categorical(["nan", "B", "C", "nan", "B"]),
    }
    b = anndata("b", numbers(11, 5, 5, np.int64), "g2 g9 g1 g7 g3", obs)
    b.obsm = {"pca": numbers(12, 5, 3, np.float64), "one": numbers(13, 5, 1, np.int32), "sparse": csr(14, 5, 4, np.float64)}
    b.layers = {"counts": csr(16, 5, 5, np.int32), "dense": numbers(17, 5, 5, np.float32)}
    b.raw = ad.AnnData(X=numbers(19, 5, 3, np.float64), obs=b.obs[[]], var=pd.DataFrame(index=["r2", "r0", "s"]))
    return b


def build_c() -> ad.AnnData:
    obs = {
        "depth": np.array([1.5, 5, 2, np.nan], np.float64),
        "note": pd.Categorical(["x", "late", "late", None]),
        "word": pd.Categorical(["x", "late", "late", None]),
        "ratio": np.array([1, 2, 3, 4], np.int16),
        "good": np.array([True, False, True, True]),
    }
    c = anndata("c", csr(21, 4, 4, np.float64), "g1 g3 x1 g2", obs)
    c.obsm = {"pca": numbers(22, 4, 3, np.int64)}
    return c


def build_same_as_a() -> ad.AnnData:
    obs = {"cell_type": np.array(["T", "late", "B"], dtype=object), "depth": np.array([5, 3, 7], np.int64)}
    obs["ok"] = np.array([True, False, True])
    e = anndata("e", numbers(31, 3, 6, np.float32), "g3 g1 g4 g2 g6 g5", obs)
    e.layers = {"counts": numbers(36, 3, 6, np.int16)}
    return e


def build_permuted() -> ad.AnnData:
    obs = {"cell_type": pd.Categorical(["T", "late", "B", None]), "depth": np.array([5, 3, 7, 7], np.int64)}
    p = anndata("p", csr(41, 4, 6, np.float32), "g1 g2 g3 g4 g5 g6", obs)
    p.layers = {"counts": csr(46, 4, 6, np.int16)}
    p.raw = ad.AnnData(X=csr(49, 4, 2, np.float32), obs=p.obs[[]], var=pd.DataFrame(index=["r1", "r0"]))
    return p


def build_unlike() -> ad.AnnData:
    return anndata("u", csr(51, 3, 3, np.float32), "other1 other2 other3", {"depth": np.array([1, 2, 3], np.int64)})


def build_rows0() -> ad.AnnData:
    return build_a()[:0].copy()


def build_rows0_other() -> ad.AnnData:
    return build_b()[:0].copy()


def build_cols0() -> ad.AnnData:
    return anndata("v", np.zeros((3, 0), np.float32), [], {"depth": np.array([1, 2, 3], np.int64)})


def build_all_missing() -> ad.AnnData:
    obs = {
        "cell_type": pd.Categorical([None, None, None], categories=np.array([], dtype=object)),
        "score": np.array([np.nan, np.nan, np.nan], np.float32),
        "count": pd.array([None, None, None], dtype="Int64"),
        "depth": np.array([1, 2, 3], np.int64),
    }
    return anndata("n", csr(61, 3, 6, np.float32), "g3 g1 g4 g2 g6 g5", obs)


def build_numbered() -> ad.AnnData:
    return anndata("i", csr(71, 3, 5, np.float32), "1 10 2 11 É", {"depth": np.array([1, 2, 3], np.int64)})


def build_twice() -> ad.AnnData:
    return anndata("w", csr(75, 3, 4, np.float32), "g1 g2 g1 g3", {"depth": np.array([1, 2, 3], np.int64)})


def build_sorted() -> ad.AnnData:
    return anndata("s", csr(77, 3, 4, np.float32), "g1 g2 gA É", {"depth": np.array([1, 2, 3], np.int64)})


def build_falling() -> ad.AnnData:
    return anndata("f", csr(78, 3, 3, np.float32), "gA g2 g1", {"depth": np.array([1, 2, 3], np.int64)})


def build_types(x: Any) -> Callable[[], ad.AnnData]:
    def build() -> ad.AnnData:
        obs = {"cell_type": pd.Categorical(["T", "B", "T"]), "depth": np.array([1, 2, 3], np.int64)}
        t = anndata("t", x, "g1 g2 g3 g4", obs)
        t.layers = {"counts": numbers(85, 3, 4, np.uint8)}
        return t

    return build


def build_csc() -> ad.AnnData:
    return anndata("k", csr(91, 3, 4, np.float32).tocsc(), "g1 g2 g3 g4", {"depth": np.array([1, 2, 3], np.int64)})


def build_csc_parts() -> ad.AnnData:
    k = anndata("k", csr(92, 3, 4, np.float32), "g1 g2 g3 g4", {"depth": np.array([1, 2, 3], np.int64)})
    k.layers = {"counts": csr(93, 3, 4, np.int16).tocsc()}
    k.obsm = {"sparse": csr(94, 3, 4, np.float32).tocsc()}
    k.raw = ad.AnnData(X=csr(95, 3, 5, np.float32).tocsc(), obs=k.obs[[]], var=pd.DataFrame(index=list("vwxyz")))
    return k


def build_frame() -> ad.AnnData:
    k = anndata("k", csr(96, 3, 4, np.float32), "g1 g2 g3 g4", {"depth": np.array([1, 2, 3], np.int64)})
    k.obsm = {"frame": pd.DataFrame({"u": [1, 2, 3]}, index=k.obs_names)}
    return k


STORES: dict[str, Callable[[], ad.AnnData]] = {
    "a": build_a,
    "b": build_b,
    "c": build_c,
    "e": build_same_as_a,
    "p": build_permuted,
    "unlike": build_unlike,
    "rows0": build_rows0,
    "rows0b": build_rows0_other,
    "cols0": build_cols0,
    "missing": build_all_missing,
    "numbered": build_numbered,
    "int_names": lambda: anndata("i", csr(72, 3, 4, np.float32), "1 2 10 30"),
    "float_names": lambda: anndata("i", csr(73, 3, 3, np.float32), "1.5 2.0 1.0"),
    "byte_names": lambda: anndata("i", csr(74, 3, 4, np.float32), "g1 g2 gA g3"),
    "twice": build_twice,
    "sorted": build_sorted,
    "falling": build_falling,
    "gene1": lambda: anndata("h", csr(79, 2, 1, np.float32), "g1"),
    "u16": build_types(numbers(81, 3, 4, np.uint16)),
    "i8": build_types(csr(82, 3, 4, np.int8)),
    "f16": build_types(numbers(83, 3, 4, np.float16)),
    "bool": build_types(numbers(84, 3, 4, np.bool_)),
    "u32csr": build_types(csr(86, 3, 4, np.uint32)),
    "boolcsr": build_types(csr(87, 3, 4, np.bool_)),
    "big": build_types(numbers(88, 3, 4, np.float32)),
    "repeats": build_types(csr(89, 3, 4, np.float32)),
    "unsorted": build_types(csr(90, 3, 4, np.float32)),
    "csc": build_csc,
    "csc_parts": build_csc_parts,
    "frame": build_frame,
    "no_x": build_sorted,
    "null_raw": build_sorted,
}


# --- what anndata would not write -------------------------------------------------------------------------------


def put(group: Any, name: str, value: np.ndarray[Any, Any]) -> None:
    """Put an array in the place of another, whose attributes it keeps."""
    attrs = dict(group[name].attrs)
    del group[name]
    if isinstance(group, h5py.Group):
        made = group.create_dataset(name, data=value)
    else:
        made = group.create_array(name, shape=value.shape, dtype=value.dtype)
        made[...] = value
    for key, text in attrs.items():
        made.attrs[key] = text


def edit_names(*names: Any) -> Callable[[Any], None]:
    def edit(f: Any) -> None:
        index = f["var"].attrs["_index"]
        put(f["var"], index, np.array(names))
        kind = np.array(names).dtype.kind
        if kind in "if":
            f["var"][index].attrs["encoding-type"] = "array"

    return edit


def edit_bytes(f: Any) -> None:
    if isinstance(f, h5py.Group):
        put(f["var"], f["var"].attrs["_index"], np.array([b"g1", b"g2", b"gA", b"g3"]))


def edit_big(f: Any) -> None:
    put(f, "X", f["X"][...].astype(">f4"))
    put(f["obs"], "depth", f["obs"]["depth"][...].astype(">i8"))


def edit_repeats(f: Any) -> None:
    """Three entries a row; the second row has one column twice."""
    put(f["X"], "indptr", np.array([0, 2, 5, 6], np.int32))
    put(f["X"], "indices", np.array([0, 2, 1, 3, 1, 0], np.int32))
    put(f["X"], "data", np.array([1, 2, 3, 4, 5, 6], np.float32))


def edit_unsorted(f: Any) -> None:
    put(f["X"], "indptr", np.array([0, 2, 5, 5], np.int32))
    put(f["X"], "indices", np.array([2, 0, 3, 1, 0], np.int32))
    put(f["X"], "data", np.array([1, 2, 3, 4, 5], np.float32))


def edit_no_x(f: Any) -> None:
    del f["X"]


def edit_null_raw(f: Any) -> None:
    if "raw" in f:
        del f["raw"]
    ad.io.write_elem(f, "raw", None)


EDITS: dict[str, Callable[[Any], None]] = {
    "int_names": edit_names(1, 2, 10, 30),
    "float_names": edit_names(1.5, 2.0, 1.0),
    "byte_names": edit_bytes,
    "big": edit_big,
    "repeats": edit_repeats,
    "unsorted": edit_unsorted,
    "no_x": edit_no_x,
    "null_raw": edit_null_raw,
}


# --- layouts of old -----------------------------------------------------------------------------------------------


def _text(values: list[str]) -> np.ndarray[Any, Any]:
    return np.array([v.encode() for v in values], dtype="S")


def write_07(f: h5py.File) -> None:
    """Write anndata 0.7's layout: categories of columns in a group beside them, references to them as attributes."""
    x = csr(101, 4, 4, np.float32)
    g = f.create_group("X")
    g.attrs.update({"encoding-type": "csr_matrix", "encoding-version": "0.1.0", "shape": x.shape})
    for name in ("data", "indices", "indptr"):
        g[name] = getattr(x, name)
    obs = f.create_group("obs")
    obs.attrs.update({"encoding-type": "dataframe", "encoding-version": "0.1.0", "_index": "_index"})
    obs.attrs["column-order"] = np.array(["cell_type", "full", "depth", "note"], dtype=object)
    text = h5py.string_dtype()
    obs.create_dataset("_index", data=["o0", "o1", "o2", "o3"], dtype=text)
    cats = obs.create_group("__categories")
    for key, codes, names in (("cell_type", [0, 1, -1, 0], ["B", "T"]), ("full", [1, 0, 1, 1], ["u", "v"])):
        obs[key] = np.array(codes, np.int8)
        cats.create_dataset(key, data=names, dtype=text)
        cats[key].attrs["ordered"] = False
        obs[key].attrs["categories"] = cats[key].ref
    obs["depth"] = np.array([5, 2, 5, 1], np.int64)
    obs.create_dataset("note", data=["x", "y", "x", "é"], dtype=text)
    var = f.create_group("var")
    var.attrs.update({"encoding-type": "dataframe", "encoding-version": "0.1.0", "_index": "_index"})
    var.attrs["column-order"] = np.array([], np.float64)  # as anndata writes an empty list
    var.create_dataset("_index", data=["g1", "g2", "g3", "g4"], dtype=text)
    for name in ("layers", "obsm", "varm", "obsp", "varp", "uns"):
        f.create_group(name)
    f["obsm"]["pca"] = numbers(102, 4, 3, np.float32)


def write_06(f: h5py.File) -> None:
    """Write anndata 0.6's layout: tables of records, categories in ``uns``."""
    x = csr(103, 4, 4, np.float32)
    g = f.create_group("X")
    g.attrs.update({"h5sparse_format": "csr", "h5sparse_shape": x.shape, "shape": x.shape, "encoding-type": "csr_matrix"})
    g.attrs["encoding-version"] = "0.1.0"
    for name in ("data", "indices", "indptr"):
        g[name] = getattr(x, name)
    rows = [(b"o0", 0, 5, 0.5, b"x"), (b"o1", 1, 2, 1.5, b"y"), (b"o2", -1, 5, 2.5, b"x"), (b"o3", 0, 1, 0.5, b"z")]
    kinds = [("index", "S2"), ("cell_type", "i1"), ("depth", "i8"), ("ratio", "f4"), ("note", "S2")]
    f["obs"] = np.array(rows, dtype=kinds)
    f["var"] = np.array([(b"g1",), (b"g2",), (b"g3",), (b"g5",)], dtype=[("index", "S2")])
    f.create_group("uns")["cell_type_categories"] = _text(["B", "T"])


H5_ONLY: dict[str, Callable[[h5py.File], None]] = {"old07": write_07, "old06": write_06}
"""Stores that were never zarr."""


# --- what is no store -------------------------------------------------------------------------------------------


def _cut(target: Path) -> None:
    with h5py.File(target, "w") as f:
        f["X"] = numbers(0, 40, 40, np.float64)
    target.write_bytes(target.read_bytes()[:2000])


def _folder(target: Path) -> None:
    target.mkdir()
    (target / "inside.txt").write_text("no store\n")


BROKEN: dict[str, Callable[[Path], Any]] = {
    "text.h5ad": lambda target: target.write_text("obs,var\n"),
    "empty.h5ad": lambda target: target.write_bytes(b""),
    "cut.h5ad": _cut,
    "folder": _folder,
    "nowhere.h5ad": lambda target: None,
    "nowhere.zarr": lambda target: None,
}
"""Paths that lead to nothing that can be mapped, by how each is made."""
