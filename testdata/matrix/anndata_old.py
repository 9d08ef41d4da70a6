"""AnnData as versions before 0.8 wrote it: records and categories in uns (0.5, 0.6), __categories (0.7)."""

import numpy as np
from anndata_forms import M, N, both, column, counts
from anndata_maker import TEXT
from form import adder

form = adder("anndata", ("h5ad", "zarr v2"))
OLD = "AnnData: files of older versions"
CELLS, GENES = [f"cell{i}" for i in range(N)], [f"gene{i}" for i in range(M)]
CODES = np.resize([0, -1, 1, 1, 0], N).astype("i1")


def records(index, **columns):
    """A data frame as one array of records, its index first."""
    names = np.array([x.encode() for x in index])
    rows = np.zeros(len(index), [("index", names.dtype), *((k, v.dtype) for k, v in columns.items())])
    rows["index"] = names
    for k, v in columns.items():
        rows[k] = v
    return rows


def sparse6(w, name, m):
    """A sparse matrix as h5sparse had it."""
    g = w.root.create_group(name)
    w.attr(g, "h5sparse_format", m.format)
    w.attr(g, "h5sparse_shape", np.array(m.shape))
    for part in ("data", "indices", "indptr"):
        w.array(g, part, getattr(m, part))


def frames6(w, **columns):
    w.array(w.root, "obs", records(CELLS, **columns))
    w.array(w.root, "var", records(GENES, mean=np.arange(M) / 4))


FLAT = {"batch": np.arange(N), "score": np.arange(N, dtype="f4") / 8, "name": np.array([b"n%d" % (i % 3) for i in range(N)])}


@form(OLD, "0.5 and 0.6: obs and var as records, dense X")
def _(w):
    w.array(w.root, "X", counts().toarray())
    frames6(w, **FLAT)
    return [*both(layers_keys=["X"], obs_keys=list(FLAT)), *column("batch", "name")]


@form(OLD, "0.5 and 0.6: records with text of variable length", ("h5ad",))
def _(w):
    w.array(w.root, "X", counts().toarray())
    for name, index in (("obs", CELLS), ("var", GENES)):
        kind = np.dtype([("index", TEXT), ("note", TEXT), ("n", "<i8")])
        rows = np.array([(x, f"µ{i % 3}", i) for i, x in enumerate(index)], kind)
        w.root.create_dataset(name, data=rows, dtype=kind)
    return [*both(layers_keys=["X"]), *column("note", "n")]


@form(OLD, "0.5 and 0.6: CSR and CSC marked by h5sparse")
def _(w):
    sparse6(w, "X", counts())
    sparse6(w, "raw.X", counts(1, m=3).tocsc())
    frames6(w)
    w.array(w.root, "raw.var", records(["gene1", "raw1", "raw2"]))
    return both(layers_keys=["X", "raw.X"])


@form(OLD, "0.5 and 0.6: raw.X and raw.var beside X")
def _(w):
    w.array(w.root, "X", counts().toarray())
    w.array(w.root, "raw.X", counts(1, m=4).toarray())
    w.array(w.root, "raw.var", records(["gene1", "raw1", "raw2", "gene0"]))
    frames6(w)
    return both(layers_keys=["X", "raw.X"])


@form(OLD, "0.5 and 0.6: categories in uns, of text and of numbers")
def _(w):
    w.array(w.root, "X", counts().toarray())
    frames6(w, kind=CODES, grade=CODES, plain=np.arange(N, dtype="i1"))
    uns = w.root.create_group("uns")
    w.array(uns, "kind_categories", np.array([b"mono", b"T"]))
    w.array(uns, "grade_categories", np.array([30, 10]))
    w.array(uns, "unrelated_categories", np.array([b"x"]))
    return column("kind", "grade", "plain")


@form(OLD, "0.5 and 0.6: integers of obs, and categories of a var column of the same name in uns")
def _(w):
    w.array(w.root, "X", counts().toarray())
    w.array(w.root, "obs", records(CELLS, kind=np.arange(N)))
    w.array(w.root, "var", records(GENES, kind=np.resize([0, 1, -1], M).astype("i1")))
    w.array(w.root.create_group("uns"), "kind_categories", np.array([b"mono", b"T"]))
    return column("kind")


