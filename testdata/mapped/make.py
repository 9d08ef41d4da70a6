"""Make the files of this folder and cases.json, what anndata and pandas read in them.

    python testdata/mapped/make.py

Needs anndata ≥ 0.12 and h5py. Fixed seed: the same versions give the same values.
"""

import json
import sys
import warnings
from pathlib import Path

import anndata as ad
import h5py
import numpy as np
import pandas as pd
import scipy.sparse as sp

HERE = Path(__file__).parent
sys.path.append(str(HERE.parent))
from anndata_reading import collection, stored, without_nan  # noqa: E402

PBMC = "../10x_pbmc68k_reduced.h5ad"
warnings.simplefilter("ignore")
ad.settings.allow_write_nullable_strings = True
rng = np.random.default_rng(7)


# --- the files --------------------------------------------------------------------------------------------


def csr(rows, cols, dtype, shuffle=False, repeats=0, empty=()):
    """A random CSR matrix; columns of a row in random order and some twice where asked."""
    indptr, indices, data = [0], [], []
    for r in range(rows):
        n = 0 if r in empty else int(rng.integers(1, cols))
        idx = np.sort(rng.choice(cols, n, replace=False))
        if shuffle:
            rng.shuffle(idx)
        idx = idx.tolist()
        if n:
            for _ in range(repeats):
                idx.insert(int(rng.integers(0, len(idx) + 1)), int(rng.choice(idx)))
        indices += idx
        data += rng.integers(1, 100, len(idx)).tolist()
        indptr.append(len(indices))
    data = np.array(data, dtype=np.float64)
    if np.issubdtype(dtype, np.floating):
        data = data / 8 + 0.1
    return sp.csr_matrix((data.astype(dtype), np.array(indices, np.int32), np.array(indptr, np.int32)), shape=(rows, cols))


def names(text):
    return [f"gene_{c}" for c in text]


