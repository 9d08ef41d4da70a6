"""Makes testdata/zarr: zarr stores of every form that mapped/zarr reads, and what zarr-python reads from them.

    pip install anndata zarr
    python testdata/make_zarr_fixtures.py

Each store is one zip archive, which is itself a store; the Go tests read it as it is, unpacked into a folder, and packed
again without compression. ``expected.json.gz`` holds, for each store, every node with its attributes, and of arrays type,
shape, chunks, shards and values (text as it is, numbers as the SHA-256 of native little-endian bytes in C
order). The Go tests compare all of it, exactly.

Everything is the same each time. Made with zarr 3.1.6, numcodecs 0.16.6, anndata 0.12.19, numpy 2.4.
"""

import gzip
import json
import shutil
import tempfile
import time
import warnings
import zipfile
from pathlib import Path

import anndata
import numcodecs
import numpy as np
import zarr
import zarr.codecs as zc
import zarr.codecs.numcodecs as zn
from zarr_reading import describe
from zarr_writing import NUMBERS, TEXT, edit, values

warnings.simplefilter("ignore")
time.time = lambda: 0.0  # gzip stamps it on what it writes
OUT = Path(__file__).parent / "zarr"
MAPPED = Path(__file__).parent / "mapped"


# ---------------------------------------------------------------- arrays of every form


def forms2(g):
    """Arrays that zarr 2 has."""

    def put(name, data, chunks=None, compressor=None, **kw):
        fill = kw.pop("fill_value", 0)
        a = g.create_array(name, shape=data.shape, dtype=data.dtype, chunks=chunks or data.shape or (), fill_value=fill,
                           compressors=compressor, filters=kw.pop("filters", "auto"), **kw)
        a[...] = data
        return a

    for kind in NUMBERS:
        for order in "<>" if np.dtype(kind).itemsize > 1 else "|":
            put(f"dtype/{order.replace('<', 'little').replace('>', 'big').replace('|', 'none')}_{kind}",
                values((7, 5), np.dtype(kind).newbyteorder(order)), (3, 2))
    x = values((30, 8), "f4")
    b = numcodecs.Blosc
    for name, codec in {
        "none": None,
        "zlib": numcodecs.Zlib(5), "gzip": numcodecs.GZip(5), "zstd": numcodecs.Zstd(3), "zstd_check": numcodecs.Zstd(3, checksum=True),
        "lz4": numcodecs.LZ4(),
        **{f"blosc_{c}_{s}": b(c, 5, s) for c in ("blosclz", "lz4", "lz4hc", "zlib", "zstd") for s in (0, 1, 2)},
        "blosc_stored": b("lz4", 0), "blosc_blocks": b("zstd", 5, 1, blocksize=256),
    }.items():
        put(f"codec/{name}", x, (16, 8), codec)
    put("codec/blosc_u1", values((30, 8), "u1"), (16, 8), b("lz4", 9, 2))
    put("codec/blosc_f8", values((30, 8), "f8"), (16, 8), b("lz4", 9, 2))
    for name, filters in {
        "shuffle": [numcodecs.Shuffle(4)], "crc32": [numcodecs.CRC32()], "adler32": [numcodecs.Adler32()],
        "fletcher32": [numcodecs.Fletcher32()], "shuffle_crc32": [numcodecs.Shuffle(4), numcodecs.CRC32()],
        "gzip": [numcodecs.GZip(1)],
    }.items():
        put(f"filter/{name}", x, (16, 8), numcodecs.Zstd(1), filters=filters)
        put(f"filter/{name}_alone", x, (16, 8), None, filters=filters)
    shapes(lambda name, data, chunks, **kw: put(name, data, chunks, numcodecs.Zstd(1), **kw), lambda s: {
        "chunk_key_encoding": {"name": "v2", "separator": s}}, {"order": "F"})
    fills(g, lambda name, dtype, fill: g.create_array(name, shape=(5, 4), chunks=(2, 3), dtype=dtype, fill_value=fill, compressors=None))
    null = g.create_array("fill/null", shape=(5,), chunks=(2,), dtype="f4", fill_value=1.0, compressors=None)
    edit(null, lambda m: m.update(fill_value=None))
    # text
    words = TEXT
    put("text/vlen", words.astype("T") if hasattr(np.dtypes, "StringDType") else words, (4,), numcodecs.Zstd(1), fill_value="")
    grid = np.resize(words, (5, 6)).astype("T")
    put("text/vlen_2d", grid, (2, 4), None, fill_value="")
    put("text/vlen_2d_f", grid, (2, 4), b(), fill_value="", order="F")
    g.create_array("text/vlen_fill", shape=(5,), chunks=(2,), dtype="T", fill_value="none", compressors=None)[2:3] = "here"
    zero = g.create_array("text/vlen_zero", shape=(5,), chunks=(2,), dtype="T", fill_value="", compressors=None)
    zero[2:3] = "here"
    edit(zero, lambda m: m.update(fill_value=0))
    put("text/bytes", np.array([w.encode()[:9] for w in words], "S9"), (4,), numcodecs.Zlib(1), fill_value=b"")
    for order in "<>":
        put(f"text/points_{'little' if order == '<' else 'big'}", words.astype(order + "U12"), (4,), b(), fill_value="")
    g.create_array("text/bytes_fill", shape=(5,), chunks=(2,), dtype="S4", fill_value=b"ab", compressors=None)[:1] = b"x"
    g.create_array("text/points_fill", shape=(5,), chunks=(2,), dtype=">U4", fill_value="µb", compressors=None)[:1] = "x"
    # records
    record = np.dtype([("i", "<i4"), ("f", ">f8"), ("s", "S5"), ("b", "?"), ("u", "<U3")])
    rows = np.zeros(9, record)
    rows["i"], rows["f"], rows["b"] = values(9, "i4"), values(9, "f8"), values(9, "bool")
    rows["s"], rows["u"] = [b"a", b"bc"] * 4 + [b""], ["µ", "xyz", ""] * 3
    put("record/rows", rows, (4,), b(), fill_value=np.zeros((), record)[()])
    # what is not read
    put("odd/bz2", x, (16, 8), numcodecs.BZ2())
    put("odd/lzma", x, (16, 8), numcodecs.LZMA())
    put("odd/delta", values((50,), "i4"), (16,), None, filters=[numcodecs.Delta("i4")])
    put("odd/packbits", values((50,), "bool"), (16,), None, filters=[numcodecs.PackBits()])
    put("time/ns", np.arange(5).astype("M8[ns]"), (2,), None)


