"""Makes testdata/h5: HDF5 files of every form that mapped/h5 reads, and what h5py reads from them.

    pip install anndata h5py hdf5plugin
    python testdata/make_h5_fixtures.py

``expected.json.gz`` holds, for each file, every object with its type, shape, chunk table, attributes and
values (short values as they are, long ones as SHA-256). The Go tests compare all of it, exactly. Large files that
are mostly padding are committed gzipped (``.h5.gz``).

Values are the same every time; only the times that libhdf5 stamps on some objects differ. Made with h5py 3.16 (HDF5 2.0.0), anndata 0.12.19,
hdf5plugin 7.1.0, numpy 2.4. With the argument ``plugins`` only that file and ``expected.json.gz`` are made anew.
"""

import ctypes
import gzip
import json
import sys
import tempfile
import warnings
from pathlib import Path

import h5py
import hdf5plugin as hp
import numpy as np
from h5_reading import read_tree
from h5_writing import HID, LIBVERS, c_call, low_level, new_file, new_group
from h5py import h5d, h5p, h5s, h5t

OUT = Path(__file__).parent / "h5"


# ---------------------------------------------------------------- making


def fixture(name, *args, **kw):
    return new_file(OUT / name, *args, **kw)


def layouts(f):
    g = new_group(f, "layouts")
    v = np.arange(300, dtype="<i4") * 7 - 1000
    m = (np.arange(30 * 17, dtype="<f8") / 8).reshape(30, 17)
    g["contiguous"] = v
    g["contiguous2d"] = m
    g["scalar"] = np.float32(1.5)
    g["empty_1d"] = np.zeros(0, "<i8")
    g["empty_2d"] = np.zeros((0, 5), "<f4")
    g["null"] = h5py.Empty("<i4")
    low_level(g, "compact", v[:40], prepare=lambda p: p.set_layout(h5d.COMPACT))
    low_level(g, "never_written", None, tid=h5t.py_create(np.dtype("<i4")), shape=(20,))
    g.create_dataset("never_written_fill", (20,), "<i4", fillvalue=-7)
    low_level(g, "contiguous_allocated_early", v, prepare=lambda p: p.set_alloc_time(h5d.ALLOC_TIME_EARLY))

    g = new_group(f, "chunked")
    g.create_dataset("one", data=v, chunks=(300,))
    g.create_dataset("one_gzip", data=v, chunks=(300,), compression="gzip")
    g.create_dataset("one_larger", data=v[:50], chunks=(64,), maxshape=(64,))
    g.create_dataset("fixed", data=v, chunks=(21,))
    g.create_dataset("fixed_gzip", data=v, chunks=(21,), compression="gzip")
    g.create_dataset("fixed_2d", data=m, chunks=(7, 5))
    g.create_dataset("fixed_2d_gzip", data=m, chunks=(7, 5), compression="gzip", shuffle=True)
    g.create_dataset("fixed_2d_rows", data=m, chunks=(7, 17))
    g.create_dataset("fixed_room_to_grow", data=m, chunks=(7, 5), maxshape=(60, 40))
    g.create_dataset("fixed_room_to_grow_gzip", data=m, chunks=(7, 5), maxshape=(60, 40), compression="gzip")
    early = lambda p: p.set_alloc_time(h5d.ALLOC_TIME_EARLY)
    low_level(g, "implicit", m, chunk=(7, 5), prepare=early)
    low_level(g, "implicit_room_to_grow", m, chunk=(7, 5), maxshape=(40, 30), prepare=early)
    g.create_dataset("extensible", data=v, chunks=(21,), maxshape=(None,))
    g.create_dataset("extensible_gzip", data=v, chunks=(21,), maxshape=(None,), compression="gzip")
    g.create_dataset("extensible_many", data=v, chunks=(2,), maxshape=(None,))
    g.create_dataset("extensible_2d", data=m, chunks=(7, 5), maxshape=(None, 17))
    g.create_dataset("extensible_2d_second_axis", data=m, chunks=(7, 5), maxshape=(45, None))
    g.create_dataset("extensible_3d_middle_axis", data=m.reshape(5, 6, 17), chunks=(2, 4, 5), maxshape=(9, None, 20),
                     compression="gzip")
    g.create_dataset("btree_2d", data=m, chunks=(7, 5), maxshape=(None, None))
    g.create_dataset("btree_2d_gzip", data=m, chunks=(7, 5), maxshape=(None, None), compression="gzip")
    g.create_dataset("no_chunks_yet", (100,), "<f4", chunks=(10,), fillvalue=2.5)
    d = g.create_dataset("some_chunks", (100,), "<i2", chunks=(10,), maxshape=(None,), fillvalue=-3)
    d[25:28] = [1, 2, 3]
    d[90] = 9
    d = g.create_dataset("some_chunks_gzip", (20, 20), "<i2", chunks=(6, 6), maxshape=(None, None), fillvalue=5,
                         compression="gzip")
    d[8:10, 8:10] = 1
    d = g.create_dataset("shrunk", data=v, chunks=(20,), maxshape=(None,))
    d.resize((110,))
    d = g.create_dataset("grown", data=v, chunks=(20,), maxshape=(None,))
    d.resize((1000,))
    d[999] = 4
    g.create_dataset("empty", (0,), "<f4", chunks=(10,), maxshape=(None,))
    g.create_dataset("rank_4", data=np.arange(5 * 4 * 3 * 7, dtype="<u2").reshape(5, 4, 3, 7), chunks=(2, 3, 2, 4))
    no_edges = lambda p: (p.set_deflate(4), c_call("H5Pset_chunk_opts", HID(p.id), ctypes.c_uint(2)))
    if f.libver[0] not in ("earliest", "v108"):
        low_level(g, "edges_unfiltered", m, chunk=(7, 5), prepare=no_edges)
        low_level(g, "edges_unfiltered_one", m[:3], chunk=(7, 17), prepare=no_edges, maxshape=(7, 17))
        low_level(g, "edges_unfiltered_btree", m, chunk=(7, 5), maxshape=(None, None), prepare=no_edges)


