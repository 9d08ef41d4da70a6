"""zarr: types, shapes, keys, fill values, shards, stores, metadata."""

import numcodecs as n2
import numpy as np
import zarr.codecs as zc
from form import adder
from zarr_codecs import put
from zarr_writing import NUMBERS, TEXT, edit, values

form = adder("zarr", ("v2", "v3"))
TYPES, SHAPES, FILL, SHARDS, STORES = "zarr: data types", "zarr: arrays", "zarr: fill values", "zarr: shards", "zarr: stores"


def packed(version):
    return n2.Zstd(1) if version == "v2" else zc.ZstdCodec()


# ---------------------------------------------------------------- types

for _words, _order in {"little-endian": "<", "big-endian": ">"}.items():

    @form(TYPES, f"booleans, integers, floats of 2, 4 and 8 bytes, complex numbers, {_words}")
    def _(g, version, order=_order, words=_words):
        for kind in NUMBERS:
            if version == "v2":
                data, kw = values((7, 5), np.dtype(kind).newbyteorder(order)), {}
            else:
                data, kw = values((7, 5), kind), {"serializer": zc.BytesCodec(endian=words.split("-")[0])}
            put(g, f"{kind} plain", data, (3, 2), **kw)
            put(g, f"{kind} packed", data, (3, 5), packed(version), **kw)


@form(TYPES, "vlen-utf8 strings")
def _(g, version):
    words, grid = TEXT.astype("T"), np.resize(TEXT, (5, 6)).astype("T")
    put(g, "plain", words, (4,), None, fill_value="")
    put(g, "packed", words, (4,), packed(version), fill_value="")
    put(g, "blosc", words, (3,), n2.Blosc() if version == "v2" else zc.BloscCodec(typesize=1), fill_value="")
    put(g, "matrix", grid, (2, 4), None, fill_value="")
    put(g, "whole", words, words.shape, None, fill_value="")
    put(g, "none", words[:0], (4,), None, fill_value="")
    if version == "v2":
        put(g, "f order", grid, (2, 4), packed(version), fill_value="", order="F")
    else:
        put(g, "transposed", grid, (2, 4), None, zc.TransposeCodec(order=(1, 0)), fill_value="")
        put(g, "checked", words, (3,), zc.Crc32cCodec(), fill_value="")


@form(TYPES, "fixed-length bytes (S)")
def _(g, version):
    data = np.array([w.encode()[:9] for w in TEXT], "S9")
    put(g, "plain", data, (4,), None, fill_value=b"")
    put(g, "packed", data, (4,), packed(version), fill_value=b"")
    if version == "v2":
        put(g, "one", np.array([b"a", b"", b"c"]), (2,), None, fill_value=b"")


@form(TYPES, "fixed-length code points (U)")
def _(g, version):
    for words, order in {"little": "<", "big": ">"}.items():
        if version == "v2":
            put(g, words, TEXT.astype(order + "U12"), (4,), packed(version), fill_value="")
        else:
            put(g, words, TEXT.astype("U12"), (4,), None, fill_value="", serializer=zc.BytesCodec(endian=words))


@form(TYPES, "records")
def _(g, version):
    kinds = [("i", "<i4"), ("f", "<f8"), ("b", "?"), ("s", "S5")]
    if version == "v2":
        kinds += [("big", ">f4"), ("u", "<U3")]
    rows = np.zeros(9, np.dtype(kinds))
    rows["i"], rows["f"], rows["b"], rows["s"] = values(9, "i4"), values(9, "f8"), values(9, "bool"), [b"a", b"bc"] * 4 + [b""]
    if version == "v2":
        rows["big"], rows["u"] = values(9, "f4"), ["µ", "xyz", ""] * 3
    zero = np.zeros((), rows.dtype)[()]
    put(g, "plain", rows, (4,), None, fill_value=zero)
    put(g, "packed", rows, (4,), packed(version), fill_value=zero)