def shapes(put, keys, forder):
    """Ranks, chunks, separators and orders."""
    put("shape/scalar", np.array(41.5, "f8"), ())
    put("shape/one", values((1,), "i2"), (1,))
    put("shape/empty", np.zeros((0,), "f4"), (3,))
    put("shape/empty_2d", np.zeros((4, 0), "i8"), (3, 2))
    put("shape/exact", values((12,), "i4"), (4,))
    put("shape/edge", values((13,), "i4"), (4,))
    put("shape/larger_chunk", values((5, 3), "i4"), (8, 8))
    put("shape/three", values((5, 4, 3), "i4"), (2, 3, 2))
    put("shape/five", values((3, 2, 4, 2, 3), "i2"), (2, 1, 3, 2, 2))
    for name, s in {"dot": ".", "slash": "/"}.items():
        put(f"keys/{name}", values((5, 4), "i4"), (2, 3), **keys(s))
        put(f"keys/{name}_1d", values((5,), "i4"), (2,), **keys(s))
        put(f"keys/{name}_0d", np.array(7, "i4"), (), **keys(s))
    if forder:
        for kind in ("u1", "i2", "i4", "f8", "c16"):
            put(f"order/f_{kind}", values((5, 4, 3), kind), (2, 3, 2), **forder)
        put("order/f_2d", values((9, 7), "f4"), (4, 3), **forder)
        put("order/f_1d", values((9,), "f4"), (4,), **forder)