def filters(f):
    g = new_group(f, "filters")
    rng = np.random.default_rng(1)
    runs = np.repeat(rng.integers(0, 50, 150).astype("<i4"), rng.integers(1, 6, 150))[:400]
    noise = rng.random(400).astype("<f8")
    for name, data in [("runs", runs), ("noise", noise), ("odd", rng.integers(0, 9, 400).astype("u1"))]:
        g.create_dataset(f"gzip_{name}", data=data, chunks=(130,), compression="gzip")
        g.create_dataset(f"lzf_{name}", data=data, chunks=(130,), compression="lzf")
        g.create_dataset(f"fletcher_{name}", data=data[:399], chunks=(133,), fletcher32=True)
    g.create_dataset("shuffle", data=runs, chunks=(130,), shuffle=True)
    g.create_dataset("shuffle_f8", data=noise, chunks=(130,), shuffle=True)
    g.create_dataset("shuffle_gzip", data=runs, chunks=(130,), shuffle=True, compression="gzip", compression_opts=9)
    g.create_dataset("shuffle_lzf", data=runs, chunks=(130,), shuffle=True, compression="lzf")
    g.create_dataset("all", data=runs, chunks=(130,), shuffle=True, compression="gzip", fletcher32=True)
    before = lambda p: (p.set_fletcher32(), p.set_shuffle(), p.set_deflate(3))
    low_level(g, "fletcher_first", runs, chunk=(130,), prepare=before)
    # Chunks that were written with some filters skipped.
    d = g.create_dataset("masks", (400,), "<i4", chunks=(100,), shuffle=True, compression="gzip", fletcher32=True)
    import zlib
    shuffled = runs[100:200].view("u1").reshape(100, 4).T.tobytes()
    d[:100] = runs[:100]
    d.id.write_direct_chunk((100,), shuffled, filter_mask=0b110)
    d.id.write_direct_chunk((200,), runs[200:300].tobytes(), filter_mask=0b111)
    d.id.write_direct_chunk((300,), zlib.compress(runs[300:400].tobytes()), filter_mask=0b101)
    c = g.create_dataset("compound_gzip", data=np.array([(i, i / 4, b"n%d" % i) for i in range(50)],
                         dtype=[("i", "<i4"), ("f", "<f4"), ("s", "S5")]), chunks=(12,), compression="gzip", shuffle=True)
    c.attrs["n"] = 50