@form(OLD, "0.5 and 0.6: one category only (a scalar)", ("h5ad",))
def _(w):
    w.array(w.root, "X", counts().toarray())
    frames6(w, kind=np.zeros(N, "i1"))
    uns = w.root.create_group("uns")
    uns.create_dataset("kind_categories", data="mono")
    return column("kind")


@form(OLD, "0.5 and 0.6: obsm as one array of records")
def _(w):
    w.array(w.root, "X", counts().toarray())
    frames6(w)
    rows = np.zeros(N, [("X_pca", "f4", (3,)), ("X_umap", "f8", (2,))] if w.hdf5 else [("X_1d", "f4")])
    if w.hdf5:
        rows["X_pca"], rows["X_umap"] = np.arange(N * 3).reshape(N, 3) / 2, np.arange(N * 2).reshape(N, 2) / 3
    else:
        rows["X_1d"] = np.arange(N) / 2
    w.array(w.root, "obsm", rows)
    return both(layers_keys=["X"], obsm_keys=["X_pca", "X_umap"]) if w.hdf5 else both(layers_keys=["X"])


def frame7(w, name, index, index_name="index", columns=()):
    g = w.root.create_group(name)
    for key, value in {"encoding-type": "dataframe", "encoding-version": "0.1.0", "_index": index_name, "column-order": list(columns)}.items():
        w.attr(g, key, value)
    w.array(g, index_name, index)
    return g


def categorical7(w, g, name, codes, categories, ordered=False):
    """Codes that point to categories in a group beside them."""
    cats = g["__categories"] if "__categories" in g else g.create_group("__categories")
    c = w.array(cats, name, categories)
    w.attr(c, "ordered", ordered)
    d = w.array(g, name, codes)
    d.attrs["categories"] = c.ref if w.hdf5 else f"__categories/{name}"


def sparse7(w, name, m):
    g = w.root.create_group(name)
    for key, value in {"encoding-type": f"{m.format}_matrix", "encoding-version": "0.1.0", "shape": np.array(m.shape)}.items():
        w.attr(g, key, value)
    for part in ("data", "indices", "indptr"):
        w.array(g, part, getattr(m, part))


@form(OLD, "0.7: categories under __categories, any width of codes, ordered or not")
def _(w):
    sparse7(w, "X", counts())
    wide = ("i1", "i2", "i4")
    obs = frame7(w, "obs", CELLS, columns=(*wide, "grade", "batch", "note"))
    for kind in wide:
        categorical7(w, obs, kind, CODES.astype(kind), ["T", "B"])
    categorical7(w, obs, "grade", CODES, np.array([30, 10]), ordered=True)
    w.array(obs, "batch", np.arange(N))
    w.array(obs, "note", [f"note {i % 4}" for i in range(N)])
    frame7(w, "var", GENES)
    return [*both(layers_keys=["X"]), *column(*wide, "grade", "batch", "note")]


@form(OLD, "0.7: CSR, CSC and dense layers, obsm, raw")
def _(w):
    sparse7(w, "X", counts().tocsc())
    frame7(w, "obs", CELLS)
    frame7(w, "var", GENES)
    layers = w.root.create_group("layers")
    w.array(layers, "dense", counts(2).toarray())
    obsm = w.root.create_group("obsm")
    w.array(obsm, "X_pca", np.arange(N * 3, dtype="f4").reshape(N, 3))
    raw = w.root.create_group("raw")
    w.array(raw, "X", counts(3, m=2).toarray())
    g = raw.create_group("var")
    for key, value in {"encoding-type": "dataframe", "encoding-version": "0.1.0", "_index": "index", "column-order": []}.items():
        w.attr(g, key, value)
    w.array(g, "index", ["raw0", "raw1"])
    return both(layers_keys=["X", "dense", "raw.X"], obsm_keys=["X_pca"])


@form(OLD, "0.7: index under a name of its own, fixed-length text", ("h5ad",))
def _(w):
    w.array(w.root, "X", counts().toarray())
    g = frame7(w, "obs", CELLS, "barcode", ("label",))
    w.array(g, "label", np.array([b"l%d" % (i % 3) for i in range(N)]))
    frame7(w, "var", GENES, "gene ids")
    return [{"layers_keys": ["X"], "obs_keys": ["label"]}]
