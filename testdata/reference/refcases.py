"""The cases: which stores are mapped with which options, and what is looked at.

``CASES`` maps an id to a dict: ``stores`` (names of `refstores`), ``forms`` (how each is stored), ``kwargs`` of the
constructor, and what to try besides attributes and rows: ``labels`` (keys), ``weights`` (arguments), ``collate`` (rows),
``indices`` (kinds of index), ``aligned`` (lists of names), ``close``.
"""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import refobserve
import refstores

NAN: Any = {"NaN!": 0}
NONE: Any = {"None!": 0}
COLUMNS = [
    "cell_type", "grade", "grade_na", "good", "share", "count", "count_full", "flag", "note", "word", "depth", "score",
    "ratio", "ok", "small", "tiny", "equal", "nan_text", "only_a", "only_a_cat",
]  # fmt: skip
CASES: dict[str, dict[str, Any]] = {}


def add(name: str, stores: str, forms: str = "h5 z3", **case: Any) -> None:
    """Add a case for each form; ``mix`` stores the first as h5ad, the second as zarr, and so on."""
    names = stores.split()
    for form in forms.split():
        each = [("h5", "z3", "z2")[i % 3] for i in range(len(names))] if form == "mix" else [form] * len(names)
        ident = f"{name} [{' '.join(names)}] {form}"
        assert ident not in CASES, ident
        CASES[ident] = {"part": _part.__name__[1:], "name": name, "stores": names, "forms": each, **case}


def _encoders() -> None:
    for column in COLUMNS:
        for encode in (True, False):
            for cached in (True, False):
                name = f"{column}, {'encoded' if encode else 'as it is'}{'' if cached else ', not cached'}"
                kwargs = {"layers_keys": [], "obs_keys": column, "encode_labels": encode, "cache_categories": cached}
                look = {"labels": [column], "weights": [[column], [column, 10.0], [column, None, True]]}
                add(name, "a", kwargs=kwargs, **look)
                add(name, "a b", "h5 z3" if cached else "h5", kwargs=kwargs, **look)
    keys = ["cell_type", "depth", "note"]
    for ident, kwargs in {
        "none": {"encode_labels": []},
        "False": {"encode_labels": False},
        "one": {"encode_labels": ["note"]},
        "two, another order": {"encode_labels": ["note", "cell_type"]},
        "1": {"encode_labels": 1},
        "unknown": {"unknown_label": "T"},
        "unknown that is no label": {"unknown_label": "nobody"},
        "unknown of two keys": {"unknown_label": "x"},
        "unknown by key": {"unknown_label": {"cell_type": "B", "note": "x"}},
        "unknown of one encoded": {"encode_labels": ["cell_type"], "unknown_label": {"cell_type": "never"}},
        "unknown of one not encoded": {"encode_labels": ["cell_type"], "unknown_label": "x"},
        "unknown key": {"encode_labels": ["cell_type"], "unknown_label": {"note": "x"}},
        "unknown key, nothing encoded": {"encode_labels": False, "unknown_label": {"note": "x"}},
        "encoded that is not asked for": {"encode_labels": ["cell_typ"]},
    }.items():
        for stores in ("a", "a b", "b a", "c a"):
            add(f"encode {ident}", stores, "h5 z3" if stores == "a b" else "h5",
                kwargs={"layers_keys": [], "obs_keys": keys, **kwargs}, labels=["cell_type"], weights=[["cell_type"]])
    add("encode without obs_keys", "a", kwargs={"layers_keys": []}, labels=["cell_type"], weights=[["cell_type"]])
    add("encode a list without obs_keys", "a", "h5", kwargs={"encode_labels": ["cell_type"]})
    add("encode text and numbers", "a b", "h5", kwargs={"obs_keys": ["mixed"]})
    add("text and numbers as they are", "a b", "h5", kwargs={"obs_keys": ["mixed"], "encode_labels": False})
    for stores in ("a b c", "c b a", "a e p", "a a", "old07", "old06", "a old07", "old07 c", "rows0 b", "b rows0 a", "missing a", "missing"):
        for encode in (True, False):
            add(f"several columns, encoded {encode}", stores, "h5 mix" if stores in ("a b c", "a e p") else "h5",
                kwargs={"layers_keys": [], "obs_keys": ["cell_type", "depth"], "encode_labels": encode},
                labels=["cell_type", "depth"], weights=[["cell_type"], [["cell_type", "depth"], None, True]])
    add("old columns", "old07", "h5", kwargs={"layers_keys": ["X"], "obs_keys": ["full", "note", "depth"], "obsm_keys": "pca"}, labels=["full", "note"])
    add("old columns", "old06", "h5", kwargs={"obs_keys": ["note", "ratio"]}, labels=["note", "ratio"])
    add("an index as a column", "a b", kwargs={"layers_keys": [], "obs_keys": ["_index"], "encode_labels": False}, labels=["_index"])