def types(f):
    g = new_group(f, "types")
    for order, tag in [("<", "le"), (">", "be")]:
        for k in ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"]:
            info = np.iinfo(k)
            g[f"{k}_{tag}"] = np.array([info.min, info.max, 0, 1, 77], order + k)
        for k in ["f2", "f4", "f8"]:
            info = np.finfo(k)
            g[f"{k}_{tag}"] = np.array([0, -0.0, 1.5, -2.25, info.max, info.tiny, info.smallest_subnormal, np.inf, -np.inf, np.nan],
                                       order + k)
    g.create_dataset("f4_be_chunked", data=np.arange(40, dtype=">f4").reshape(10, 4), chunks=(3, 3), compression="gzip", shuffle=True)
    g.create_dataset("i8_be_fill", (10,), ">i8", chunks=(4,), fillvalue=258)
    g["bool"] = np.array([True, False, True])
    g.create_dataset("bool_gzip", data=np.arange(100) % 3 == 0, chunks=(30,), compression="gzip")
    g.create_dataset("enum", data=[0, 2, 1, -5], dtype=h5py.enum_dtype({"a": 0, "b": 1, "c": 2, "minus": -5}, basetype="<i2"))
    g.create_dataset("enum_be", data=[0, 300], dtype=h5py.enum_dtype({"a": 0, "b": 300}, basetype=">u2"))
    words = ["", "a", "naïve", "日本語", "T cell, CD4+", "x" * 300, "🧬", " padded ", "tab\there"]
    g["vlen_utf8"] = np.array(words, dtype=h5py.string_dtype())
    g.create_dataset("vlen_ascii", data=[b"", b"plain", b"ascii"], dtype=h5py.string_dtype("ascii"))
    g.create_dataset("vlen_gzip", data=np.array([f"name {i % 17}" for i in range(200)], object), dtype=h5py.string_dtype(),
                     chunks=(37,), compression="gzip")
    g.create_dataset("vlen_unwritten", (5,), h5py.string_dtype(), chunks=(2,))
    g.create_dataset("vlen_2d", data=np.array([["a", "b"], ["c", ""]], object), dtype=h5py.string_dtype())
    g["vlen_scalar"] = "one string"
    g["fixed_null_padded"] = np.array([b"", b"a", b"full--16-bytes--", b"b\x00c"], "S16")
    t = h5t.C_S1.copy()
    t.set_size(8)
    low_level(g, "fixed_null_terminated", np.array([b"abc", b"1234567"], "S8"), tid=t)
    t = h5t.FORTRAN_S1.copy()
    t.set_size(8)
    low_level(g, "fixed_space_padded", np.array([b"abc     ", b"12345678", b"        "], "S8"), tid=t)
    t = h5t.C_S1.copy()
    t.set_size(6)
    t.set_cset(h5t.CSET_UTF8)
    t.set_strpad(h5t.STR_NULLPAD)
    low_level(g, "fixed_utf8", np.array(["né".encode(), "日".encode()], "S6"), tid=t)
    d = g.create_dataset("vlen_ints", (4,), h5py.vlen_dtype(np.dtype("<i4")))
    d[0], d[1], d[3] = [1, 2, 3], [], np.arange(100)
    d = g.create_dataset("vlen_be_floats", (2,), h5py.vlen_dtype(np.dtype(">f8")))
    d[0], d[1] = [1.25, -3], [8]
    a = h5d.create(g.id, b"array", h5t.array_create(h5t.py_create(np.dtype(">i2")), (2, 3)), h5s.create_simple((3,)))
    a.write(h5s.ALL, h5s.ALL, np.arange(18, dtype=">i2"), mtype=h5t.array_create(h5t.py_create(np.dtype(">i2")), (2, 3)))
    inner = np.dtype([("p", ">f4"), ("q", "u1")])
    dt = np.dtype([("id", "S4"), ("n", "<i8"), ("xyz", "<f4", (3,)), ("flag", "?"), ("sub", inner), ("grid", ">i2", (2, 2))])
    rows = np.zeros(6, dt)
    rows["id"] = [b"r%d" % i for i in range(6)]
    rows["n"] = np.arange(6) * 10**12
    rows["xyz"] = np.arange(18).reshape(6, 3) / 2
    rows["flag"] = [1, 0, 1, 0, 0, 1]
    rows["sub"]["p"], rows["sub"]["q"] = np.arange(6) / 3, np.arange(6)
    rows["grid"] = np.arange(24).reshape(6, 2, 2)
    g["compound"] = rows
    g["compound_aligned"] = np.array([(1, 2.5, 3)], np.dtype([("a", "u1"), ("b", "<f8"), ("c", "<u2")], align=True))
    sdt = np.dtype([("name", h5py.string_dtype()), ("v", "<i4")])
    g["compound_strings"] = np.array([("ü", 1), ("", 2), ("three", 3)], sdt)
    many = np.dtype([(f"field_{i:03d}", "<u2") for i in range(300)])
    g["compound_many"] = np.array([tuple(range(k, k + 300)) for k in range(2)], many)
    low_level(g, "opaque", np.frombuffer(b"abcdefgh", "V4"), tid=h5t.py_create(np.dtype("V4")))
    bits = h5d.create(g.id, b"bitfield", h5t.STD_B16LE, h5s.create_simple((3,)))
    bits.write(h5s.ALL, h5s.ALL, np.array([1, 2, 0x8001], "<u2"), mtype=h5t.STD_B16LE)
    flags = h5d.create(g.id, b"bitfield_bool", h5t.STD_B8LE, h5s.create_simple((4,)))
    flags.write(h5s.ALL, h5s.ALL, np.array([1, 0, 0, 1], "u1"), mtype=h5t.STD_B8LE)
    g.create_dataset("reference", data=np.array([g["bool"].ref, f.ref, g.ref], dtype=h5py.ref_dtype), dtype=h5py.ref_dtype)
    g["committed"] = np.dtype("<f8")
    g.create_dataset("of_committed", data=[1.5, 2.5], dtype=g["committed"])
    g["of_committed"].attrs.create("also", 3.5, dtype=g["committed"])
    g["long_double"] = np.array([1, 2], np.longdouble)
    g["complex"] = np.array([1 + 2j, 3 - 4j], "<c8")