def write_modern():
    a = ad.AnnData(
        X=csr(7, 9, np.float32, shuffle=True, repeats=2, empty=(3,)),
        obs=pd.DataFrame(
            {
                "cell_type": pd.Categorical(["T", "B", None, "T", "NK", "B", "T"], categories=["NK", "T", "B", "never"]),
                "batch": [1, 2, 1, 2, 1, 2, 1],
                "score": np.array([0.5, np.nan, 1.5, 2.5, -1, 0, 3], np.float32),
                "good": [True, False, True, True, False, False, True],
                "count": pd.array([1, None, 3, 4, None, 6, 7], dtype="Int64"),
                "flag": pd.array([True, None, False, True, False, None, True], dtype="boolean"),
                "note": pd.array(["x", None, "y", "", "é", "z", None], dtype="string"),
                "donor": [f"donor {i}" for i in range(7)],
                "grade": pd.Categorical([3, 1, 3, 2, 1, None, 3], categories=[3, 1, 2]),
                "only_a": np.arange(7, dtype=np.int16),
                "mixed": ["one", "two", "one", "two", "one", "two", "one"],
            },
            index=[f"a{i}" for i in range(7)],
        ),
        var=pd.DataFrame(index=names("zebrafish")),
        obsm={"X_pca": rng.normal(size=(7, 3)).astype(np.float32), "frame": pd.DataFrame({"u": range(7)}, index=[f"a{i}" for i in range(7)]),
              "only_a": rng.integers(0, 9, (7, 2))},
        layers={"counts": csr(7, 9, np.int16, empty=(0, 1)), "cut": csr(7, 9, np.float64).tocsc(), "only_a": csr(7, 9, np.float32)},
    )
    full = ad.AnnData(X=csr(7, 11, np.float32, shuffle=True), obs=a.obs[[]], var=pd.DataFrame(index=names("zebrafish") + ["raw_1", "raw_2"]))
    a.raw = full
    a.write_h5ad(HERE / "a.h5ad")
    with h5py.File(HERE / "a.h5ad", "r+") as f:  # write_h5ad makes repeated text categorical
        del f["obs/note"]
        ad.io.write_elem(f["obs"], "note", a.obs["note"].astype("string").array)
        assert f["obs/note"].attrs["encoding-type"] == "nullable-string-array"
        assert f["obs/donor"].attrs["encoding-type"] == "string-array"

    b = ad.AnnData(
        X=csr(6, 8, np.int64, repeats=1, empty=(0, 5)),
        obs=pd.DataFrame(
            {
                "cell_type": pd.Categorical(["B", "T", "mono", None, "mono", "B"]),
                "batch": np.array([2, 3, 3, 300, 3, 2], np.uint16),
                "score": np.array([1, 2, 3, 4, 5, 6], np.int32),
                "good": [True] * 6,
                "count": [10, 20, 30, 40, 50, 60],
                "flag": [True, False] * 3,
                "note": pd.Categorical(["x", "w", "x", "w", "x", None]),
                "donor": [f"donor {i}" for i in range(3, 9)],
                "grade": [1, 2, 3, 4, 5, 6],
                "mixed": [1, 2, 3, 1, 2, 3],
            },
            index=[f"b{i}" for i in range(6)],
        ),
        var=pd.DataFrame(index=names("hbzrsqEé")),
        obsm={"X_pca": rng.normal(size=(6, 3)), "uneven": np.zeros((6, 2))},
        layers={"counts": csr(6, 8, np.int32)},
    )
    b.raw = ad.AnnData(X=csr(6, 3, np.float32), obs=b.obs[[]], var=pd.DataFrame(index=["raw_2", "gene_b", "raw_9"]))
    b.write_h5ad(HERE / "b.h5ad", compression="gzip")

    c = ad.AnnData(
        X=rng.integers(0, 3, (5, 8)).astype(np.float64) / 4,
        obs=pd.DataFrame({"cell_type": [f"late {i % 2}" for i in range(5)], "batch": [1.5, 2, 2.5, np.nan, 2]}, index=[f"c{i}" for i in range(5)]),
        var=pd.DataFrame(index=names("ratzebis")),
        obsm={"X_pca": rng.integers(0, 9, (5, 3)), "uneven": np.zeros((5, 3))},
    )
    c.write_h5ad(HERE / "c.h5ad")

    none = a[:0].copy()
    none.raw = None
    del none.obsm["frame"], none.layers["cut"]
    none.write_h5ad(HERE / "empty.h5ad")

    # The same variables in the same order as a, one of them twice in f.
    for name, var in (("d", names("zebrafish")), ("f", names("zebraxxsh"))):
        ad.AnnData(
            X=csr(4, 9, np.float32),
            obs=pd.DataFrame({"cell_type": pd.Categorical(["B"] * 4)}, index=[f"{name}{i}" for i in range(4)]),
            var=pd.DataFrame(index=var),
        ).write_h5ad(HERE / f"{name}.h5ad")
    ad.AnnData(X=csr(3, 4, np.float32), var=pd.DataFrame(index=list("pqrs"))).write_h5ad(HERE / "foreign.h5ad")
    ad.AnnData(obs=pd.DataFrame(index=["x", "y"]), var=pd.DataFrame(index=["p"])).write_h5ad(HERE / "no_x.h5ad")
    ad.AnnData(X=csr(4, 5, np.float32).tocsc()).write_h5ad(HERE / "csc.h5ad")


def write_stored_otherwise():
    """What anndata would write, in other types, byte orders and layouts."""
    m = csr(6, 9, np.float64, shuffle=True)
    with h5py.File(HERE / "types.h5ad", "w") as f:
        write_shell(f, 6, names("zebrafish"))
        write_csr(f, "X", m, np.dtype(">f4"), np.uint8)
        layers = f.create_group("layers")
        layers.attrs.update({"encoding-type": "dict", "encoding-version": "0.1.0"})
        write_csr(layers, "counts", csr(6, 9, np.uint8), np.dtype("u1"), np.int64, compression="lzf", shuffle=True, chunks=(5,))
        dense = rng.integers(0, 4, (6, 9))
        write_array(layers, "banded", dense.astype(">i2"), compression="gzip", chunks=(4, 4))
        write_array(layers, "rows", dense.astype("f2") / 8, chunks=(4, 9))
        write_array(layers, "big", dense.astype(">f8"))
        write_csr(layers, "yes", csr(6, 9, np.float32, repeats=2), np.dtype("bool"), np.uint16)
        write_csr(layers, "half", csr(6, 9, np.float32, shuffle=True), np.dtype("f2"), np.uint32)


def write_shell(f, rows, var):
    f.attrs.update({"encoding-type": "anndata", "encoding-version": "0.1.0"})
    for name, index in (("obs", [f"t{i}" for i in range(rows)]), ("var", var)):
        g = f.create_group(name)
        g.attrs.update({"encoding-type": "dataframe", "encoding-version": "0.2.0", "_index": "the names", "column-order": np.array([], "S1")})
        write_array(g, "the names", np.array(index, object), dtype=h5py.string_dtype(), kind="string-array")