def _matrices() -> None:
    for stores in ("a", "b", "a b", "b a", "a b c", "c a b", "a e", "e a", "a p", "p a e", "a a", "a e p b"):
        for join in ("inner", "outer", None):
            forms = "h5 z3 mix" if " " in stores else "h5 z3 z2"
            add(f"join {join}", stores, forms, kwargs={"join": join}, aligned=[["g3", "g1", "g4", "g2", "g6", "g5"], ["g1"], []])
    layers: list[Any] = [
        [], "X", "counts", "raw.X", ["X", "counts"], ["counts", "X"], ["raw.X", "X", "dense"], ["only_a"], ["only_a", "X"],
        ["counts", "dense", "only_a", "raw.X"],
    ]  # fmt: skip
    for stores, join in itertools.product(("a", "a b", "a b c", "p a"), ("inner", "outer", None)):
        for keys in layers:
            if stores != "a" or join == "inner":
                add(f"layers {keys}, {join}", stores, "h5 z3" if stores == "a b" else "h5", kwargs={"layers_keys": keys, "join": join})
    for keys in ("pca", "one", ["sparse", "pca"], ["only_a", "one"], []):
        for stores in ("a", "a b", "b a c"):
            add(f"obsm {keys}", stores, "h5 z3", kwargs={"obsm_keys": keys, "layers_keys": ["X"] if keys == "pca" else []})
    for dtype in ("float32", "float64", "int32", "int64", "float16", "bool", "uint8", "int16"):
        for join in ("inner", "outer", None):
            add(f"dtype {dtype}, {join}", "a b", "h5", kwargs={"dtype": dtype, "join": join, "layers_keys": ["X", "dense", "counts", "raw.X"], "obsm_keys": ["pca", "one", "sparse"], "obs_keys": ["score"], "encode_labels": False})
        add(f"dtype {dtype}", "a", "z3", kwargs={"dtype": dtype, "layers_keys": ["X", "dense", "counts"], "obsm_keys": ["pca", "sparse"]})
    for name in ("u16", "i8", "f16", "bool", "u32csr", "boolcsr", "big", "repeats", "unsorted", "old07", "old06"):
        for join in ("inner", "outer"):
            add(f"type, {join}", name, "h5" if name.startswith("old") else "h5 z3", kwargs={"join": join, "obs_keys": ["depth"]}, collate=[[0, 1, 2]])
            add(f"type beside others, {join}", f"{name} p", "h5", kwargs={"join": join, "layers_keys": ["X", "counts"]})


def _names() -> None:
    for stores in ("numbered", "int_names", "float_names", "byte_names", "twice", "sorted", "falling", "gene1", "cols0", "rows0"):
        for join in ("inner", "outer", None):
            add(f"names, {join}", stores, "h5" if stores.endswith("names") else "h5 z3", kwargs={"join": join}, aligned=[["g1", "g2", "gA", "É"], ["1", "2", "10", "30"], []])
    for stores in (
        "numbered int_names", "int_names numbered", "sorted falling", "falling sorted", "sorted byte_names", "twice twice",
        "twice sorted", "sorted twice", "unlike a", "a unlike", "cols0 sorted", "sorted cols0", "cols0 cols0", "rows0 a",
        "a rows0", "rows0 rows0b", "a rows0b", "gene1 a", "a gene1 p", "sorted gene1 falling", "float_names float_names", "numbered sorted",
        "falling cols0",
    ):  # fmt: skip
        for join in ("inner", "outer", None):
            add(f"names, {join}", stores, "h5", kwargs={"join": join}, aligned=[["g1", "g2", "gA", "É"], ["1", "2", "10", "30"]])