def attributes(f):
    g = new_group(f, "attributes")
    a = g.attrs
    a["str"], a["unicode"], a["empty_str"] = "text", "µ-é-日", ""
    a["bytes"] = np.bytes_(b"fixed")
    a["int"], a["float"], a["bool"] = 42, 2.5, True
    a["be"] = np.array([1, -2, 3], ">i8")
    a["matrix"] = np.arange(12, dtype="<f4").reshape(3, 4)
    a["strings"] = np.array(["cell_type", "", "naïve"], dtype=h5py.string_dtype())
    a["fixed_strings"] = np.array([b"a", b"bb"], "S3")
    a["null"] = h5py.Empty("<f8")
    a["empty_list"] = np.zeros(0, "<i4")
    a["ref"] = g.ref
    a["compound"] = np.array((1, 2.5), dtype=[("i", "<i4"), ("f", ">f8")])
    d = g.create_dataset("dense", data=np.arange(3))
    for i in range(40):
        d.attrs[f"attribute number {i:02d}"] = i * 3
    d.attrs["nine"] = "nine lives"
    if f.libver[0] != "earliest":
        d.attrs["huge"] = np.arange(20000, dtype="<u4") // 1000
        d.attrs["tiny"] = np.uint8(7)
    few = g.create_dataset("few", data=1)
    few.attrs["encoding-type"], few.attrs["encoding-version"] = "array", "0.2.0"


def groups(f):
    g = new_group(f, "groups")
    for i in range(45):
        g[f"member {i:02d}"] = i
    tracked = new_group(f, "tracked", order=True)
    for i in range(60):
        tracked[f"column {(i * 37) % 60:02d}"] = np.int8(i)
    deep = f
    for name in ["a", "b", "ç", "d e"]:
        deep = new_group(deep, name)
    deep["leaf"] = 1
    new_group(f, "empty")
    s = new_group(f, "links")
    s["soft"] = h5py.SoftLink("/groups/member 07")
    s["relative"] = h5py.SoftLink("soft")
    s["dangling"] = h5py.SoftLink("/nowhere")
    s["loop_a"], s["loop_b"] = h5py.SoftLink("/links/loop_b"), h5py.SoftLink("/links/loop_a")
    s["external"] = h5py.ExternalLink("other.h5", "/x")
    s["hard"] = f["groups/member 08"]
    s["to_group"] = h5py.SoftLink("/a/b")


def make_by_version():
    for v in LIBVERS:
        with fixture(f"forms_{v}.h5", v) as f:
            layouts(f)
            filters(f)
            types(f)
            attributes(f)
            groups(f)