def write_array(g, name, value, kind="array", **kw):
    d = g.create_dataset(name, data=value, **kw)
    d.attrs.update({"encoding-type": kind, "encoding-version": "0.2.0"})


def write_csr(f, name, m, dtype, index_dtype, **kw):
    g = f.create_group(name)
    g.attrs.update({"encoding-type": f"{m.format}_matrix", "encoding-version": "0.1.0", "shape": m.shape})
    g.create_dataset("data", data=m.data.astype(dtype), **kw)
    g.create_dataset("indices", data=m.indices.astype(index_dtype), **kw)
    g.create_dataset("indptr", data=m.indptr.astype(np.int64))


def write_legacy():
    """anndata 0.7 keeps codes beside __categories; 0.6 keeps records, and categories under uns."""
    m = csr(5, 9, np.float32)
    with h5py.File(HERE / "legacy07.h5ad", "w") as f:
        write_csr(f, "X", m, np.float32, np.int32)
        for name, index in (("obs", [f"l{i}" for i in range(5)]), ("var", names("zebrafish"))):
            g = f.create_group(name)
            g.attrs.update({"encoding-type": "dataframe", "encoding-version": "0.1.0", "_index": "index",
                            "column-order": np.array(["cell_type", "batch"] if name == "obs" else [], object).astype("S")})
            g.create_dataset("index", data=np.array(index, object), dtype=h5py.string_dtype())
        cats = f["obs"].create_group("__categories")
        cats.create_dataset("cell_type", data=np.array(["T", "B"], object), dtype=h5py.string_dtype())
        d = f["obs"].create_dataset("cell_type", data=np.array([0, -1, 1, 1, 0], np.int8))
        d.attrs["categories"] = cats["cell_type"].ref
        f["obs"].create_dataset("batch", data=np.arange(5))
    with h5py.File(HERE / "legacy06.h5ad", "w") as f:
        for name, m in (("X", csr(4, 9, np.float32, shuffle=True)), ("raw.X", csr(4, 3, np.float32))):
            g = f.create_group(name)
            g.attrs.update({"h5sparse_format": b"csr", "h5sparse_shape": m.shape})
            for part in ("data", "indices", "indptr"):
                g.create_dataset(part, data=getattr(m, part))
        obs = np.array([(b"m0", 0, 7), (b"m1", -1, 8), (b"m2", 0, 9), (b"m3", 0, 7)], [("index", "S2"), ("cell_type", "i1"), ("batch", "i8")])
        f.create_dataset("obs", data=obs)
        f.create_dataset("var", data=np.array([(n.encode(),) for n in names("zebrafish")], [("index", "S9")]))
        f.create_dataset("raw.var", data=np.array([(b"gene_b",), (b"raw_1",), (b"raw_9",)], [("index", "S9")]))
        f.create_dataset("obsm", data=np.array([((i, i + 0.5, 2 * i),) for i in range(4)], [("X_pca", "f4", (3,))]))
        f.create_dataset("uns/cell_type_categories", data=np.array([b"mono"]))


def write_same():
    """One matrix, stored in four ways: batches must not show which."""
    m = csr(60, 40, np.float32, shuffle=True, repeats=1, empty=(0, 17, 59))
    band = rng.integers(0, 5, (60, 40)).astype(np.float32)
    for name, kw in {
        "contiguous": {},
        "chunked": dict(chunks=(37,)),
        "gzip": dict(chunks=(41,), compression="gzip", shuffle=True),
        "lzf": dict(chunks=(300,), compression="lzf"),
    }.items():
        with h5py.File(HERE / f"same_{name}.h5ad", "w") as f:
            write_shell(f, 60, [f"v{i}" for i in range(40)])
            write_csr(f, "X", m, np.float32, np.int32, **kw)
            kw = dict(kw, chunks=(7, 9)) if kw else {}
            write_array(f.create_group("obsm"), "band", band, **kw)


def csc(rows, cols, dtype, **kw):
    """A random CSC matrix; rows of a column in random order and some twice where asked."""
    m = csr(cols, rows, dtype, **kw)
    return sp.csc_matrix((m.data, m.indices, m.indptr), shape=(rows, cols))


