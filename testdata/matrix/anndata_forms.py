"""AnnData: matrices, data frames and all that anndata writes since 0.8, in each container."""

import anndata as ad
import numpy as np
import pandas as pd
import scipy.sparse as sp
from anndata_maker import ALL
from form import adder

form = adder("anndata", ALL)
MATRICES, FRAMES, OBSM, RAW = "AnnData: X and layers", "AnnData: obs and var", "AnnData: obsm", "AnnData: raw"
N, M = 13, 9
NUMBERS = ("bool", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f4", "f8")
FORMATS = {"CSR": sp.csr_matrix, "CSC": sp.csc_matrix}


def counts(seed=0, dtype="f4", n=N, m=M, density=0.4):
    """A sparse matrix with an empty row and an empty column."""
    rng = np.random.default_rng(seed)
    x = sp.random(n, m, density, "csr", random_state=rng)
    x.data = rng.integers(1, 100, x.nnz).astype(dtype) if np.dtype(dtype).kind != "f" else (rng.integers(1, 99, x.nnz) / 8 + 0.1).astype(dtype)
    x = x.tolil()
    if n and m:
        x[n // 2, :], x[:, m // 3] = 0, 0
    return sp.csr_matrix(x.tocsr(), dtype=dtype)


def frame(n=N):
    return pd.DataFrame(index=[f"cell{i}" for i in range(n)])


def genes(m=M):
    return pd.DataFrame(index=[f"gene{i}" for i in range(m)])


def adata(x=None, obs=None, **kw):
    return ad.AnnData(X=counts() if x is None else x, obs=frame() if obs is None else obs, var=genes(), **kw)


def both(**options):
    """The same request in both forms of batches."""
    return [{"format": f, **options} for f in ("dense", "csr")]


def column(*keys, encode=()):
    """Requests for columns of obs, as they are and encoded."""
    keys = list(keys)
    return [{"layers_keys": [], "obs_keys": keys}, {"layers_keys": [], "obs_keys": keys, "encode": list(encode or keys)}]


# ---------------------------------------------------------------- X and layers


@form(MATRICES, "dense, every type of values")
def _(w):
    layers = {k: np.arange(N * M).reshape(N, M).astype(k) for k in (*NUMBERS, "f2")}
    w.save(adata(counts().toarray(), layers=layers))
    return both(layers_keys=["X", *layers])


for _name, _make in FORMATS.items():

    @form(MATRICES, f"{_name}, every type of values")
    def _(w, make=_make):
        layers = {k: make(counts(i, k)) for i, k in enumerate(NUMBERS)}
        w.save(adata(make(counts()), layers=layers))
        return both(layers_keys=["X", *layers])

    @form(MATRICES, f"{_name}, indices and pointers of every width", read="numpy")
    def _(w, make=_make):
        root = w.shell(N, M)
        w.sparse(root, "X", make(counts()), index="i4", pointer="i8")
        layers = w.group(root, "layers", "dict")
        kinds = ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8")
        for i, kind in enumerate(kinds):
            w.sparse(layers, f"indices {kind}", make(counts(i)), index=kind, pointer="i4")
            w.sparse(layers, f"indptr {kind}", make(counts(i)), index="i4", pointer=kind)
        return both(layers_keys=["X", *(f"{what} {kind}" for kind in kinds for what in ("indices", "indptr"))])

    @form(MATRICES, f"{_name}, big-endian and float16", ("h5ad", "zarr v2"), read="numpy")
    def _(w, make=_make):
        root = w.shell(N, M)
        w.sparse(root, "X", make(counts()), dtype=">f4", index=">i4", pointer=">i8")
        layers = w.group(root, "layers", "dict")
        for i, (dtype, index) in enumerate([(">f8", ">i8"), (">i2", ">u2"), (">u8", "<i4"), ("f2", ">i4"), (">f2", "u1")]):
            w.sparse(layers, f"layer {i}", make(counts(i, "i4")), dtype=dtype, index=index)
        return both(layers_keys=["X", *(f"layer {i}" for i in range(5))])

    @form(MATRICES, f"{_name}, unsorted and repeated columns, explicit zeros")
    def _(w, make=_make):
        rng = np.random.default_rng(3)
        outer, inner = (N, M) if make is sp.csr_matrix else (M, N)
        ptr = np.concatenate([[0], np.cumsum(rng.integers(0, 12, outer))])
        x = make((rng.integers(0, 5, ptr[-1]).astype("f4"), rng.integers(0, inner, ptr[-1]).astype("i4"), ptr.astype("i4")), shape=(N, M))
        w.save(adata(x))
        return both(layers_keys=["X"])

    @form(MATRICES, f"{_name}, scipy's sparse arrays")
    def _(w, make=_make):
        make = sp.csr_array if make is sp.csr_matrix else sp.csc_array
        w.save(adata(make(counts()), layers={"x": make(counts(1, "i4"))}))
        return both(layers_keys=["X", "x"])

    @form(MATRICES, f"{_name} without any value, without rows")
    def _(w, make=_make):
        w.save(ad.AnnData(X=make((0, M), dtype="f4"), obs=frame(0), var=genes(), layers={"x": make((0, M), dtype="i4")}))
        return both(layers_keys=["X", "x"])

    @form(MATRICES, f"{_name} with no value in any row")
    def _(w, make=_make):
        w.save(adata(make((N, M), dtype="f4")))
        return both(layers_keys=["X"])

    for _way in ("gzip", "lzf"):

        @form(MATRICES, f"{_name}, {_way}", ("h5ad",))
        def _(w, make=_make, way=_way):
            w.save(adata(make(counts()), layers={"dense": counts(1).toarray(), "i8": make(counts(2, "i8"))}), compression=way)
            return both(layers_keys=["X", "dense", "i8"])


@form(MATRICES, "dense, big-endian", ("h5ad", "zarr v2"), read="numpy")
def _(w):
    root = w.shell(N, M)
    w.array(root, "X", counts().toarray().astype(">f4"), "array")
    layers = w.group(root, "layers", "dict")
    for kind in (">f8", ">i2", ">u8", ">f2"):
        w.array(layers, kind[1:], np.arange(N * M).reshape(N, M).astype(kind), "array")
    return both(layers_keys=["X", "f8", "i2", "u8", "f2"])


@form(MATRICES, "dense, in tiles, rows and columns", ("h5ad",))
def _(w):
    root = w.shell(N, M)
    x = np.arange(N * M, dtype="f4").reshape(N, M)
    w.array(root, "X", x, "array", chunks=(4, 4), compression="gzip")
    layers = w.group(root, "layers", "dict")
    for name, chunks in {"rows": (3, M), "columns": (N, 2), "whole": (N, M), "ones": (1, 1)}.items():
        w.array(layers, name, x, "array", chunks=chunks, shuffle=True)
    return both(layers_keys=["X", "rows", "columns", "whole", "ones"])


@form(MATRICES, "dense without rows")
def _(w):
    w.save(ad.AnnData(X=np.zeros((0, M), "f4"), obs=frame(0), var=genes()))
    return both(layers_keys=["X"])


@form(MATRICES, "the smallest type of indices (an option of anndata)")
def _(w):
    with ad.settings.override(write_csr_csc_indices_with_min_possible_dtype=True):
        w.save(adata(layers={"csc": counts(1).tocsc()}))
    return both(layers_keys=["X", "csc"])


@form(MATRICES, "sharded", ("zarr v3, sharded",))
def _(w):
    rng = np.random.default_rng(0)
    obs = pd.DataFrame({"kind": pd.Categorical(rng.choice(list("abc"), 400)), "n": rng.integers(0, 9, 400)}, index=[f"cell{i}" for i in range(400)])
    x = counts(n=400)
    w.save(ad.AnnData(X=x, obs=obs, var=genes(), layers={"dense": x.toarray(), "csc": x.tocsc()}, obsm={"pca": rng.random((400, 5))}))
    return both(layers_keys=["X", "dense", "csc"], obs_keys=["kind", "n"], obsm_keys=["pca"])


@form(MATRICES, "in a .zarr.zip", ("zarr v2", "zarr v3"), zip=True)
def _(w):
    w.save(adata(layers={"dense": counts(1).toarray(), "csc": counts(2).tocsc()}, obs=frame().assign(kind=pd.Categorical(["a", "b", None] * 4 + ["a"]))))
    return both(layers_keys=["X", "dense", "csc"], obs_keys=["kind"])


@form(MATRICES, "no X")
def _(w):
    w.save(ad.AnnData(obs=frame(), var=genes(), layers={"x": counts()}))
    return [{"layers_keys": ["X"], "object": "/X"}]


@form(MATRICES, "a layer of three axes, or of text")
def _(w):
    root = w.shell(N, M)
    w.array(root, "X", counts().toarray(), "array")
    layers = w.group(root, "layers", "dict")
    w.array(layers, "cube", np.zeros((N, M, 2)), "array")
    w.array(layers, "text", np.array([["a"] * M] * N, object), "string-array")
    return [*both(layers_keys=["X"]), {"layers_keys": ["cube"], "object": "/layers/cube"}, {"layers_keys": ["text"], "object": "/layers/text"}]


# ---------------------------------------------------------------- obs and var


@form(FRAMES, "numbers and booleans of every type")
def _(w):
    rng = np.random.default_rng(1)
    obs = frame()
    for k in (*NUMBERS, "f2"):
        obs[k] = rng.integers(0, 2, N).astype(k) if k == "bool" else np.resize([0, 1, 77, 100], N).astype(k)
    info = {k: np.iinfo(k) for k in NUMBERS if np.dtype(k).kind in "iu"}
    for k, i in info.items():
        obs.loc[obs.index[:2], k] = np.array([i.min, i.max], k)
    obs.loc[obs.index[0], "f8"], obs.loc[obs.index[1], "f4"] = np.nan, np.nan
    obs.loc[obs.index[2], "f8"] = np.inf
    w.save(adata(obs=obs))
    return [{"layers_keys": [], "obs_keys": [*NUMBERS, "f2"]}, {"layers_keys": [], "obs_keys": ["i1", "u8", "i8", "bool"], "encode": ["i1", "u8", "i8", "bool"]}]


@form(FRAMES, "numbers and codes in big-endian order", ("h5ad", "zarr v2"))
def _(w):
    root = w.shell(N, M)
    w.array(root, "X", counts().toarray(), "array")
    for k in (">i2", ">i4", ">i8", ">u2", ">f4", ">f8"):
        w.array(root["obs"], k[1:], (np.arange(N) * 7 - (0 if "u" in k else 30)).astype(k), "array")
    g = w.group(root["obs"], "kind", "categorical", "0.2.0", ordered=False)
    w.array(g, "codes", np.resize([0, -1, 1], N).astype(">i2"), "array")
    w.array(g, "categories", np.array([300, 20]), "array")
    w.attr(root["obs"], "column-order", ["i2", "i4", "i8", "u2", "f4", "f8", "kind"])
    return column("i2", "i4", "i8", "u2", "f4", "f8", "kind", encode=("kind",))


@form(FRAMES, "index of nullable text")
def _(w):
    root = w.shell(N, M, obs=False, var=False)
    w.array(root, "X", counts().toarray(), "array")
    for name, n in (("obs", N), ("var", M)):
        g = w.group(root, name, "dataframe", "0.2.0", **{"_index": "names", "column-order": []})
        i = w.group(g, "names", "nullable-string-array")
        w.array(i, "values", [f"{name}{k}" for k in range(n)], "string-array")
        w.array(i, "mask", np.zeros(n, bool), "array")
    return both(layers_keys=["X"])


@form(FRAMES, "text (string-array)")
def _(w):
    root = w.shell(N, M)
    w.array(root, "X", counts().toarray(), "array")
    w.array(root["obs"], "note", [f"note {i}" * (i % 3) + "µ日" for i in range(N)], "string-array")
    w.attr(root["obs"], "column-order", ["note"])
    return column("note")


@form(FRAMES, "text with missing values (nullable-string-array)")
def _(w):
    obs = frame()
    obs["note"] = pd.array([None if i % 4 == 0 else f"n{i % 5}" for i in range(N)], dtype="string")
    a = adata(obs=obs)
    a.strings_to_categoricals = lambda *_: None
    w.save(a)
    if w.root["obs/note"].attrs["encoding-type"] != "nullable-string-array":
        del w.root["obs/note"]
        ad.io.write_elem(w.root["obs"], "note", obs["note"].array)
    assert w.root["obs/note"].attrs["encoding-type"] == "nullable-string-array"
    return column("note")


@form(FRAMES, "nullable integers and booleans")
def _(w):
    obs = frame()
    kinds = ("Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64")
    for k in kinds:
        obs[k] = pd.array(np.resize(np.array([1, None, 3, 100], object), N), dtype=k)
    obs["whole"] = pd.array(range(N), dtype="Int64")
    obs["boolean"] = pd.array(np.resize(np.array([True, None, False], object), N), dtype="boolean")
    w.save(adata(obs=obs))
    return column(*kinds, "whole", "boolean", encode=("Int8", "UInt64", "boolean"))


LABELS = {"text": ["T", "B", None, "NK", "T"], "integers": [3, 1, None, 2, 3], "floats": [1.5, -2.0, None, 0.25, 1.5], "booleans": [True, False, None, True, True]}


@form(FRAMES, "categorical: text, numbers, booleans; missing and unused labels")
def _(w):
    obs = frame()
    for k, labels in LABELS.items():
        obs[k] = pd.Categorical(np.resize(np.array(labels, object), N))
    obs["unused"] = pd.Categorical(["x"] * N, categories=["never", "x", "nor this"])
    obs["empty"] = pd.Categorical([None] * N, categories=["a"])
    w.save(adata(obs=obs))
    return column(*LABELS, "unused", "empty", encode=("text", "integers", "floats", "unused", "empty"))


@form(FRAMES, "categorical: ordered")
def _(w):
    obs = frame()
    obs["grade"] = pd.Categorical(np.resize(["lo", "hi", "mid"], N), categories=["lo", "mid", "hi"], ordered=True)
    obs["plain"] = pd.Categorical(np.resize(["lo", "hi", "mid"], N), categories=["lo", "mid", "hi"])
    w.save(adata(obs=obs))
    assert w.root["obs/grade"].attrs["ordered"] and not w.root["obs/plain"].attrs["ordered"]
    return column("grade", "plain")


@form(FRAMES, "categorical: codes of every width")
def _(w):
    root = w.shell(N, M)
    w.array(root, "X", counts().toarray(), "array")
    kinds = ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8")
    for kind in kinds:
        g = w.group(root["obs"], kind, "categorical", "0.2.0", ordered=False)
        codes = np.resize([0, 2, 1, 1] if kind[0] == "u" else [0, -1, 2, 1], N).astype(kind)
        w.array(g, "codes", codes, "array")
        w.array(g, "categories", ["b", "a", "c"], "string-array")
    w.attr(root["obs"], "column-order", list(kinds))
    return column(*kinds)


@form(FRAMES, "categorical: some hundreds of labels")
def _(w):
    n = 700
    obs = frame(n)
    obs["many"] = pd.Categorical([f"label {i * 7 % 300}" for i in range(n)])
    obs["each its own"] = pd.Categorical([f"label {i}" for i in range(n)])
    w.save(ad.AnnData(X=counts(n=n), obs=obs, var=genes()))
    return column("many", "each its own")


@form(FRAMES, "categorical: labels of nullable text")
def _(w):
    root = w.shell(N, M)
    w.array(root, "X", counts().toarray(), "array")
    g = w.group(root["obs"], "kind", "categorical", "0.2.0", ordered=False)
    w.array(g, "codes", np.resize([0, -1, 1], N).astype("i1"), "array")
    c = w.group(g, "categories", "nullable-string-array")
    w.array(c, "values", ["x", "y"], "string-array")
    w.array(c, "mask", np.array([False, False]), "array")
    w.attr(root["obs"], "column-order", ["kind"])
    return column("kind")


for _name in ("_index", "cell names", "obs_names", "index", "日本"):

    @form(FRAMES, f"index under the name {_name!r}")
    def _(w, name=_name):
        root = w.shell(N, M, obs=False, var=False)
        w.array(root, "X", counts().toarray(), "array")
        g = w.frame(root, "obs", [f"cell{i}" for i in range(N)], name, ("n",))
        w.array(g, "n", np.arange(N), "array")
        w.frame(root, "var", [f"gene{i}" for i in range(M)], name)
        return [{"layers_keys": ["X"], "obs_keys": ["n"]}]


@form(FRAMES, "no columns")
def _(w):
    w.save(adata())
    return both(layers_keys=["X"])


@form(FRAMES, "more than 5,000 columns (track_order)", ("h5ad",))
def _(w):
    root = w.shell(3, M, obs=False)
    w.sparse(root, "X", counts(n=3))
    names = [f"marker {i * 7 % 5100}" for i in range(5100)]
    g = root.create_group("obs", track_order=True)  # as anndata makes it
    for key, value in {"encoding-type": "dataframe", "encoding-version": "0.2.0", "_index": "_index", "column-order": names}.items():
        w.attr(g, key, value)
    w.array(g, "_index", ["c0", "c1", "c2"], "string-array")
    for i, name in enumerate(names):
        g.create_dataset(name, data=np.arange(3) + i)
    return [{"layers_keys": ["X"], "obs_keys": ["marker 0", "marker 5099", "marker 2500"]}]


@form(FRAMES, "a column of more than one axis")
def _(w):
    root = w.shell(N, M)
    w.array(root, "X", counts().toarray(), "array")
    w.array(root["obs"], "matrix", np.zeros((N, 2)), "array")
    return [{"layers_keys": ["X"], "obs_keys": ["matrix"], "object": "/obs/matrix"}]


# ---------------------------------------------------------------- obsm


@form(OBSM, "dense, every type of values")
def _(w):
    entries = {k: np.arange(N * 3).reshape(N, 3).astype(k) for k in (*NUMBERS, "f2")}
    w.save(adata(obsm=entries))
    return [{"layers_keys": [], "obsm_keys": list(entries)}]


@form(OBSM, "CSR and CSC")
def _(w):
    w.save(adata(obsm={"csr": counts(1), "csc": counts(2, "i4").tocsc(), "empty": sp.csr_matrix((N, 4), dtype="f8")}))
    return [{"layers_keys": [], "obsm_keys": ["csr", "csc", "empty"]}]


@form(OBSM, "data frames of numbers")
def _(w):
    f = pd.DataFrame({"z": np.arange(N, dtype="i2"), "a": np.arange(N) / 8, "m": np.arange(N)[::-1]}, index=frame().index)
    w.save(adata(obsm={"mixed": f, "flags": f > 1, "floats": f.astype("f4"), "one": f[["a"]]}))
    return [{"layers_keys": [], "obsm_keys": ["mixed", "flags", "floats", "one"]}]


@form(OBSM, "data frames with text or missing values")
def _(w):
    f = pd.DataFrame({"n": np.arange(N)}, index=frame().index)
    holes = f.assign(n=pd.array([None] + [1] * (N - 1), dtype="Int64"))
    w.save(adata(obsm={"text": f.assign(t=pd.Categorical(["a"] * N)), "holes": holes}))
    return [{"layers_keys": [], "obsm_keys": ["text"], "object": "/obsm/text/t"}, {"layers_keys": [], "obsm_keys": ["holes"], "object": "/obsm/holes/n"}]


@form(OBSM, "awkward arrays")
def _(w):
    w.save(adata())
    g = w.group(w.root["obsm"], "ragged", "awkward-array", form="{}", length=N)
    w.array(g, "node0-offsets", np.arange(N + 1))
    return [{"layers_keys": [], "obsm_keys": ["ragged"], "object": "/obsm/ragged"}]


@form(OBSM, "arrays of three axes")
def _(w):
    w.save(adata(obsm={"cube": np.zeros((N, 2, 2))}))
    return [{"layers_keys": [], "obsm_keys": ["cube"], "object": "/obsm/cube"}]


# ---------------------------------------------------------------- raw, and what else a file holds


for _name, _make in {**FORMATS, "dense": lambda x: x.toarray()}.items():

    @form(RAW, f"{_name}, with its own var and varm")
    def _(w, make=_make):
        a = adata(varm={"pcs": np.ones((M, 2))})
        full = ad.AnnData(X=make(counts(5, m=M + 2)), obs=frame(), var=genes(M + 2).assign(n=range(M + 2)), varm={"loadings": np.arange(3.0 * (M + 2)).reshape(M + 2, 3)})
        a.raw = full
        w.save(a)
        return both(layers_keys=["X", "raw.X"])


@form(RAW, "null")
def _(w):
    w.save(adata())
    if "raw" not in w.root:
        ad.io.write_elem(w.root, "raw", None)
    return both(layers_keys=["X"])


@form(RAW, "uns, varm, obsp and varp beside it, of every kind")
def _(w):
    a = adata(varm={"v": np.ones((M, 2))}, obsp={"d": sp.csr_matrix(np.eye(N)), "e": np.eye(N)}, varp={"d": np.eye(M)})
    a.uns = {"dict": {"deep": {"er": 1, "text": "µ"}}, "array": np.arange(3), "strings": np.array(["a", "b"], object), "flag": True, "none": None, "float": 2.5,
             "records": np.array([(1, 2.5)], [("i", "i4"), ("f", "f8")]), "sparse": counts(), "frame": pd.DataFrame({"a": [1, 2]}, index=["x", "y"])}
    w.save(a)
    return both(layers_keys=["X"])
