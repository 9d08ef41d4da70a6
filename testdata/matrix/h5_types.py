"""HDF5: datatypes, of datasets and of attributes."""

import ctypes

import h5py
import numpy as np
from form import adder
from h5_writing import HID, LIBVERS, C, low_level
from h5py import h5d, h5s, h5t

form = adder("h5", LIBVERS)
TYPES, ATTRS = "HDF5: datatypes", "HDF5: attributes"
WORDS = ["", "a", "naïve", "日本語", "T cell, CD4+", "x" * 300, "🧬", " padded ", "tab\there"]


def integers(order, kind):
    info = np.iinfo(kind)
    return np.array([info.min, info.max, 0, 1, 77, 1 << (8 * info.dtype.itemsize - 2)], order + kind)


def floats(order, kind):
    info = np.finfo(kind)
    return np.array([0, -0.0, 1.5, -2.25, info.max, info.tiny, info.smallest_subnormal, np.inf, -np.inf, np.nan, 1 / 3], order + kind)


def everywhere(f, name, data):
    """As a dataset of each layout, and as an attribute."""
    f[name] = data
    f.create_dataset(f"{name} chunked", data=data, chunks=(3,), maxshape=(None,))
    f.create_dataset(f"{name} packed", data=data, chunks=(4,), compression="gzip", shuffle=True)
    f.attrs[name] = data


for _order, _words in {"<": "little-endian", ">": "big-endian"}.items():

    @form(TYPES, f"integers of 1, 2, 4 and 8 bytes, {_words}")
    def _(f, order=_order):
        for kind in ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"):
            everywhere(f, kind, integers(order, kind))

    @form(TYPES, f"float16, float32 and float64, {_words}")
    def _(f, order=_order):
        for kind in ("f2", "f4", "f8"):
            everywhere(f, kind, floats(order, kind))

    @form(TYPES, f"matrices, {_words}")
    def _(f, order=_order):
        for kind in ("i2", "u4", "f4", "f8"):
            f.create_dataset(kind, data=np.arange(40).astype(order + kind).reshape(10, 4), chunks=(3, 3), compression="gzip", shuffle=True)


@form(TYPES, "booleans (h5py's enumeration)")
def _(f):
    everywhere(f, "bool", np.array([True, False, True, True, False]))
    f["matrix"] = np.arange(12).reshape(3, 4) % 3 == 0


@form(TYPES, "enumerations")
def _(f):
    for base in ("i1", "<i2", "<u4", "<i8", ">u2", ">i4"):
        low = -5 if np.dtype(base).kind == "i" else 5
        name = base.replace("<", "le ").replace(">", "be ")
        f.create_dataset(name, data=[0, 2, 1, low], dtype=h5py.enum_dtype({"a": 0, "b": 1, "c": 2, "low": low}, basetype=base))
        f.create_dataset(f"{name} chunked", data=[0, 2, 1, low], chunks=(3,), dtype=h5py.enum_dtype({"a": 0, "b": 1, "c": 2, "low": low}, basetype=base))


@form(TYPES, "strings of variable length, UTF-8")
def _(f):
    text = h5py.string_dtype()
    f["words"] = np.array(WORDS, dtype=text)
    f["matrix"] = np.array([["a", "b"], ["c", ""]], dtype=text)
    f["scalar"] = "one string"
    f.create_dataset("gzip", data=np.array([f"name {i % 17}" for i in range(200)], object), dtype=text, chunks=(37,), compression="gzip")
    f.create_dataset("growing", data=np.array(WORDS, object), dtype=text, chunks=(4,), maxshape=(None,))
    f["many"] = np.array([f"cell {i} " + "é" * (i % 70) for i in range(900)], dtype=text)
    f["long"] = np.array(["x" * 70_000, "y"], dtype=text)
    f.attrs["words"] = np.array(WORDS, dtype=text)


@form(TYPES, "strings of variable length, ASCII")
def _(f):
    f.create_dataset("words", data=[b"", b"plain", b"ascii"], dtype=h5py.string_dtype("ascii"))
    f.create_dataset("chunked", data=[b"", b"plain", b"ascii"], dtype=h5py.string_dtype("ascii"), chunks=(2,), compression="gzip")
    f.attrs.create("word", b"plain", dtype=h5py.string_dtype("ascii"))