def write_columns():
    """Matrices by columns, and what obsm may hold beside arrays."""
    with h5py.File(HERE / "columns.h5ad", "w") as f:
        write_shell(f, 11, names("zebrafish"))
        write_csr(f, "X", csc(11, 9, np.float32, shuffle=True, repeats=2, empty=(4,)), np.float32, np.uint8, chunks=(7,), compression="gzip")
        layers = f.create_group("layers")
        layers.attrs.update({"encoding-type": "dict", "encoding-version": "0.1.0"})
        write_csr(layers, "counts", csc(11, 9, np.int16, empty=(0, 8)), np.int16, np.int64, chunks=(5,), compression="lzf")
        write_csr(layers, "yes", csc(11, 9, np.float32, repeats=1), np.dtype("bool"), np.int32, chunks=(6,))
        write_csr(layers, "none", sp.csc_matrix((11, 9)), np.float64, np.int32)
        obsm = f.create_group("obsm")
        obsm.attrs.update({"encoding-type": "dict", "encoding-version": "0.1.0"})
        write_csr(obsm, "by_row", csr(11, 4, np.float32, shuffle=True), np.float32, np.int32)
        write_csr(obsm, "by_column", csc(11, 4, np.int16, repeats=1), np.int16, np.int32)
        index = [f"t{i}" for i in range(11)]
        frame = pd.DataFrame({"z": np.arange(11, dtype=np.int16), "a": rng.normal(size=11).astype(np.float32), "m": np.arange(11)[::-1]}, index=index)
        ad.io.write_elem(obsm, "frame", frame)
        ad.io.write_elem(obsm, "flags", frame > 1)
        ad.io.write_elem(obsm, "text", frame.assign(m="text"))
        ad.io.write_elem(obsm, "holes", pd.DataFrame({"n": pd.array([None] + [1] * 10, dtype="Int64")}, index=index))


# --- what anndata, scipy and pandas make of them ----------------------------------------------------------


def read(path):
    if path != "types.h5ad":
        return ad.read_h5ad(HERE / path)
    # scipy has neither big-endian numbers nor halves, so anndata cannot read these.
    with h5py.File(HERE / path) as f:
        def native(g):
            if isinstance(g, h5py.Dataset):
                return g[()].astype(g.dtype.newbyteorder("="))
            data = g["data"][()]
            data = data.astype(np.float32 if data.dtype.itemsize == 2 else data.dtype.newbyteorder("="))
            return sp.csr_matrix((data, g["indices"][()].astype(np.int32), g["indptr"][()]), shape=tuple(g.attrs["shape"]))

        text = {k: f[k]["the names"].asstr()[()] for k in ("obs", "var")}
        adata = ad.AnnData(X=native(f["X"]), obs=pd.DataFrame(index=text["obs"]), var=pd.DataFrame(index=text["var"]),
                           layers={k: native(f["layers"][k]) for k in f["layers"]})
    adata.uns["stored as"] = {"half": np.dtype(np.float16)}
    return adata


def model(paths, **options):
    return collection([read(p) for p in paths], **options)


