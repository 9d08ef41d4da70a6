"""HDF5: layouts, indexes of chunks, fill values."""

import ctypes

import h5py
import numpy as np
from form import adder
from h5_writing import HID, LIBVERS, c_call, chunk_index, low_level
from h5py import h5d, h5t

form = adder("h5", LIBVERS)
NEW = LIBVERS[2:]  # of HDF5 1.10, which brought the other indexes
LAYOUT, CHUNKS, FILL = "HDF5: layouts", "HDF5: chunks", "HDF5: fill values"

V = np.arange(300, dtype="<i4") * 7 - 1000
M = (np.arange(30 * 17, dtype="<f8") / 8).reshape(30, 17)


def early(p):
    p.set_alloc_time(h5d.ALLOC_TIME_EARLY)


def indexed_by(index, f, *datasets):
    """Hold files of HDF5 1.10 and later to the index that the form is named after; older ones have B-trees v1."""
    old = f.libver[0] in ("earliest", "v108")
    for d in datasets:
        found = chunk_index(d)
        assert found == ("B-tree v1" if old else index), f"{f.filename}: {found}"


@form(LAYOUT, "contiguous")
def _(f):
    f["vector"], f["matrix"], f["rank 4"] = V, M, np.arange(120, dtype="<u2").reshape(2, 3, 4, 5)
    low_level(f, "allocated early", V, prepare=early)


@form(LAYOUT, "compact")
def _(f):
    low_level(f, "vector", V[:40], prepare=lambda p: p.set_layout(h5d.COMPACT))
    low_level(f, "matrix", M[:4, :5], prepare=lambda p: p.set_layout(h5d.COMPACT))


@form(LAYOUT, "chunked")
def _(f):
    f.create_dataset("vector", data=V, chunks=(21,))
    f.create_dataset("matrix", data=M, chunks=(7, 5))
    f.create_dataset("rows", data=M, chunks=(7, 17))
    f.create_dataset("rank 5", data=np.arange(720, dtype="<u2").reshape(2, 3, 4, 5, 6), chunks=(1, 2, 3, 2, 4))


@form(LAYOUT, "scalars")
def _(f):
    f["number"], f["flag"], f["text"] = np.float32(1.5), np.bool_(True), "one string"


@form(LAYOUT, "null dataspace")
def _(f):
    f["number"], f["text"] = h5py.Empty("<i4"), h5py.Empty(h5py.string_dtype())
    f.attrs["nothing"] = h5py.Empty("<f8")


@form(LAYOUT, "no elements")
def _(f):
    f["vector"], f["matrix"] = np.zeros(0, "<i8"), np.zeros((0, 5), "<f4")
    f["no columns"] = np.zeros((4, 0), "<f4")
    f.create_dataset("chunked", (0,), "<f4", chunks=(10,), maxshape=(None,))
    f.create_dataset("chunked matrix", (0, 7), "<f4", chunks=(10, 3), maxshape=(None, None), compression="gzip")


@form(LAYOUT, "space allocated, never written")
def _(f):
    low_level(f, "late", None, tid=h5t.py_create(np.dtype("<i4")), shape=(20,))
    low_level(f, "early", None, tid=h5t.py_create(np.dtype("<i4")), shape=(20,), prepare=early)


@form(LAYOUT, "virtual dataset", NEW, refused="/virtual")
def _(f):
    f["x"] = V
    layout = h5py.VirtualLayout((10,), "<i4")
    layout[:] = h5py.VirtualSource("other.h5", "x", (10,))
    f.create_virtual_dataset("virtual", layout)


@form(LAYOUT, "values in an external file", refused="/external")
def _(f):
    f["x"] = V
    low_level(f, "external", None, tid=h5t.STD_I32LE, shape=(4,), prepare=lambda p: p.set_external(b"other.bin", 0, 16))


def beyond_4_gib(f):
    """A hole of 5 GB, then everything else: the file is sparse, and so small on disk."""

    def hole(p):
        early(p)
        p.set_fill_time(h5d.FILL_TIME_NEVER)

    big = low_level(f, "hole", None, tid=h5t.STD_I64LE, shape=(640_000_000,), prepare=hole)
    big[320_000_000], big[639_999_999] = 7, -9
    f["contiguous"] = V
    f.create_dataset("chunked", data=V, chunks=(21,), maxshape=(None,))
    f.create_dataset("gzip", data=M, chunks=(7, 5), compression="gzip", shuffle=True)
    f["text"] = np.array(["far", "away", "é"], dtype=h5py.string_dtype())
    f.create_group("group").attrs["text"] = "µ"
    assert f["contiguous"].id.get_offset() > 1 << 32


form(LAYOUT, "addresses beyond 4 GiB", ["earliest", "v108", "v110", "latest"])(beyond_4_gib)


# ---------------------------------------------------------------- chunks


@form(CHUNKS, "B-tree version 1, several levels (superblock version 1)", ["earliest"], istore_k=2, superblock=1)
def _(f):
    f.create_dataset("vector", data=np.arange(400, dtype="<i2"), chunks=(3,))
    f.create_dataset("matrix", data=np.arange(900, dtype="<i4").reshape(30, 30), chunks=(3, 4), compression="gzip")