def fills(g, make):
    """Chunks that were never written."""
    for name, dtype, fill in [
        ("zero", "f4", 0), ("number", "f4", 1.5), ("nan", "f4", np.nan), ("inf", "f8", np.inf), ("minus_inf", "f2", -np.inf),
        ("half", "f2", 0.1), ("big_endian", ">f4", 2.5), ("true", "bool", True), ("minus", "i2", -300), ("large", "u8", 2**64 - 1),
        ("small", "i8", -(2**63)), ("byte", "u1", 200), ("complex", "c8", 1.5 - 2j),
    ]:
        make(f"fill/{name}", dtype, fill)
        make(f"fill/{name}_partly", dtype, fill)[2:4, :3] = values((2, 3), np.dtype(dtype).newbyteorder("="), 3)


def forms3(g):
    """Arrays that zarr 3 has."""

    def put(name, data, chunks=None, compressors=None, **kw):
        fill = kw.pop("fill_value", 0)
        a = g.create_array(name, shape=data.shape, dtype=data.dtype, chunks=chunks or data.shape or (), fill_value=fill,
                           compressors=compressors, **kw)
        a[...] = data
        return a

    for kind in NUMBERS:
        for endian in ("little", "big"):
            put(f"dtype/{endian}_{kind}", values((7, 5), kind), (3, 2), serializer=zc.BytesCodec(endian=endian))
    x = values((30, 8), "f4")
    for name, codecs in {
        "none": None, "gzip": zc.GzipCodec(level=5), "zstd": zc.ZstdCodec(level=0), "zstd_check": zc.ZstdCodec(level=3, checksum=True),
        "crc32c": zc.Crc32cCodec(), "zstd_crc32c": [zc.ZstdCodec(), zc.Crc32cCodec()], "crc32c_gzip": [zc.Crc32cCodec(), zc.GzipCodec()],
        "gzip_zstd": [zc.GzipCodec(), zc.ZstdCodec()],
        **{f"blosc_{c}_{s}": zc.BloscCodec(cname=c, shuffle=s) for c in ("blosclz", "lz4", "lz4hc", "zlib", "zstd")
           for s in ("noshuffle", "shuffle", "bitshuffle")},
        "numcodecs_zlib": zn.Zlib(level=5), "numcodecs_gzip": zn.GZip(level=5), "numcodecs_zstd": zn.Zstd(level=3), "numcodecs_lz4": zn.LZ4(),
        "numcodecs_blosc": zn.Blosc(cname="lz4", shuffle=1), "numcodecs_shuffle": [zn.Shuffle(elementsize=4), zn.Zlib()],
        "numcodecs_crc32": zn.CRC32(), "numcodecs_crc32c": zn.CRC32C(), "numcodecs_adler32": zn.Adler32(), "numcodecs_fletcher32": zn.Fletcher32(),
    }.items():
        put(f"codec/{name}", x, (16, 8), codecs)
    shapes(lambda name, data, chunks, **kw: put(name, data, chunks, zc.ZstdCodec(), **kw),
           lambda s: {"chunk_key_encoding": {"name": "default", "separator": s}}, None)
    for name, s in {"dot": ".", "slash": "/"}.items():
        put(f"keys/v2_{name}", values((5, 4), "i4"), (2, 3), chunk_key_encoding={"name": "v2", "separator": s})
        put(f"keys/v2_{name}_0d", np.array(7, "i4"), (), chunk_key_encoding={"name": "v2", "separator": s})
    for name, order in {"reverse": (2, 1, 0), "turn": (1, 2, 0), "same": (0, 1, 2)}.items():
        put(f"order/{name}", values((5, 4, 3), "i4"), (2, 3, 2), filters=zc.TransposeCodec(order=order))
    put("order/twice", values((5, 4, 3), "i4"), (2, 3, 2), filters=[zc.TransposeCodec(order=(1, 2, 0)), zc.TransposeCodec(order=(0, 2, 1))])
    fills(g, lambda name, dtype, fill: g.create_array(
        name, shape=(5, 4), chunks=(2, 3), dtype=np.dtype(dtype).newbyteorder("="), fill_value=fill, compressors=None,
        serializer=zc.BytesCodec(endian="big" if ">" in dtype else "little")))
    shards(g, put)
    # text
    words = TEXT.astype("T")
    put("text/vlen", words, (4,), zc.ZstdCodec(), fill_value="")
    put("text/vlen_2d", np.resize(TEXT, (5, 6)).astype("T"), (2, 4), None, fill_value="")
    put("text/vlen_transposed", np.resize(TEXT, (5, 6)).astype("T"), (2, 4), None, fill_value="", filters=zc.TransposeCodec(order=(1, 0)))
    put("text/vlen_sharded", words, (3,), zc.ZstdCodec(), shards=(6,), fill_value="")
    put("text/vlen_crc", words, (3,), zc.Crc32cCodec(), fill_value="")
    g.create_array("text/vlen_fill", shape=(5,), chunks=(2,), dtype="T", fill_value="none", compressors=None)[2:3] = "here"
    put("text/bytes", np.array([w.encode()[:9] for w in TEXT], "S9"), (4,), None, fill_value=b"")
    for endian in ("little", "big"):
        put(f"text/points_{endian}", TEXT.astype("U12"), (4,), None, fill_value="", serializer=zc.BytesCodec(endian=endian))
    record = np.dtype([("i", "<i4"), ("f", "<f8"), ("b", "?")])
    rows = np.zeros(9, record)
    rows["i"], rows["f"], rows["b"] = values(9, "i4"), values(9, "f8"), values(9, "bool")
    put("record/rows", rows, (4,), None, fill_value=np.zeros((), record)[()])
    # what is not read
    put("odd/bz2", x, (16, 8), zn.BZ2())
    put("odd/delta", values((50,), "i4"), (16,), None, filters=zn.Delta(dtype="<i4"))
    put("time/ns", np.arange(5).astype("M8[ns]"), (2,), None)
    names = g.create_array("shape/named", shape=(2, 2), chunks=(1, 2), dtype="i4", dimension_names=["cell", "gene"], fill_value=0)
    names[...] = values((2, 2), "i4")
    extra = g.create_array("shape/extra", shape=(2,), chunks=(2,), dtype="i4", fill_value=3)
    edit(extra, lambda m: m.update(note={"must_understand": False, "x": 1}))