def cases():
    labels = ["cell_type", "batch", "score", "good", "count", "flag", "note", "donor", "grade", "only_a"]
    yield "one file as it is", dict(paths=["a.h5ad"], obs_keys=labels)
    for format in ("dense", "csr"):
        for join in ("inner", "outer"):
            yield f"{format}, {join} join of sparse int and float and dense float", dict(
                paths=["a.h5ad", "b.h5ad", "c.h5ad"], join=join, format=format, layers_keys=["X", "counts"])
            yield f"{format}, {join} join with an empty store in the middle", dict(
                paths=["a.h5ad", "empty.h5ad", "b.h5ad"], join=join, format=format, obs_keys=labels, encode=["cell_type"])
            yield f"{format}, {join} join of raw.X by its own names", dict(
                paths=["a.h5ad", "b.h5ad", "legacy06.h5ad", "c.h5ad"], join=join, format=format, layers_keys=["raw.X"])
            yield f"{format}, {join} join of other types, byte orders and layouts", dict(
                paths=["types.h5ad", "b.h5ad"], join=join, format=format, layers_keys=["X", "counts", "banded", "rows", "big", "yes", "half"])
        yield f"{format}, no join of equal widths", dict(paths=["a.h5ad", "f.h5ad"], join=None, format=format)
        yield f"{format}, equal lists with a repeated name", dict(paths=["f.h5ad", "f.h5ad"], format=format)
        yield f"{format}, equal lists keep their order", dict(paths=["a.h5ad", "d.h5ad", "types.h5ad", "legacy07.h5ad"], join="outer", format=format)
        for dtype in ("float32", "float16", "int16", "bool", "uint8", "float64"):
            yield f"{format}, cast to {dtype}", dict(
                paths=["types.h5ad", "a.h5ad", "c.h5ad"], join="outer", format=format, dtype=dtype,
                layers_keys=["X", "banded", "rows", "yes", "half"],
                obsm_keys=[] if dtype == "uint8" else ["X_pca"])  # what a negative float becomes there is the processor's choice
        yield f"{format}, matrices by columns", dict(paths=["columns.h5ad"], format=format, layers_keys=["X", "counts", "yes", "none"])
        yield f"{format}, matrices by columns and by rows, joined", dict(
            paths=["b.h5ad", "columns.h5ad", "a.h5ad"], join="outer", format=format, layers_keys=["X", "counts", "cut"])
    yield "sparse matrices and data frames in obsm", dict(
        paths=["columns.h5ad", "d.h5ad"], obsm_keys=["by_row", "by_column", "frame", "flags"], layers_keys=[])
    yield "csr, two matrices by columns, no join", dict(paths=["columns.h5ad", "csc.h5ad"], join=None, format="csr")
    yield "csr, no join of unequal widths", dict(paths=["a.h5ad", "b.h5ad", "c.h5ad"], join=None, format="csr")
    yield "obs columns of two files, not encoded", dict(paths=["a.h5ad", "b.h5ad"], obs_keys=labels + ["mixed"], layers_keys=[])
    yield "obs columns of two files, encoded", dict(paths=["a.h5ad", "b.h5ad"], obs_keys=labels, encode=labels, layers_keys=[])
    yield "an unknown label takes no number", dict(
        paths=["a.h5ad", "b.h5ad"], obs_keys=["cell_type", "note"], encode=["cell_type"], unknown={"cell_type": "NK"}, layers_keys=[])
    yield "an unknown label that no file has", dict(
        paths=["a.h5ad"], obs_keys=["cell_type"], encode=["cell_type"], unknown={"cell_type": "nobody"}, layers_keys=[])
    yield "columns that stores lack", dict(paths=["a.h5ad", "c.h5ad", "d.h5ad"], obs_keys=labels, encode=["only_a"], layers_keys=[])
    yield "obsm of three types, and one that two stores lack", dict(
        paths=["a.h5ad", "b.h5ad", "c.h5ad", "legacy06.h5ad"], obsm_keys=["X_pca", "only_a"], layers_keys=["only_a"])
    yield "files of anndata 0.6 and 0.7", dict(
        paths=["legacy06.h5ad", "legacy07.h5ad", "a.h5ad"], obs_keys=["cell_type", "batch"], encode=["cell_type"])
    yield "an empty store alone", dict(paths=["empty.h5ad"], obs_keys=["cell_type", "batch", "note"], encode=["cell_type"])


def pbmc_case():
    """The whole file is too large for JSON: column sums and a few rows."""
    a = read(PBMC)
    raw = stored(a.raw.X)
    some = [0, 1, 350, 699]
    return {
        "var": list(a.raw.var_names),
        "bulk_labels": {"categories": sorted(a.obs["bulk_labels"].cat.categories),
                        "codes": [sorted(a.obs["bulk_labels"].cat.categories).index(v) for v in a.obs["bulk_labels"]]},
        "n_genes": a.obs["n_genes"].tolist(),
        "percent_mito": a.obs["percent_mito"].tolist(),
        "rows": some,
        "raw": raw.toarray()[some].tolist(),
        "x": a.X[some].tolist(),
        "x_total": a.X.astype(np.float64).sum(axis=1).tolist(),
        "raw_total": raw.astype(np.float64).sum(axis=1).ravel().tolist()[0],
        "pca": a.obsm["X_pca"][some].tolist(),
    }


def main():
    write_modern()
    write_stored_otherwise()
    write_legacy()
    write_same()
    write_columns()
    out = [{"name": name, "options": spec, "expect": model(**spec)} for name, spec in cases()]
    text = ",\n".join(json.dumps(without_nan(c), ensure_ascii=False) for c in out)
    (HERE / "cases.json").write_text(f"[\n{text}\n]\n")
    (HERE / "pbmc.json").write_text(json.dumps(without_nan(pbmc_case())) + "\n")


if __name__ == "__main__":
    main()