@form(CHUNKS, "single chunk")
def _(f):
    indexed_by("single chunk", f, f.create_dataset("plain", data=V, chunks=(300,)),
               f.create_dataset("matrix", data=M, chunks=M.shape))


@form(CHUNKS, "single chunk, filtered")
def _(f):
    indexed_by("single chunk", f, f.create_dataset("gzip", data=V, chunks=(300,), compression="gzip"),
               f.create_dataset("matrix", data=M, chunks=M.shape, compression="gzip", shuffle=True))


@form(CHUNKS, "implicit index")
def _(f):
    indexed_by("implicit", f, low_level(f, "vector", V, chunk=(21,), prepare=early), low_level(f, "matrix", M, chunk=(7, 5), prepare=early),
               low_level(f, "room to grow", M, chunk=(7, 5), maxshape=(40, 30), prepare=early))


@form(CHUNKS, "fixed array")
def _(f):
    indexed_by("fixed array", f, f.create_dataset("vector", data=V, chunks=(21,)), f.create_dataset("matrix", data=M, chunks=(7, 5)),
               f.create_dataset("room to grow", data=M, chunks=(7, 5), maxshape=(60, 40)))


@form(CHUNKS, "fixed array, filtered")
def _(f):
    indexed_by("fixed array", f, f.create_dataset("vector", data=V, chunks=(21,), compression="gzip"),
               f.create_dataset("matrix", data=M, chunks=(7, 5), compression="gzip", shuffle=True),
               f.create_dataset("room to grow", data=M, chunks=(7, 5), maxshape=(60, 40), compression="gzip"))


@form(CHUNKS, "fixed array of pages")
def _(f):
    some = f.create_dataset("some pages", (70000,), "<u2", chunks=(5,), fillvalue=9)
    some[1], some[5 * 1024 * 3 + 2], some[69999] = 1, 2, 3
    indexed_by("fixed array", f, some, f.create_dataset("all", data=(np.arange(2500) % 251).astype("u1"), chunks=(1,)),
               f.create_dataset("gzip", data=(np.arange(1100) % 251).astype("u1"), chunks=(1,), compression="gzip", compression_opts=1))


@form(CHUNKS, "extensible array")
def _(f):
    indexed_by("extensible array", f, f.create_dataset("vector", data=V, chunks=(21,), maxshape=(None,)),
               f.create_dataset("many", data=V, chunks=(2,), maxshape=(None,)),
               f.create_dataset("matrix", data=M, chunks=(7, 5), maxshape=(None, 17)),
               f.create_dataset("second axis", data=M, chunks=(7, 5), maxshape=(45, None)))


@form(CHUNKS, "extensible array, filtered")
def _(f):
    kw = {"compression": "gzip", "compression_opts": 1}
    indexed_by("extensible array", f, f.create_dataset("vector", data=V, chunks=(21,), maxshape=(None,), **kw),
               f.create_dataset("many", data=V, chunks=(2,), maxshape=(None,), **kw),
               f.create_dataset("middle axis", data=M.reshape(5, 6, 17), chunks=(2, 4, 5), maxshape=(9, None, 20), **kw))


@form(CHUNKS, "extensible array of super blocks and pages", ["v110", "latest"])
def _(f):
    few = f.create_dataset("few of many", (300_000,), "u1", chunks=(1,), maxshape=(None,), fillvalue=1)
    for i in [0, 3, 4, 19, 20, 200, 9000, 130_000, 131_500, 200_003, 262_139, 262_140, 299_999]:
        few[i] = i % 200 + 2
    packed = f.create_dataset("gzip", (60_000,), "<u2", chunks=(3,), maxshape=(None,), compression="gzip")
    for i in [0, 30, 500, 7000, 59_998]:
        packed[i] = i
    indexed_by("extensible array", f, few, packed)


@form(CHUNKS, "B-tree version 2")
def _(f):
    indexed_by("B-tree v2", f, f.create_dataset("matrix", data=M, chunks=(7, 5), maxshape=(None, None)),
               f.create_dataset("rank 3", data=M.reshape(5, 6, 17), chunks=(2, 4, 5), maxshape=(None, 6, None)))


@form(CHUNKS, "B-tree version 2, filtered")
def _(f):
    indexed_by("B-tree v2", f, f.create_dataset("matrix", data=M, chunks=(7, 5), maxshape=(None, None), compression="gzip"),
               f.create_dataset("shuffled", data=M, chunks=(7, 5), maxshape=(None, None), compression="gzip", shuffle=True, fletcher32=True))


@form(CHUNKS, "B-tree version 2, several levels")
def _(f):
    x = np.arange(900, dtype="<u2").reshape(30, 30)
    three = f.create_dataset("three levels", (60, 60), "u1", chunks=(1, 1), maxshape=(None, None))
    three[...] = (np.arange(3600) % 251).reshape(60, 60)
    indexed_by("B-tree v2", f, three, f.create_dataset("two levels", data=x, chunks=(2, 3), maxshape=(None, None)),
               f.create_dataset("gzip", data=x, chunks=(2, 3), maxshape=(None, None), compression="gzip", compression_opts=1))