def _filters() -> None:
    one: dict[str, Any] = {
        "a label": {"cell_type": "T"},
        "a list": {"cell_type": ["T", "mono"]},
        "a tuple": {"cell_type": {"tuple!": ["T", "B"]}},
        "an array": {"cell_type": {"array!": ["T", "B"]}},
        "nothing listed": {"cell_type": []},
        "a label of nobody": {"cell_type": "nobody"},
        "an unused label": {"cell_type": "never"},
        "missing": {"cell_type": NAN},
        "missing in a list": {"cell_type": [NAN]},
        "missing or a label": {"cell_type": ["T", NAN]},
        "None or a label": {"cell_type": [NONE, "B"]},
        "None": {"cell_type": NONE},
        "a label called nan": {"nan_text": ["nan"]},
        "a label called nan or missing": {"nan_text": ["nan", NAN]},
        "missing beside a label called nan": {"nan_text": [NAN, "B"]},
        "int": {"depth": 5},
        "ints": {"depth": [5, 2]},
        "int as float": {"depth": 5.0},
        "int as text": {"depth": "5"},
        "np.int64": {"depth": {"np!": ["int64", 5]}},
        "int, missing": {"depth": [5, NAN]},
        "float": {"score": [1.5, 2]},
        "float, missing": {"score": NAN},
        "float, missing or": {"score": [NAN, 1.5]},
        "float 32 that is not exact": {"ratio": 1.5},
        "bool": {"ok": True},
        "bool as 1": {"ok": 1},
        "False": {"ok": [False]},
        "text": {"note": ["x", "é"]},
        "text that is empty": {"note": ""},
        "categories of ints": {"grade": [1, 4]},
        "categories of ints, missing": {"grade_na": [1, NAN]},
        "categories of bools": {"good": True},
        "nullable": {"count": [1, 3]},
        "nullable, missing": {"count": [NAN]},
        "nullable bool": {"flag": True},
        "nullable text": {"word": ["x"]},
        "ints of two widths": {"small": 2},
        "unsigned, negative": {"small": [-1, 2]},
        "signed, negative": {"tiny": [-2, 300]},
        "a set": {"cell_type": {"set!": ["T"]}},
        "the index": {"_index": ["a1", "b2"]},
        "a column of the first": {"only_a": [1, 2]},
        "a column of the first, missing": {"only_a_cat": ["u", NAN]},
        "a column of none": {"nowhere": "x"},
        "no column": {},
        "two": {"cell_type": ["T", "B"], "depth": [5, 3]},
        "two, swapped": {"depth": [5, 3], "cell_type": ["T", "B"]},
        "three": {"cell_type": ["T", NAN], "ok": True, "note": ["x", "y"]},
        "two of which one is elsewhere": {"cell_type": "T", "only_a": [0, 3]},
        "text and number": {"note": ["x", 1]},
        "a pair": {"tuple!": ["cell_type", ["T", "mono"]]},
        "a pair with one": {"tuple!": ["depth", 5]},
    }
    for name, value in one.items():
        look = {"labels": ["cell_type", "depth"], "weights": [["cell_type"], ["depth", 2.0, True]]}
        kwargs = {"layers_keys": ["counts"], "obs_keys": ["cell_type", "depth"], "obs_filter": value}
        for stores, forms in {"a": "h5", "a b": "h5 z3", "b a": "h5", "a rows0 b": "h5"}.items():
            add(f"filter {name}", stores, forms, kwargs=kwargs, **look)
    for stores in ("a b c", "c a", "missing a", "a old07", "old07", "old06", "rows0", "a a"):
        for name in ("a label", "missing", "missing or a label", "int", "two"):
            add(f"filter {name}", stores, "h5", kwargs={"layers_keys": [], "obs_filter": one[name], "join": None}, labels=["depth"], weights=[["depth"]])
    add("filter and join", "a b c", kwargs={"obs_filter": {"depth": [5, 2]}, "join": "outer", "obs_keys": ["depth"]}, labels=["depth"])
    add("filter none of a store", "b a", kwargs={"obs_filter": {"note": ["é"]}, "join": "inner", "obs_keys": ["note"]}, labels=["note"])


def _labels() -> None:
    pairs: list[Any] = [["cell_type", "depth"], ["depth", "cell_type"], ["ok", "ratio"], ["note", "word", "score"]]
    for stores in ("a", "a b", "b a", "a b c"):
        weights = [w for keys in pairs for w in ([keys], [keys, 100], [keys, None, True], [keys, 0.5, True])]
        add("weights of several keys", stores, "h5 z3" if stores == "a b" else "h5", kwargs={"layers_keys": []}, weights=weights)
        add("labels that are not among obs_keys", stores, "h5 z3", kwargs={"layers_keys": [], "obs_keys": ["depth"]},
            labels=["cell_type", "note", "ratio", "only_a", "nowhere"], weights=[["note"], ["nowhere"], [["note"]], ["only_a"], [[]]])
    for key in ("depth", "ratio", "ok", "small", "tiny", "equal", "score", "good", "share"):
        add(f"labels of {key}", "a b c", "h5", kwargs={"layers_keys": []}, labels=[key], weights=[[key], [key, 1, True]])