@form(TYPES, "objects as JSON", ("v2",), refused="/x")
def _(g, version):
    g.create_array("plain", data=np.arange(3))
    a = g.create_array("x", shape=(3,), chunks=(3,), dtype="T", fill_value="", compressors=None)
    return lambda: edit(a, lambda m: m.update(filters=[n2.JSON().get_config()]))


@form(TYPES, "objects as pickles", ("v2",), refused="/x")
def _(g, version):
    g.create_array("plain", data=np.arange(3))
    a = g.create_array("x", shape=(3,), chunks=(3,), dtype="T", fill_value="", compressors=None)
    return lambda: edit(a, lambda m: m.update(filters=[n2.Pickle().get_config()]))


@form(TYPES, "a type that is not known", refused="/x")
def _(g, version):
    g.create_array("plain", data=np.arange(3))
    a = g.create_array("x", data=np.arange(3.0))
    return lambda: edit(a, lambda m: m.update({"dtype": "<f16"} if version == "v2" else {"data_type": "float128"}))


# ---------------------------------------------------------------- arrays


@form(SHAPES, "scalars")
def _(g, version):
    put(g, "number", np.array(41.5, "f8"), ())
    put(g, "packed", np.array(7, "i4"), (), packed(version))
    put(g, "text", np.array("µ", "T"), (), None, fill_value="")


@form(SHAPES, "no elements")
def _(g, version):
    put(g, "vector", np.zeros((0,), "f4"), (3,), packed(version))
    put(g, "matrix", np.zeros((4, 0), "i8"), (3, 2))
    put(g, "rows", np.zeros((0, 5), "i8"), (3, 2))


@form(SHAPES, "one to five axes")
def _(g, version):
    for name, shape, chunks in [("one", (1,), (1,)), ("two", (12, 5), (4, 5)), ("three", (5, 4, 3), (2, 3, 2)), ("four", (2, 5, 4, 3), (1, 2, 4, 2)),
                                ("five", (3, 2, 4, 2, 3), (2, 1, 3, 2, 2))]:
        put(g, name, values(shape, "i2"), chunks)
        put(g, f"{name} packed", values(shape, "f8"), chunks, packed(version))


@form(SHAPES, "partial chunks at the edges")
def _(g, version):
    for n in (1, 6, 7, 8, 13):
        put(g, f"vector {n}", values((n,), "i4"), (7,))
        put(g, f"matrix {n}", values((n, n), "f4"), (7, 5), packed(version))
    put(g, "larger chunk", values((5, 3), "i4"), (8, 8), packed(version))


@form(SHAPES, "keys of chunks, each separator and encoding")
def _(g, version):
    kinds = ["v2"] if version == "v2" else ["default", "v2"]
    for kind in kinds:
        for name, s in {"dot": ".", "slash": "/"}.items():
            for rank, data in {"2d": values((5, 4), "i4"), "1d": values((5,), "i4"), "0d": np.array(7, "i4")}.items():
                key = {"name": kind, "separator": s}
                put(g, f"{kind} {name} {rank}", data, (2, 3, 1)[: data.ndim], chunk_key_encoding=key)


@form(SHAPES, "attributes of every kind")
def _(g, version):
    a = g.create_array("x", data=np.arange(3))
    for node in (g, a):
        node.attrs.update({"text": "µ", "list": [1, 2], "nested": {"a": [None, True]}, "nan": float("nan"), "inf": [float("inf"), -float("inf")],
                           "large": 2**63 + 1, "float": 1e-300, "empty": [], "encoding-type": "array", "ü key": 1, "null": None})


@form(SHAPES, "groups, nested, with any names")
def _(g, version):
    for name in ["a", "b", "ç", "d e", "日本", "dots.in.it"]:
        g = g.create_group(name, attributes={"depth": name})
        g.create_array("leaf", data=np.arange(3))
    for i in range(60):
        g.create_group(f"member {i}")


@form(SHAPES, "a chunk of more than 1 GiB", refused="/vast")
def _(g, version):
    g.create_array("plain", data=np.arange(3))
    g.create_array("vast", shape=(10,), chunks=((1 << 30) + 1,), dtype="u1", fill_value=0)