def shards(g, put):
    """Chunks in shards."""
    x, y = values((50, 9), "f4"), values((200,), "i4")
    inner = {"none": None, "zstd": zc.ZstdCodec(), "crc32c": zc.Crc32cCodec(), "blosc": zc.BloscCodec()}
    for name, codecs in inner.items():
        put(f"shard/{name}", y, (16,), codecs, shards=(64,))
        put(f"shard/{name}_2d", x, (4, 3), codecs, shards=(16, 6))
    for name, kw in {
        "start": {"index_location": "start"}, "plain_index": {"index_codecs": [zc.BytesCodec()]},
        "big_index": {"index_codecs": [zc.BytesCodec(endian="big"), zc.Crc32cCodec()]},
        "big": {"codecs": [zc.BytesCodec(endian="big"), zc.GzipCodec()]}, "transposed_inside": {
            "codecs": [zc.TransposeCodec(order=(1, 0)), zc.BytesCodec(), zc.ZstdCodec()]},
        "nested": {"codecs": [zc.ShardingCodec(chunk_shape=(2, 3), codecs=[zc.BytesCodec(), zc.ZstdCodec()])]},
    }.items():
        put(f"shard/{name}", x, (16, 6), None, serializer=zc.ShardingCodec(chunk_shape=(4, 3), **kw))
    put("shard/transposed", x, (16, 6), None, serializer=zc.ShardingCodec(chunk_shape=(2, 2)), filters=zc.TransposeCodec(order=(1, 0)))
    put("shard/wrapped", x, (16, 6), zc.GzipCodec(), serializer=zc.ShardingCodec(chunk_shape=(4, 3)))
    put("shard/wrapped_transposed", x, (16, 6), zc.Crc32cCodec(), serializer=zc.ShardingCodec(chunk_shape=(2, 2)),
        filters=zc.TransposeCodec(order=(1, 0)))
    part = g.create_array("shard/partly", shape=(200,), chunks=(8,), shards=(64,), dtype="f4", fill_value=np.nan, compressors=zc.ZstdCodec())
    part[70:80] = values((10,), "f4")
    part = g.create_array("shard/partly_plain", shape=(200,), chunks=(8,), shards=(64,), dtype="i4", fill_value=7, compressors=None)
    part[70:80] = values((10,), "i4")