@form(TYPES, "strings of fixed length, ASCII and UTF-8, each padding")
def _(f):
    data = np.array([b"abc", b"1234567", b""], "S8")
    for cset, coding in {"ascii": h5t.CSET_ASCII, "utf8": h5t.CSET_UTF8}.items():
        for name, pad in {"null term": h5t.STR_NULLTERM, "null pad": h5t.STR_NULLPAD, "space pad": h5t.STR_SPACEPAD}.items():
            t = h5t.C_S1.copy()
            t.set_size(8)
            t.set_cset(coding)
            t.set_strpad(pad)
            rows = np.array([x.ljust(8, b" ") for x in data.tolist()], "S8") if name == "space pad" else data
            if cset == "utf8":
                rows = np.array(["né".encode(), "日x".encode(), b" 1"], "S8")
            low_level(f, f"{cset} {name}", rows, tid=t)
            low_level(f, f"{cset} {name} chunked", rows, tid=t, chunk=(2,), prepare=lambda p: p.set_deflate(4))
    f["inner zeros"] = np.array([b"b\x00c", b"full"], "S4")
    f["one byte"] = np.array([b"a", b"", b"c"], "S1")
    f.attrs["fixed"] = np.array([b"a", b"bb"], "S3")


INNER = np.dtype([("p", ">f4"), ("q", "u1")])
RECORD = np.dtype([("id", "S4"), ("n", "<i8"), ("xyz", "<f4", (3,)), ("flag", "?"), ("sub", INNER), ("grid", ">i2", (2, 2))])


def records(n):
    rows = np.zeros(n, RECORD)
    rows["id"] = [b"r%d" % i for i in range(n)]
    rows["n"] = np.arange(n) * 10**12
    rows["xyz"] = np.arange(3 * n).reshape(n, 3) / 2
    rows["flag"] = np.arange(n) % 2 == 0
    rows["sub"]["p"], rows["sub"]["q"] = np.arange(n) / 3, np.arange(n)
    rows["grid"] = np.arange(4 * n).reshape(n, 2, 2)
    return rows


@form(TYPES, "compounds, nested and with arrays")
def _(f):
    f["plain"] = records(6)
    f.create_dataset("packed", data=records(40), chunks=(12,), compression="gzip", shuffle=True)
    f.create_dataset("growing", data=records(40), chunks=(12,), maxshape=(None,))
    f["aligned"] = np.array([(1, 2.5, 3)], np.dtype([("a", "u1"), ("b", "<f8"), ("c", "<u2")], align=True))
    f["many members"] = np.array([tuple(range(k, k + 300)) for k in range(2)], [(f"field_{i:03d}", "<u2") for i in range(300)])
    f["scalar"] = records(1)[0]
    f.attrs["compound"] = np.array((1, 2.5), dtype=[("i", "<i4"), ("f", ">f4")])


@form(TYPES, "compounds with strings of variable length")
def _(f):
    t = np.dtype([("name", h5py.string_dtype()), ("v", "<i4"), ("ascii", h5py.string_dtype("ascii"))])
    rows = np.array([("ü", 1, b"a"), ("", 2, b""), ("three", 3, b"ccc")], t)
    f["plain"] = rows
    f.create_dataset("packed", data=rows, chunks=(2,), compression="gzip")


@form(TYPES, "arrays as elements")
def _(f):
    for name, kind, dims in [("be", ">i2", (2, 3)), ("le", "<f4", (4,)), ("bytes", "u1", (1, 1, 5))]:
        t = h5t.array_create(h5t.py_create(np.dtype(kind)), dims)
        d = h5d.create(f.id, name.encode(), t, h5s.create_simple((3,)))
        d.write(h5s.ALL, h5s.ALL, np.arange(3 * int(np.prod(dims))).astype(kind), mtype=t)


@form(TYPES, "object references")
def _(f):
    f["x"] = np.arange(3)
    g = f.create_group("group")
    f.create_dataset("references", data=np.array([f["x"].ref, f.ref, g.ref], dtype=h5py.ref_dtype), dtype=h5py.ref_dtype)
    f.attrs["one"] = g.ref
    f["x"].attrs.create("some", np.array([g.ref, f["x"].ref], dtype=h5py.ref_dtype), dtype=h5py.ref_dtype)


@form(TYPES, "bitfields")
def _(f):
    for name, t, data in [("b8", h5t.STD_B8LE, np.array([1, 0, 255], "u1")), ("b16", h5t.STD_B16LE, np.array([1, 2, 0x8001], "<u2")),
                          ("b32", h5t.STD_B32LE, np.array([1, 2, 1 << 31], "<u4")), ("b64", h5t.STD_B64LE, np.array([1, 2, 1 << 63], "<u8"))]:
        d = h5d.create(f.id, name.encode(), t, h5s.create_simple((3,)))
        d.write(h5s.ALL, h5s.ALL, data, mtype=t)


@form(TYPES, "opaque bytes")
def _(f):
    low_level(f, "opaque", np.frombuffer(b"abcdefgh", "V4"), tid=h5t.py_create(np.dtype("V4")))


@form(TYPES, "sequences of variable length")
def _(f):
    d = f.create_dataset("integers", (4,), h5py.vlen_dtype(np.dtype("<i4")))
    d[0], d[1], d[3] = [1, 2, 3], [], np.arange(100)
    d = f.create_dataset("bytes", (3,), h5py.vlen_dtype(np.dtype("u1")), chunks=(2,), compression="gzip")
    d[0], d[2] = [9], np.arange(5000) % 256
    d = f.create_dataset("big-endian", (2,), h5py.vlen_dtype(np.dtype(">f8")))
    d[0], d[1] = [1.25, -3], [8]