@form(SHAPES, "extensions that must be understood", ("v3",), refused=("/grid", "/note", "/keys"))
def _(g, version):
    arrays = {name: g.create_array(name, data=np.arange(4)) for name in ("grid", "note", "keys")}
    g.create_array("plain", data=np.arange(3))

    def after():
        edit(arrays["grid"], lambda m: m.update(chunk_grid={"name": "rectilinear", "configuration": {"chunk_shapes": [[1, 3]]}}))
        edit(arrays["note"], lambda m: m.update(note={"name": "note", "must_understand": True}))
        edit(arrays["keys"], lambda m: m.update(chunk_key_encoding={"name": "fanout", "configuration": {"max": 3}}))

    return after


@form(SHAPES, "extensions that need not be understood", ("v3",))
def _(g, version):
    a = g.create_array("x", data=np.arange(4), dimension_names=["cell"])
    edit(a, lambda m: m.update(note={"name": "note", "must_understand": False}))


@form(SHAPES, "storage transformers", ("v3",), refused="/x")
def _(g, version):
    a = g.create_array("x", data=np.arange(4))
    return lambda: edit(a, lambda m: m.update(storage_transformers=[{"name": "chunk-manifest-json", "configuration": {}}]))


# ---------------------------------------------------------------- fill values


@form(FILL, "missing chunks, of every type")
def _(g, version):
    for dtype, fill in [("f4", 0), ("f4", 1.5), ("f4", np.nan), ("f8", np.inf), ("f2", -np.inf), ("f2", 0.1), (">f4", 2.5), ("bool", True), ("i2", -300),
                        ("u8", 2**64 - 1), ("i8", -(2**63)), ("u1", 200), ("c8", 1.5 - 2j)]:
        kw = {"dtype": dtype}
        if version == "v3":
            kw = {"dtype": np.dtype(dtype).newbyteorder("="), "serializer": zc.BytesCodec(endian="big" if ">" in dtype else "little")}
        name = f"{dtype} {fill}".replace(">", "be ")
        g.create_array(f"{name} all", shape=(5, 4), chunks=(2, 3), fill_value=fill, compressors=None, **kw)
        some = g.create_array(f"{name} some", shape=(5, 4), chunks=(2, 3), fill_value=fill, compressors=packed(version), **kw)
        some[2:4, :3] = values((2, 3), np.dtype(dtype).newbyteorder("="), 3)


@form(FILL, "missing chunks of text")
def _(g, version):
    g.create_array("words", shape=(5,), chunks=(2,), dtype="T", fill_value="none", compressors=None)[2:3] = "here"
    g.create_array("empty", shape=(5,), chunks=(2,), dtype="T", fill_value="", compressors=packed(version))[2:3] = "here"
    if version == "v2":
        g.create_array("bytes", shape=(5,), chunks=(2,), dtype="S4", fill_value=b"ab", compressors=None)[:1] = b"x"
        g.create_array("points", shape=(5,), chunks=(2,), dtype=">U4", fill_value="µb", compressors=None)[:1] = "x"
        zero = g.create_array("zero", shape=(5,), chunks=(2,), dtype="T", fill_value="", compressors=None)
        zero[2:3] = "here"
        edit(zero, lambda m: m.update(fill_value=0))


@form(FILL, "null", ("v2",))
def _(g, version):
    for dtype in ("f4", "i8", "bool", "T"):
        a = g.create_array(dtype, shape=(5,), chunks=(2,), dtype=dtype, fill_value="" if dtype == "T" else 1, compressors=None)
        a[...] = np.array(["x"] * 5, "T") if dtype == "T" else values((5,), dtype)
        edit(a, lambda m: m.update(fill_value=None))


@form(FILL, "bits of a NaN", ("v3",), consolidated=False)
def _(g, version):
    # Of halves zarr-python 3.1 loses the bits.
    for dtype, bits in {"f4": "0x7fc00001", "f8": "0x7ff8000000000002"}.items():
        a = g.create_array(dtype, shape=(3,), chunks=(2,), dtype=dtype, fill_value=0, compressors=None)
        edit(a, lambda m, bits=bits: m.update(fill_value=bits))