def make_indexes():
    """Indexes of more than one level, in files as small as they can be."""
    fcpl = h5p.create(h5p.FILE_CREATE)
    c_call("H5Pset_istore_k", HID(fcpl.id), ctypes.c_uint(2))
    c_call("H5Pset_sym_k", HID(fcpl.id), ctypes.c_uint(2), ctypes.c_uint(2))
    with fixture("deep_btree1.h5", fcpl=fcpl) as f:  # superblock version 1
        f.create_dataset("chunks", data=np.arange(200, dtype="<i2"), chunks=(3,))
        f.create_dataset("chunks_2d", data=np.arange(400, dtype="<i4").reshape(20, 20), chunks=(3, 4), compression="gzip")
        for i in range(60):
            f[f"n{i:02d}"] = np.int8(i)
    with fixture("deep_fixed_array.h5", "latest") as f:
        f.create_dataset("pages", data=(np.arange(2500) % 251).astype("u1"), chunks=(1,))
        f.create_dataset("pages_gzip", data=(np.arange(1100) % 251).astype("u1"), chunks=(1,), compression="gzip",
                         compression_opts=1)
        d = f.create_dataset("pages_some", (70000,), "<u2", chunks=(5,), fillvalue=9)
        d[1], d[5 * 1024 * 3 + 2], d[69999] = 1, 2, 3
    with fixture("deep_extensible_array.h5", "v110") as f:
        d = f.create_dataset("few_of_many", (3_000_000,), "u1", chunks=(1,), maxshape=(None,), fillvalue=1)
        for i in [0, 3, 4, 19, 20, 200, 9000, 130_000, 131_500, 200_003, 262_139, 262_140, 270_000, 1_050_000, 2_999_999]:
            d[i] = i % 200 + 2
        d = f.create_dataset("gzip", (60_000,), "<u2", chunks=(3,), maxshape=(None,), compression="gzip")
        for i in [0, 30, 500, 7000, 59_998]:
            d[i] = i
    with fixture("deep_btree2.h5", "latest") as f:
        f.create_dataset("two_levels", data=np.arange(900, dtype="<u2").reshape(30, 30), chunks=(2, 3), maxshape=(None, None))
        d = f.create_dataset("three_levels", (110, 110), "u1", chunks=(1, 1), maxshape=(None, None))
        d[...] = (np.arange(12100) % 251).reshape(110, 110)
        f.create_dataset("gzip", data=np.arange(900, dtype="<u2").reshape(30, 30), chunks=(2, 3), maxshape=(None, None), compression="gzip")
    with fixture("deep_heap.h5", "v110") as f:  # fractal heap whose indirect blocks nest, B-tree of three levels
        g = new_group(f, "wide")
        f["one"] = np.int8(1)
        one = f["one"].id
        for i in range(5600):
            g.id.links.create_hard(f"{i * 7919 % 5600:04d}".ljust(110, "-").encode(), f.id, b"one")