def _life() -> None:
    for parallel in (False, True):
        for stores in ("a", "a b"):
            kwargs = {"parallel": parallel, "obs_keys": ["cell_type", "depth"], "obsm_keys": "pca"}
            add(f"parallel {parallel}", stores, "h5 z3 mix" if " " in stores else "h5 z3", kwargs=kwargs, labels=["cell_type"], weights=[["cell_type"]],
                indices=refobserve.INDICES, close=True, aligned=[["g1"]])
    for ident, args in {
        "layers": ["counts"], "obs": [None, "depth"], "obsm": [None, None, "pca"],
        "filter": ["X", ["depth"], None, {"depth": 5}], "join": [None, None, None, None, "outer"],
        "encode": [None, ["cell_type"], None, None, "inner", False],
        "unknown": [None, ["cell_type"], None, None, "inner", True, "T"],
        "all": ["counts", ["cell_type"], ["pca"], None, "outer", True, "T", True, False, "float64"],
    }.items():  # fmt: skip
        add(f"by position: {ident}", "a b", "h5", args=args)
    for rows in ([0, 1], [0, 2], [2, 0], [7, 0], [0, 7], [2, 7], [0, 1, 3, 4]):
        for name, kwargs in {
            "labels": {"layers_keys": ["counts"], "obs_keys": ["cell_type", "depth", "note", "ok"]},
            "as they are": {"layers_keys": ["X"], "obs_keys": ["cell_type", "depth", "score"], "encode_labels": False, "join": "outer"},
            "unlike widths": {"join": None, "obsm_keys": ["pca"]},
            "keys of one store": {"layers_keys": ["counts", "only_a"], "obsm_keys": ["only_a"], "obs_keys": ["only_a_cat"]},
        }.items():
            add(f"collate {name} {rows}", "a b", "h5", kwargs=kwargs, collate=[rows])


def _errors() -> None:
    for ident, kwargs in {
        "join": {"join": "left"}, "join a list": {"join": {"tuple!": ["inner"]}},
        "dtype": {"dtype": "floaty"}, "layer of none": {"layers_keys": ["counts", "nowhere"]},
        "obs key of none": {"obs_keys": ["depth", "nowhere"]}, "obsm key of none": {"obsm_keys": "nowhere"},
        "obs key of none as it is": {"obs_keys": ["nowhere"], "encode_labels": False},
        "one name for a layer and a column": {"layers_keys": "only_a", "obs_keys": "only_a"},
        "a layer twice": {"layers_keys": ["X", "X"]}, "an obs key twice": {"obs_keys": ["depth", "depth"]},
    }.items():  # fmt: skip
        add(f"option: {ident}", "a b", "h5", kwargs=kwargs)
    for stores in ("text.h5ad", "empty.h5ad", "cut.h5ad", "folder", "nowhere.h5ad", "nowhere.zarr", "a nowhere.h5ad", "no_x", "null_raw", "csc", "csc_parts", "frame", "", "unlike sorted"):
        add("what cannot be mapped", stores, "h5 z3" if stores in ("no_x", "csc", "null_raw", "frame") else "h5", kwargs={})
    add("without X, not asked for", "no_x", "h5 z3", kwargs={"layers_keys": []})
    add("csc, not asked for", "csc", "h5 z3", kwargs={"layers_keys": []})
    for kwargs in ({"layers_keys": "counts"}, {"layers_keys": "raw.X"}, {"obsm_keys": "sparse"}):
        add(f"csc {kwargs}", "csc_parts", "h5 z3", kwargs=kwargs)
    add("a data frame in obsm", "frame", "h5 z3", kwargs={"obsm_keys": "frame"})


for _part in (_encoders, _matrices, _names, _filters, _labels, _life, _errors):
    _part()


def stores(cases: dict[str, dict[str, Any]]) -> set[tuple[str, str]]:
    """Tell the names and forms of all stores of some cases."""
    return {pair for c in cases.values() for pair in zip(c["stores"], c["forms"], strict=True)}


def paths(folder: Path, case: dict[str, Any]) -> list[str]:
    """Tell where the stores of a case lie."""
    return [str(refstores.path(folder, *pair)) for pair in zip(case["stores"], case["forms"], strict=True)]