# ---------------------------------------------------------------- shards

X, Y = values((50, 9), "f4"), values((200,), "i4")
for _name, _codecs in {
    "bytes alone": None, "zstd": zc.ZstdCodec(), "gzip": zc.GzipCodec(), "blosc": zc.BloscCodec(), "crc32c": zc.Crc32cCodec(),
    "zstd, crc32c": [zc.ZstdCodec(), zc.Crc32cCodec()],
}.items():

    @form(SHARDS, f"chunks of {_name}", ("v3",))
    def _(g, version, codecs=_codecs):
        put(g, "vector", Y, (16,), codecs, shards=(64,))
        put(g, "matrix", X, (4, 3), codecs, shards=(16, 6))
        put(g, "one chunk each", Y, (64,), codecs, shards=(64,))
        put(g, "words", TEXT.astype("T"), (3,), codecs, shards=(6,), fill_value="")


for _name, _kw in {
    "index at the start": {"index_location": "start"},
    "index without a checksum": {"index_codecs": [zc.BytesCodec()]},
    "index in big-endian order": {"index_codecs": [zc.BytesCodec(endian="big"), zc.Crc32cCodec()]},
    "big-endian chunks, gzip": {"codecs": [zc.BytesCodec(endian="big"), zc.GzipCodec()]},
    "transposed chunks": {"codecs": [zc.TransposeCodec(order=(1, 0)), zc.BytesCodec(), zc.ZstdCodec()]},
    "shards within shards": {"codecs": [zc.ShardingCodec(chunk_shape=(2, 3), codecs=[zc.BytesCodec(), zc.ZstdCodec()])]},
}.items():

    @form(SHARDS, _name, ("v3",))
    def _(g, version, kw=_kw):
        put(g, "x", X, (16, 6), None, serializer=zc.ShardingCodec(chunk_shape=(4, 3), **kw))


@form(SHARDS, "transposed, compressed or checked as a whole", ("v3",))
def _(g, version):
    turn = zc.TransposeCodec(order=(1, 0))
    put(g, "transposed", X, (16, 6), None, turn, serializer=zc.ShardingCodec(chunk_shape=(2, 2)))
    put(g, "gzip", X, (16, 6), zc.GzipCodec(), serializer=zc.ShardingCodec(chunk_shape=(4, 3)))
    put(g, "both", X, (16, 6), zc.Crc32cCodec(), turn, serializer=zc.ShardingCodec(chunk_shape=(2, 2)))


@form(SHARDS, "missing chunks and missing shards", ("v3",))
def _(g, version):
    for name, dtype, fill, codec in [("nan", "f4", np.nan, zc.ZstdCodec()), ("seven", "i4", 7, None)]:
        part = g.create_array(name, shape=(200,), chunks=(8,), shards=(64,), dtype=dtype, fill_value=fill, compressors=codec)
        part[70:80] = values((10,), dtype)


# ---------------------------------------------------------------- stores


def contents(g, version="v3"):
    """A little of everything, to see that a store of some kind is read at all."""
    sub = g.create_group("group", attributes={"encoding-type": "dict", "shape": [3, 4]})
    put(sub, "text", TEXT[:5].astype("T"), (3,), None, fill_value="")
    put(sub, "numbers", values((9,), "i4"), (4,))
    put(sub, "packed", values((40,), "f4"), (16,), packed(version))
    g.attrs["text"] = "µ"


for _where, _how in {"a folder": {}, "a .zarr.zip": {"zip": "stored"}, "a .zarr.zip with compressed members": {"zip": "deflated"}}.items():

    @form(STORES, f"{_where}, consolidated metadata", **_how)
    def _(g, version):
        contents(g, version)

    @form(STORES, f"{_where}, metadata of each node", consolidated=False, **_how)
    def _(g, version):
        contents(g, version)


@form(STORES, "a zip archive with encrypted members", ("v3",), refused="", zip="encrypted")
def _(g, version):
    contents(g, version)


@form(STORES, "an array at the root", refused="", root_array=True)
def _(g, version):
    contents(g, version)