def make_odd_files():
    for size, v in [(512, "earliest"), (2048, "latest")]:
        with fixture(f"userblock_{size}.h5", v, userblock=size) as f:
            f["x"] = np.arange(10)
            f.create_dataset("y", data=np.arange(100, dtype="<f4"), chunks=(9,), maxshape=(None,), compression="gzip")
            f.create_dataset("z", data=np.arange(100, dtype="<f4"), chunks=(9,))
            f.attrs["s"] = "text"
        with open(OUT / f"userblock_{size}.h5", "r+b") as r:
            r.write(b"#!/bin/sh a user block may hold anything\n")
    # A user block that was put before a file which does not know of it.
    with fixture("moved.h5", "v108") as f:
        f["x"] = np.arange(10)
        f.create_dataset("y", data=np.arange(100), chunks=(9,), compression="gzip")
    (OUT / "moved.h5").write_bytes(bytes(512) + (OUT / "moved.h5").read_bytes())
    fcpl = h5p.create(h5p.FILE_CREATE)
    fcpl.set_sizes(4, 4)
    for v in ["earliest", "latest"]:
        with fixture(f"sizes_4_{v}.h5", v, fcpl=fcpl) as f:
            f["x"] = np.arange(10)
            f.create_dataset("y", data=np.arange(100), chunks=(9,), compression="gzip")
            if v == "earliest":  # HDF5 2.0 writes files with unlimited axes and such sizes that it cannot open
                f.create_dataset("z", data=np.arange(100), chunks=(9,), maxshape=(None,))
                f.create_dataset("w", data=np.arange(100).reshape(10, 10), chunks=(3, 3), maxshape=(None, None))
            f["s"] = ["a", "b", "ü"]
            f.attrs["s"] = "text"
            for i in range(12):
                f.attrs[f"a{i}"] = i
                f[f"d{i}"] = i
    for v in ["v108", "latest"]:
        fcpl = h5p.create(h5p.FILE_CREATE)
        c_call("H5Pset_shared_mesg_nindexes", HID(fcpl.id), ctypes.c_uint(2))
        c_call("H5Pset_shared_mesg_index", HID(fcpl.id), ctypes.c_uint(0), ctypes.c_uint(0x0002 | 0x0008 | 0x0020), ctypes.c_uint(10))
        c_call("H5Pset_shared_mesg_index", HID(fcpl.id), ctypes.c_uint(1), ctypes.c_uint(0x0800 | 0x1000), ctypes.c_uint(10))
        with fixture(f"shared_messages_{v}.h5", v, fcpl=fcpl) as f:
            for i in range(4):
                d = f.create_dataset(f"d{i}", data=np.arange(20, dtype="<f4") + i, chunks=(6,), compression="gzip", shuffle=True, fillvalue=3)
                d.attrs["the same everywhere"] = np.arange(5)
                d.attrs["different"] = i
            for i in range(12):
                f["d0"].attrs[f"many {i}"] = np.arange(6) + i
    with fixture("filtered_heap.h5", "v110") as f:
        g = new_group(f, "g", filters=6)
        for i in range(700):
            g.id.links.create_hard(f"link with a name that packs well {i:04d}".encode(), f.id, b"/g")
        f["x"] = 1
    with fixture("unsupported.h5", "latest") as f:
        low_level(f, "scaleoffset", np.arange(100), chunk=(30,), prepare=lambda p: p.set_scaleoffset(h5py.h5z.SO_INT, 0))
        t = h5t.STD_I32LE.copy()
        t.set_precision(20)
        low_level(f, "nbit", np.arange(100, dtype="<i4"), tid=t, chunk=(30,), prepare=lambda p: c_call("H5Pset_nbit", HID(p.id)))
        layout = h5py.VirtualLayout((10,), "<i4")
        layout[:] = h5py.VirtualSource("other.h5", "x", (10,))
        f.create_virtual_dataset("virtual", layout)
        # Shapes cost nothing: these claim more memory than any machine has.
        f.create_dataset("vast_chunked", (1 << 40, 1000), "<f4", chunks=(1000, 10), maxshape=(None, None), fillvalue=1.5)[7, 8] = 2
        low_level(f, "vast_contiguous", None, tid=h5t.STD_I64LE, shape=(1 << 50,), prepare=lambda p: p.set_alloc_time(h5d.ALLOC_TIME_LATE))
        f.create_dataset("vast_chunk", (10,), "u1", chunks=((1 << 30) + 1,), maxshape=(None,))
        low_level(f, "external", None, tid=h5t.STD_I32LE, shape=(4,), prepare=lambda p: p.set_external(b"other.bin", 0, 16))


