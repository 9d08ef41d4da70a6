"""HDF5: filters, alone, one upon the other, and skipped by single chunks."""

import zlib

import hdf5plugin as hp
import numpy as np
from form import adder
from h5_writing import HID, LIBVERS, c_call, low_level
from h5py import h5t, h5z

form = adder("h5", LIBVERS)
FILTERS, REFUSED = "HDF5: filters", "HDF5: filters"
FEW = ["earliest", "v110", "latest"]

rng = np.random.default_rng(1)
RUNS = np.repeat(rng.integers(0, 50, 150).astype("<i4"), rng.integers(1, 6, 150))[:400]
INPUTS = {
    "runs": (RUNS, (130,)),
    "noise": (rng.random(400).astype("<f8"), (133,)),
    "odd": (rng.integers(0, 9, 397).astype("u1"), (130,)),
    "matrix": (np.round(rng.normal(size=(40, 9)), 1).astype(">f4"), (16, 7)),
    "text": (np.array([b"T cell", b"B cell", b"NK"])[rng.integers(0, 3, 90)].astype("S17"), (40,)),
}


def each(f, **kw):
    for name, (data, chunks) in INPUTS.items():
        f.create_dataset(name, data=data, chunks=chunks, **kw)
        if data.ndim == 1:
            f.create_dataset(f"{name} growing", data=data, chunks=chunks, maxshape=(None,), **kw)


for _name, _kw in {
    "deflate": {"compression": "gzip"},
    "deflate, levels 0, 1 and 9": {"levels": (0, 1, 9)},
    "shuffle": {"shuffle": True},
    "fletcher32": {"fletcher32": True},
    "lzf": {"compression": "lzf"},
    "shuffle, deflate": {"shuffle": True, "compression": "gzip"},
    "shuffle, lzf": {"shuffle": True, "compression": "lzf"},
    "shuffle, fletcher32": {"shuffle": True, "fletcher32": True},
    "deflate, fletcher32": {"compression": "gzip", "fletcher32": True},
    "lzf, fletcher32": {"compression": "lzf", "fletcher32": True},
    "shuffle, deflate, fletcher32": {"shuffle": True, "compression": "gzip", "fletcher32": True},
}.items():

    @form(FILTERS, _name)
    def _(f, kw=_kw):
        for level in kw.get("levels", ()):
            each(f.create_group(f"level {level}"), compression="gzip", compression_opts=level)
        if "levels" not in kw:
            each(f, **kw)


@form(FILTERS, "fletcher32, shuffle, deflate")
def _(f):
    low_level(f, "x", RUNS, chunk=(130,), prepare=lambda p: (p.set_fletcher32(), p.set_shuffle(), p.set_deflate(3)))


@form(FILTERS, "fletcher32 of an odd number of bytes")
def _(f):
    for n in (1, 2, 3, 5, 399):
        f.create_dataset(f"{n}", data=INPUTS["odd"][0][:n], chunks=(min(n, 133),), fletcher32=True)


@form(FILTERS, "skipped by some chunks (filter masks)")
def _(f):
    for name, maxshape in {"fixed": None, "extensible": (None,)}.items():
        d = f.create_dataset(name, (400,), "<i4", chunks=(100,), maxshape=maxshape, shuffle=True, compression="gzip", fletcher32=True)
        d[:100] = RUNS[:100]
        shuffled = RUNS[100:200].view("u1").reshape(100, 4).T.tobytes()
        d.id.write_direct_chunk((100,), shuffled, filter_mask=0b110)
        d.id.write_direct_chunk((200,), RUNS[200:300].tobytes(), filter_mask=0b111)
        d.id.write_direct_chunk((300,), zlib.compress(RUNS[300:400].tobytes()), filter_mask=0b101)
    optional = f.create_dataset("incompressible", data=np.random.default_rng(5).integers(0, 256, 300).astype("u1"), chunks=(100,), compression="lzf")
    assert optional.id.get_chunk_info(0).filter_mask == 1


# ---------------------------------------------------------------- filters of the registry

WAYS = {
    "zstd": {"": hp.Zstd(), "level 19": hp.Zstd(19), "level -5": hp.Zstd(-5)},
    "lz4": {"": hp.LZ4(), "blocks of 1 KiB": hp.LZ4(nbytes=1024)},
    "bitshuffle": {"": hp.Bitshuffle(cname="none"), "blocks of 64": hp.Bitshuffle(nelems=64, cname="none")},
    "bitshuffle with lz4": {"": hp.Bitshuffle(cname="lz4"), "blocks of 64": hp.Bitshuffle(nelems=64, cname="lz4")},
    "bitshuffle with zstd": {"": hp.Bitshuffle(cname="zstd"), "blocks of 256": hp.Bitshuffle(nelems=256, cname="zstd")},
}
for _c in ("blosclz", "lz4", "lz4hc", "zlib", "zstd"):
    for _s, _words in enumerate(("", ", shuffle", ", bitshuffle")):
        WAYS[f"blosc: {_c}{_words}"] = {f"level {level}": hp.Blosc(_c, level, _s) for level in (1, 5, 9)}
WAYS["blosc: stored"] = {"": hp.Blosc("lz4", 0)}

for _name, _ways in WAYS.items():

    @form(FILTERS, _name, FEW)
    def _(f, ways=_ways):
        for name, kw in ways.items():
            each(f.create_group(name) if name else f, **kw)

    @form(FILTERS, f"shuffle, {_name}, fletcher32" if ":" not in _name else f"shuffle, fletcher32 and {_name}", FEW)
    def _(f, ways=_ways):
        for name, kw in ways.items():
            each(f.create_group(name) if name else f, shuffle=True, fletcher32=True, **kw)


for _name, _kw in {
    "szip": {"compression": "szip", "compression_opts": ("nn", 8)}, "blosc2": hp.Blosc2(), "bzip2": hp.BZip2(), "zfp": hp.Zfp(reversible=True),
    "two compressors, lzf upon zstd": None,
}.items():

    @form(REFUSED, _name, FEW, refused="/x")
    def _(f, kw=_kw):
        f["plain"] = RUNS
        if kw is not None:
            f.create_dataset("x", data=RUNS.astype("f4"), chunks=(50,), **kw)
            return
        low_level(f, "x", RUNS, chunk=(50,), prepare=lambda p: (p.set_filter(32015, h5z.FLAG_OPTIONAL, (3,)), p.set_filter(32000, h5z.FLAG_OPTIONAL)))


@form(REFUSED, "scale-offset", FEW, refused=("/integers", "/floats"))
def _(f):
    f["plain"] = RUNS
    low_level(f, "integers", np.arange(100), chunk=(30,), prepare=lambda p: p.set_scaleoffset(h5z.SO_INT, 0))
    low_level(f, "floats", np.arange(100.0), chunk=(30,), prepare=lambda p: p.set_scaleoffset(h5z.SO_FLOAT_DSCALE, 3))


@form(REFUSED, "nbit", FEW, refused=("/whole", "/part"))
def _(f):
    f["plain"] = RUNS
    part = h5t.STD_I32LE.copy()
    part.set_precision(20)
    for name, tid in {"part": part, "whole": h5t.STD_I32LE}.items():
        low_level(f, name, np.arange(100, dtype="<i4"), tid=tid, chunk=(30,), prepare=lambda p: c_call("H5Pset_nbit", HID(p.id)))