@form(TYPES, "complex numbers (h5py's compound)")
def _(f):
    f["c8"], f["c16"] = np.array([1 + 2j, 3 - 4j], "<c8"), np.array([1 + 2j, 3 - 4j], "<c16")


@form(TYPES, "committed datatypes of datasets and attributes")
def _(f):
    f.create_group("types")
    f["types/double"] = np.dtype("<f8")
    f.create_dataset("x", data=[1.5, 2.5], dtype=f["types/double"])
    f["x"].attrs.create("also", 3.5, dtype=f["types/double"])


@form(TYPES, "long double", refused="/x")
def _(f):
    f["plain"] = 1
    f["x"] = np.array([1, 2], np.longdouble)


@form(TYPES, "integers of fewer bits than their bytes", refused=("/x", "/@x"))
def _(f):
    t = h5t.STD_I32LE.copy()
    t.set_precision(20)
    low_level(f, "x", np.arange(9, dtype="<i4"), tid=t)
    f["plain"] = 1
    h5py.h5a.create(f.id, b"x", t, h5s.create_simple((2,))).write(np.arange(2, dtype="<i4"))


@form(TYPES, "region references", refused="/x")
def _(f):
    f["plain"] = np.arange(9)
    f.create_dataset("x", data=np.array([f["plain"].regionref[2:4]], dtype=h5py.regionref_dtype), dtype=h5py.regionref_dtype)


@form(TYPES, "times", ["earliest", "latest"], refused="/x")
def _(f):
    f["plain"] = 1
    h5d.create(f.id, b"x", h5t.UNIX_D32LE, h5s.create_simple((3,)))


@form(TYPES, "complex numbers (the class of HDF5 2.0)", ["latest"], refused="/x")
def _(f):
    f["plain"] = 1
    C.H5Tcomplex_create.restype = ctypes.c_int64
    space, lcpl = h5s.create_simple((3,)), h5py.h5p.create(h5py.h5p.LINK_CREATE)
    C.H5Dcreate2.restype = ctypes.c_int64
    made = C.H5Dcreate2(HID(f.id.id), b"x", HID(C.H5Tcomplex_create(HID(h5t.IEEE_F32LE.id))), HID(space.id), HID(lcpl.id), HID(0), HID(0))
    assert made > 0
    C.H5Dclose(HID(made))


@form(TYPES, "a committed datatype by itself", ["earliest", "latest"], refused="/x")
def _(f):
    f["plain"] = 1
    f["x"] = np.dtype("<f8")


# ---------------------------------------------------------------- attributes


@form(ATTRS, "in the header, of every type")
def _(f):
    a = f.create_dataset("x", data=np.arange(3)).attrs
    a["str"], a["unicode"], a["empty str"] = "text", "µ-é-日", ""
    a["bytes"] = np.bytes_(b"fixed")
    a["int"], a["float"], a["bool"] = 42, 2.5, True
    a["be"] = np.array([1, -2, 3], ">i8")
    a["matrix"] = np.arange(12, dtype="<f4").reshape(3, 4)
    a["strings"] = np.array(["cell_type", "", "naïve"], dtype=h5py.string_dtype())
    a["null"], a["empty list"] = h5py.Empty("<f8"), np.zeros(0, "<i4")
    a["ü name"] = 1
    f.attrs["encoding-type"], f.attrs["encoding-version"] = "array", "0.2.0"


@form(ATTRS, "many (dense storage, from HDF5 1.8)")
def _(f):
    a = f.create_dataset("x", data=np.arange(3)).attrs
    for i in range(70):
        a[f"attribute number {i:02d}"] = i * 3
    a["text"] = "nine lives"
    f.attrs["few"] = 1


@form(ATTRS, "large (huge objects of a fractal heap)", LIBVERS[1:])
def _(f):
    a = f.create_dataset("x", data=np.arange(3)).attrs
    for i in range(9):
        a[f"huge {i}"] = np.arange(20_000 + i, dtype="<u4") // 1000
    a["tiny"] = np.uint8(7)
    a["text"] = np.array([f"name {i}" for i in range(5000)], "S12")


@form(ATTRS, "some thousands", LIBVERS[1:])
def _(f):
    a = f.create_group("x").attrs
    for i in range(1500):
        a[f"{i * 7919 % 1500:04d}"] = np.int16(i)


@form(ATTRS, "changed and deleted")
def _(f):
    a = f.create_dataset("x", data=np.arange(3)).attrs
    for i in range(20):
        a[f"k{i}"] = i
    for i in range(0, 20, 2):
        del a[f"k{i}"]
    a["k1"] = "now a text that is longer than what stood here"
    a.modify("k3", 33)
    a["new"] = 1