def make_plugins():
    """Filters that h5py has from hdf5plugin: those that are read, and, in /refused, those that are not."""
    rng = np.random.default_rng(2)
    few = np.cumsum(rng.integers(0, 9, 133)).astype("<i4")
    many = np.concatenate([np.cumsum(rng.geometric(0.2, 1101)), np.zeros(4102)]).astype("<i4")
    inputs = {
        "few": (few, (50,)),
        "odd": (rng.integers(0, 4, 397).astype("u1"), (130,)),
        "f8": (np.round(rng.normal(size=(40, 9)), 1), (16, 7)),
        "strings": (np.array([b"T cell", b"B cell", b"NK"])[rng.integers(0, 3, 90)].astype("S17"), (40,)),
        "noise": (rng.integers(0, 256, 300).astype("u1"), (300,)),
        "many": (many, (2601,)),
    }
    ways = {
        "zstd": hp.Zstd(), "zstd_19": hp.Zstd(19), "lz4": hp.LZ4(), "lz4_blocks": hp.LZ4(nbytes=1024),
        "bits": hp.Bitshuffle(cname="none"), "bits_blocks": hp.Bitshuffle(nelems=64, cname="none"),
        "bits_lz4": hp.Bitshuffle(cname="lz4"), "bits_lz4_blocks": hp.Bitshuffle(nelems=64, cname="lz4"),
        "bits_zstd": hp.Bitshuffle(cname="zstd"), "bits_zstd_blocks": hp.Bitshuffle(nelems=256, cname="zstd"),
    }
    for cname in ("blosclz", "lz4", "lz4hc", "zlib", "zstd"):
        for shuffle in (0, 1, 2):
            ways[f"blosc_{cname}_{shuffle}"] = hp.Blosc(cname, 5, shuffle)
    with fixture("plugins.h5", "v110") as f:
        for how, filters in ways.items():
            g = new_group(f, how)
            for name, (data, chunks) in inputs.items():
                g.create_dataset(name, data=data, chunks=chunks, **filters)
            low = dict(chunks=(50,), shuffle=True, fletcher32=True)
            g.create_dataset("shuffled", data=few, **low, **filters)
        refused = new_group(f, "refused")
        for name, filters in [("blosc2", hp.Blosc2()), ("bzip2", hp.BZip2()), ("zfp", hp.Zfp(reversible=True))]:
            refused.create_dataset(name, data=few.astype("f4"), chunks=(50,), **filters)
        refused.create_dataset("szip", data=few, chunks=(50,), compression="szip", compression_opts=("nn", 8))


def make_cache_image():
    """A file whose metadata was left in a cache image when it was closed."""
    with fixture("cache_image.h5", "latest", cache_image=True) as f:
        f["x"] = np.arange(10)


def pack():
    """Gzip what is large, which is padding for the most part."""
    for path in OUT.glob("*.h5*"):
        if path.suffix != ".gz" and path.stat().st_size > 20_000 and not path.name.startswith("tiny"):
            (OUT / (path.name + ".gz")).write_bytes(gzip.compress(path.read_bytes(), 9, mtime=0))
            path.unlink()


def make_anndata():
    import anndata as ad
    import pandas as pd
    import scipy.sparse as sp

    ad.settings.allow_write_nullable_strings = True
    rng = np.random.default_rng(3)
    n, m = 60, 40
    counts = sp.random(n, m, 0.2, "csr", np.float32, random_state=4)
    counts.data = np.ceil(counts.data * 9)
    obs = pd.DataFrame(
        {
            "cell_type": pd.Categorical(rng.choice(["B cell", "T cell", "naïve"], n), categories=["T cell", "B cell", "naïve", "never"]),
            "ordered": pd.Categorical(rng.choice(["lo", "hi"], n), categories=["lo", "hi"], ordered=True),
            "missing": pd.Categorical(rng.choice(["x", None], n)),
            "numbers": pd.Categorical(rng.choice([3, 1, 2], n)),
            "count": rng.integers(0, 99, n),
            "score": rng.random(n),
            "single": rng.random(n).astype("f4"),
            "flag": rng.random(n) > 0.5,
            "int_or_na": pd.array(rng.choice([1, 2, None], n), dtype="Int32"),
            "bool_or_na": pd.array(rng.choice([True, False, None], n), dtype="boolean"),
            "note": [f"note {i}" * (i % 3) for i in range(n)],
        },
        index=[f"cell_{i}-é" for i in range(n)],
    )
    obs["note_or_na"] = pd.array([None if i % 4 == 0 else f"n{i}" for i in range(n)], dtype="string")
    ad.settings.write_csr_csc_indices_with_min_possible_dtype = False
    var = pd.DataFrame({"mean": rng.random(m)}, index=[f"ENSG{i:05d}" for i in range(m)])
    for kind, make in [("csr", sp.csr_matrix), ("csc", sp.csc_matrix), ("dense", lambda x: x.toarray())]:
        a = ad.AnnData(make(counts), obs=obs.copy(), var=var.copy())
        a.obs_names.name, a.strings_to_categoricals = None, lambda *_: None
        a.layers["counts"] = make(counts).astype("i4")
        a.obsm["X_pca"] = rng.random((n, 5)).astype("f4")
        a.raw = ad.AnnData(make(counts), var=var.copy())
        a.uns["title"], a.uns["n"] = "a dictionary", 3
        for comp in [None, "gzip", "lzf"]:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                a.write_h5ad(OUT / f"anndata_{kind}_{comp or 'none'}.h5ad", compression=comp, convert_strings_to_categoricals=False)
    # What anndata does above some 5,000 columns: groups that track the order of creation.
    with fixture("wide_obs.h5ad") as f:
        g = new_group(f, "obs", order=True)
        names = [f"marker {i * 7 % 1300}" for i in range(1300)]
        col = g.create_dataset(names[0], data=np.arange(3, dtype="<f4"))
        col.attrs["encoding-type"] = "array"
        for x in names[1:]:
            g[x] = col
        g.attrs["encoding-type"], g.attrs["_index"] = "dataframe", names[0]
        g.attrs["column-order"] = np.array(names[:400], dtype=h5py.string_dtype())
    # anndata 0.7: codes point to their categories with a reference.
    with fixture("anndata_0_7.h5ad") as f:
        o = new_group(f, "obs")
        cats = new_group(o, "__categories")
        c = cats.create_dataset("cell_type", data=np.array(["B", "T"], object), dtype=h5py.string_dtype())
        c.attrs["ordered"] = False
        d = o.create_dataset("cell_type", data=np.array([0, 1, 1, -1], "i1"))
        d.attrs["categories"] = c.ref