# ---------------------------------------------------------------- stores


def pack(folder, name):
    """A zip archive with members in order and no times."""
    (OUT / name).unlink(missing_ok=True)
    with zipfile.ZipFile(OUT / name, "w") as z:
        for file in sorted(p for p in folder.rglob("*") if p.is_file()):
            info = zipfile.ZipInfo(file.relative_to(folder).as_posix(), (1980, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            z.writestr(info, file.read_bytes(), compresslevel=9)


def build(name, version, make, consolidated):
    with tempfile.TemporaryDirectory() as tmp:
        g = zarr.create_group(tmp, zarr_format=version, attributes={
            "text": "µ", "list": [1, 2], "nested": {"a": [None, True]}, "not_a_number": float("nan")})
        make(g)
        if consolidated:
            zarr.consolidate_metadata(tmp, zarr_format=version)
        pack(Path(tmp), name)
        return describe(zarr.open_group(tmp, mode="r", use_consolidated=consolidated), lambda path: path.startswith("/odd/"))


def small(g):
    """Little of everything, for damage."""
    sub = g.create_group("group", attributes={"encoding-type": "dict", "shape": [3, 4]})
    sub.create_array("text", data=TEXT[:5].astype("T"), chunks=(3,), fill_value="")
    sub.create_array("numbers", data=values((9,), "i4"), chunks=(4,), fill_value=0)


def small2(g):
    small(g)
    g["group"].create_array("blosc", data=values((40,), "f4"), chunks=(16,), compressors=numcodecs.Blosc("lz4", 5, 1), fill_value=0)


def small3(g):
    small(g)
    sub = g["group"]
    sub.create_array("shards", data=values((40,), "f4"), chunks=(4,), shards=(16,), compressors=[zc.ZstdCodec(), zc.Crc32cCodec()], fill_value=0)


def apart3(g):
    """What consolidated metadata do not keep: NaNs of other bits."""
    small3(g)
    for dtype, bits in {"f4": "0x7fc00001", "f8": "0x7ff8000000000002"}.items():
        a = g.create_array(f"fill/bits_{dtype}", shape=(3,), chunks=(2,), dtype=dtype, fill_value=0, compressors=None)
        edit(a, lambda m, bits=bits: m.update(fill_value=bits))


def write_anndata(name, source, version, shard=False):
    """What anndata writes, of a file of testdata/mapped."""
    with tempfile.TemporaryDirectory() as tmp, anndata.settings.override(
        zarr_write_format=version, auto_shard_zarr_v3=shard, allow_write_nullable_strings=True
    ):
        at = Path(tmp) / "x.zarr"
        anndata.read_h5ad(MAPPED / source).write_zarr(at)
        pack(at, name)
        return describe(zarr.open_group(at, mode="r"))


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir()
    expected = {}
    for name, version, make, consolidated in [
        ("forms_v2.zarr.zip", 2, forms2, True), ("forms_v2_apart.zarr.zip", 2, small2, False), ("forms_v3.zarr.zip", 3, forms3, True),
        ("forms_v3_apart.zarr.zip", 3, apart3, False), ("small_v2.zarr.zip", 2, small2, True), ("small_v3.zarr.zip", 3, small3, True),
    ]:
        expected[name] = build(name, version, make, consolidated)
    for source in ("a", "b"):
        expected[f"{source}_v2.zarr.zip"] = write_anndata(f"{source}_v2.zarr.zip", f"{source}.h5ad", 2)
        expected[f"{source}_v3.zarr.zip"] = write_anndata(f"{source}_v3.zarr.zip", f"{source}.h5ad", 3)
    expected["b_sharded.zarr.zip"] = write_anndata("b_sharded.zarr.zip", "b.h5ad", 3, shard=True)
    text = json.dumps(expected, ensure_ascii=False, sort_keys=True, default=lambda o: o.item())
    (OUT / "expected.json.gz").write_bytes(gzip.compress(text.encode(), 9, mtime=0))


if __name__ == "__main__":
    main()
