"""What anndata, scipy and pandas make of AnnData objects, in the words of the Go tests: the fields of a batch of all their rows."""

import numpy as np
import pandas as pd
import scipy.sparse as sp


def layer(adata, key):
    """(matrix, names of its variables), or None."""
    if key == "raw.X":
        return None if adata.raw is None else (adata.raw.X, list(adata.raw.var_names))
    if key == "X":
        return adata.X, list(adata.var_names)
    return (adata.layers[key], list(adata.var_names)) if key in adata.layers else None


def join_names(lists, join):
    lists = [v for v in lists if v is not None]
    if join is None:
        return None
    if all(v == lists[0] for v in lists):
        return lists[0]
    if join == "inner":
        return [v for v in lists[0] if all(v in other for other in lists[1:])]
    return sorted(set().union(*lists))


def stored(m):
    """Canonical CSR with explicit zeros kept where scipy keeps them."""
    if not sp.issparse(m):
        return sp.csr_matrix(m.astype(np.float32) if m.dtype == np.float16 else m)
    m = m.tocsr(copy=True)
    m.sum_duplicates()
    return m


def as_array(m):
    """An obsm entry, which may be sparse or a data frame, as numpy has it."""
    return m.toarray() if sp.issparse(m) else np.asarray(m)


def layer_field(stores, key, join, format, dtype):
    got = [layer(s, key) for s in stores]
    # Layers follow the join of var over all stores, lacking the layer or not; raw.X has its own.
    lists = [g and g[1] for g in got] if key == "raw.X" else [list(s.var_names) for s in stores]
    joint = join_names(lists, join)
    width = len(joint) if joint is not None else max(len(v) for v in lists if v)
    types = [s.uns.get("stored as", {}).get(key, g[0].dtype) for s, g in zip(stores, got) if g]
    dtype = np.dtype(dtype or np.result_type(*types))
    dense, rows = [], []
    for s, g in zip(stores, got):
        if g is None:
            dense.append(np.zeros((s.n_obs, width), dtype))
            rows += [([], [])] * s.n_obs
            continue
        m, names = stored(g[0]), g[1]
        # Positions count where there is no join by name; names may repeat then.
        at = list(range(len(names))) if joint is None or joint == names else [joint.index(n) if n in joint else -1 for n in names]
        out = np.zeros((s.n_obs, width), m.dtype)
        for i in range(s.n_obs):
            span = slice(m.indptr[i], m.indptr[i + 1])
            pairs = sorted((at[c], v) for c, v in zip(m.indices[span], m.data[span]) if at[c] >= 0)
            rows.append(([c for c, _ in pairs], np.array([v for _, v in pairs], m.dtype).astype(dtype).tolist()))
            for c, v in pairs:
                out[i, c] = v
        dense.append(out.astype(dtype))
    field = {"name": key, "kind": format, "dtype": dtype.name, "width": width}
    if format == "dense":
        field["values"] = np.concatenate(dense).ravel().tolist()
    else:
        field["indptr"] = np.cumsum([0] + [len(c) for c, _ in rows]).tolist()
        field["indices"] = [c for cs, _ in rows for c in cs]
        field["values"] = [v for _, vs in rows for v in vs]
    return field, [g is not None for g in got]


def obsm_field(stores, key, dtype):
    got = [as_array(s.obsm[key]) if key in s.obsm else None for s in stores]
    width = next(g.shape[1] for g in got if g is not None)
    dtype = np.dtype(dtype or np.result_type(*[g.dtype for g in got if g is not None]))
    fill = np.nan if dtype.kind == "f" else 0
    rows = [np.full((s.n_obs, width), fill, dtype) if g is None else g.astype(dtype) for s, g in zip(stores, got)]
    return {"name": "obsm_" + key, "kind": "dense", "dtype": dtype.name, "width": width,
            "values": np.concatenate(rows).ravel().tolist()}, [g is not None for g in got]


def plain(v):
    return v.item() if isinstance(v, np.generic) else v


def is_text(series):
    return series.dtype == object or isinstance(series.dtype, pd.StringDtype)


def obs_field(stores, key, encode, unknown):
    got = [s.obs[key] if key in s.obs else None for s in stores]
    there = [g for g in got if g is not None]
    # One value per row; None is missing.
    values = []
    for s, g in zip(stores, got):
        values += [None] * s.n_obs if g is None else [None if pd.isna(v) else plain(v) for v in g.tolist()]
    table = None
    if encode or any(isinstance(g.dtype, pd.CategoricalDtype) or is_text(g) for g in there):
        labels = {}
        for g in there:
            for v in g.cat.categories if isinstance(g.dtype, pd.CategoricalDtype) else g.dropna().unique():
                labels.setdefault(plain(v), plain(v))
        table = sorted(labels, key=lambda v: (isinstance(v, str), v))
        codes = {v: i for i, v in enumerate(v for v in table if not (encode and v == unknown))}
        flat = [-1 if v is None else codes.get(v, -1) for v in values]
        table = list(codes)
        dtype = "int64" if encode else "int32"
    else:
        dtype = np.result_type(*[getattr(g.dtype, "numpy_dtype", g.dtype) for g in there])
        fill = np.nan if dtype.kind == "f" else False if dtype.kind == "b" else 0
        flat = np.array([fill if v is None else v for v in values], dtype).tolist()
        dtype = dtype.name
    field = {"name": key, "kind": "column", "dtype": dtype, "width": 1, "values": flat}
    if table is not None:
        field["categories"] = table
    return field, [int(v is not None) for v in values]


def collection(stores, layers_keys=("X",), obs_keys=(), obsm_keys=(), join="inner", encode=(), unknown=None, format="dense", dtype=None):
    """Every field of the batch that holds all rows of some AnnData objects, and what else a collection of them says."""
    sizes = [s.n_obs for s in stores]
    n = sum(sizes)
    fields = [{"name": "_store_idx", "kind": "column", "dtype": "int64", "width": 1, "values": np.repeat(range(len(stores)), sizes).tolist()}]
    masks = []

    def add(field, has):
        fields.append(field)
        if len(has) == len(stores) and field["kind"] != "column":
            has = np.repeat(np.array(has, int), sizes).tolist()
        if not all(has):
            masks.append({"name": "mask:" + field["name"], "kind": "mask", "dtype": "bool", "width": 1, "of": field["name"], "values": has})

    for key in layers_keys:
        add(*layer_field(stores, key, join, format, dtype))
    for key in obsm_keys:
        add(*obsm_field(stores, key, dtype))
    for key in obs_keys:
        add(*obs_field(stores, key, key in encode, (unknown or {}).get(key)))
    fields.append({"name": "_idx", "kind": "column", "dtype": "int64", "width": 1, "values": list(range(n))})
    return {"n_obs": n, "var": join_names([list(s.var_names) for s in stores], join), "fields": fields + masks}


def without_nan(v):
    if isinstance(v, float) and not np.isfinite(v):
        return None if np.isnan(v) else ("inf" if v > 0 else "-inf")
    if isinstance(v, dict):
        return {k: without_nan(x) for k, x in v.items()}
    return [without_nan(x) for x in v] if isinstance(v, (list, tuple)) else v