def make_tiny():
    """One small h5ad whose every byte the tests flip."""
    import anndata as ad
    import pandas as pd
    import scipy.sparse as sp

    x = sp.csr_matrix(np.array([[0, 1, 0, 2], [3, 0, 0, 0], [0, 0, 4, 5]], "f4"))
    a = ad.AnnData(x, obs=pd.DataFrame({"ct": pd.Categorical(["a", "b", "a"])}, index=["c0", "c1", "c2"]))
    for name, comp in [("tiny_none", None), ("tiny_gzip", "gzip")]:
        a.write_h5ad(OUT / f"{name}.h5ad", compression=comp)
    for name, v in [("tiny_group_old", "earliest"), ("tiny_group_new", "latest")]:
        with fixture(f"{name}.h5", v) as f:
            g = new_group(f, "g")
            for i in range(20):
                g.id.links.create_hard(f"link {i * 7 % 20}".encode(), f.id, b"/g")
    with fixture("tiny_latest.h5", "latest") as f:
        f.create_dataset("a", data=np.arange(30, dtype="<i4"), chunks=(7,), fletcher32=True, maxshape=(None,))
        f.create_dataset("b", data=np.arange(30, dtype="<i2").reshape(5, 6), chunks=(2, 4), compression="gzip", fletcher32=True, maxshape=(None, None))
        f.create_dataset("c", data=np.arange(30, dtype="<i2"), chunks=(4,), compression="lzf")
        f["s"] = ["x", "yy", ""]
        for i in range(9):
            f["s"].attrs[f"k{i}"] = i


# ---------------------------------------------------------------- reading


def expected():
    out = {}
    for path in sorted(OUT.glob("*.h5*")):
        if path.name == "cache_image.h5":
            continue  # refused when it is opened
        source = path
        if path.suffix == ".gz":
            source = Path(tempfile.gettempdir()) / path.stem
            source.write_bytes(gzip.decompress(path.read_bytes()))
        with h5py.File(source) as f:
            out[path.name] = read_tree(f)
        if source != path:
            source.unlink()
    legacy = OUT.parent / "10x_pbmc68k_reduced.h5ad"
    with h5py.File(legacy) as f:
        out["../" + legacy.name] = read_tree(f)
    text = json.dumps(out, ensure_ascii=False, indent=None, separators=(",", ":"), sort_keys=True)
    (OUT / "expected.json.gz").write_bytes(gzip.compress((text + "\n").encode(), 9, mtime=0))


def main():
    OUT.mkdir(exist_ok=True)
    if sys.argv[1:] == ["plugins"]:
        make_plugins()
        pack()
        expected()
        return
    for old in [*OUT.glob("*.h5*"), *OUT.glob("*.gz")]:
        old.unlink(missing_ok=True)
    make_by_version()
    make_indexes()
    make_odd_files()
    make_anndata()
    make_tiny()
    make_plugins()
    make_cache_image()
    pack()
    expected()
    total = sum(p.stat().st_size for p in OUT.iterdir())
    print(f"{len(list(OUT.iterdir()))} files, {total:,} bytes", file=sys.stderr)


if __name__ == "__main__":
    main()