@form(CHUNKS, "edges left unfiltered", NEW)
def _(f):
    def no_edges(p):
        p.set_deflate(4)
        c_call("H5Pset_chunk_opts", HID(p.id), ctypes.c_uint(2))

    low_level(f, "fixed array", M, chunk=(7, 5), prepare=no_edges)
    low_level(f, "single", M[:3], chunk=(7, 17), prepare=no_edges, maxshape=(7, 17))
    low_level(f, "btree", M, chunk=(7, 5), maxshape=(None, None), prepare=no_edges)
    low_level(f, "extensible", M, chunk=(7, 5), maxshape=(None, 17), prepare=no_edges)


@form(CHUNKS, "partial chunks at the edges")
def _(f):
    for n in (1, 6, 7, 8, 13):
        f.create_dataset(f"vector {n}", data=V[:n], chunks=(7,), maxshape=(20,))
        f.create_dataset(f"gzip {n}", data=M[:n, :n], chunks=(7, 5), compression="gzip", maxshape=(None, 17))
    f.create_dataset("one chunk, larger", data=V[:50], chunks=(64,), maxshape=(64,), compression="lzf")
    f.create_dataset("rank 4", data=np.arange(5 * 4 * 3 * 7, dtype="<u2").reshape(5, 4, 3, 7), chunks=(2, 3, 2, 4), compression="lzf")


@form(CHUNKS, "shrunk and grown")
def _(f):
    for how, kw in {"plain": {}, "gzip": {"compression": "gzip"}}.items():
        d = f.create_dataset(f"shrunk {how}", data=V, chunks=(20,), maxshape=(None,), **kw)
        d.resize((110,))
        d = f.create_dataset(f"grown {how}", data=V, chunks=(20,), maxshape=(None,), fillvalue=6, **kw)
        d.resize((1000,))
        d[999] = 4
        d = f.create_dataset(f"matrix {how}", data=M, chunks=(4, 4), maxshape=(None, None), **kw)
        d.resize((11, 30))
        d.resize((40, 9))


@form(CHUNKS, "a chunk of more than 1 GiB", ["earliest", "latest"], refused="/vast")
def _(f):
    f["x"] = V
    f.create_dataset("vast", (10,), "u1", chunks=((1 << 30) + 1,), maxshape=(None,))


# ---------------------------------------------------------------- fill values


@form(FILL, "missing chunks")
def _(f):
    f.create_dataset("none stored", (100,), "<f4", chunks=(10,), fillvalue=2.5)
    for how, kw in {"plain": {}, "gzip": {"compression": "gzip"}}.items():
        for name, maxshape in {"fixed": (100,), "extensible": (None,)}.items():
            d = f.create_dataset(f"{name} {how}", (100,), "<i2", chunks=(10,), maxshape=maxshape, fillvalue=-3, **kw)
            d[25:28] = [1, 2, 3]
            d[90] = 9
        d = f.create_dataset(f"matrix {how}", (20, 20), "<i2", chunks=(6, 6), maxshape=(None, None), fillvalue=5, **kw)
        d[8:10, 8:10] = 1


@form(FILL, "of every type")
def _(f):
    for kind, value in {"i1": -7, "u1": 200, "<i2": -300, ">i2": -300, "<i4": 1 << 20, ">i8": 258, "<u8": 2**64 - 1, "<f2": 0.5, "<f4": 2.5,
                        ">f4": 2.5, "<f8": np.nan, ">f8": -np.inf, "?": True}.items():
        f.create_dataset(f"{kind} contiguous".replace("<", "le ").replace(">", "be "), (7,), kind, fillvalue=value)
        f.create_dataset(f"{kind} chunked".replace("<", "le ").replace(">", "be "), (7,), kind, chunks=(3,), fillvalue=value)[4:5] = 1
    f.create_dataset("fixed string", (3,), "S4", chunks=(2,), fillvalue=b"ab")
    f.create_dataset("unwritten text", (5,), h5py.string_dtype(), chunks=(2,))
    record = np.dtype([("i", "<i4"), ("f", ">f8")])
    f.create_dataset("record", (4,), record, chunks=(3,), fillvalue=np.array((7, 2.5), record))


@form(FILL, "undefined, and never filled")
def _(f):
    def undefined(p):
        c_call("H5Pset_fill_value", HID(p.id), HID(h5t.STD_I32LE.id), ctypes.c_void_p(None))

    def never(p):
        early(p)
        p.set_fill_time(h5d.FILL_TIME_NEVER)

    low_level(f, "undefined", V, prepare=undefined)
    low_level(f, "undefined chunked", V, chunk=(50,), prepare=undefined)
    low_level(f, "never", V, prepare=never)
    low_level(f, "never chunked", V, chunk=(50,), prepare=lambda p: p.set_fill_time(h5d.FILL_TIME_NEVER))
