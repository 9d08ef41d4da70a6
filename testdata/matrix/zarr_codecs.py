"""zarr: codecs, alone and in chains."""

import numcodecs as n2
import numpy as np
import zarr.codecs as zc
import zarr.codecs.numcodecs as zn
from form import adder
from zarr_writing import values

form = adder("zarr", ("v2", "v3"))
CODECS = "zarr: codecs"
INPUTS = {
    "floats": (values((30, 8), "f4"), (16, 8)),
    "doubles": (values((30, 9), "f8"), (7, 4)),
    "bytes": (values((301,), "u1"), (100,)),
    "runs": (np.repeat(np.arange(40, dtype="<i4"), 25), (333,)),
    "shorts": (values((50, 3), "i2"), (16, 2)),
}


def put(g, name, data, chunks, compressors=None, filters="auto", **kw):
    """An array with these values; what is given as none is none, and not zarr's own choice."""
    fill = kw.pop("fill_value", 0)
    if g.metadata.zarr_format == 3 and filters == "auto":
        filters = ()
    a = g.create_array(name, shape=data.shape, dtype=data.dtype, chunks=chunks or data.shape or (), fill_value=fill,
                       compressors=compressors, filters=filters, **kw)
    a[...] = data
    return a


def each(g, compressors=None, filters="auto", **kw):
    for name, (data, chunks) in INPUTS.items():
        put(g, name, data, chunks, compressors, filters, **kw)


# Name: what zarr 2 calls it and what zarr 3 does; None where it has none.
COMPRESSORS = {
    "bytes alone": ([None], [None]),
    "gzip": ([n2.GZip(1), n2.GZip(9)], [zc.GzipCodec(level=1), zc.GzipCodec(level=9), zn.GZip(level=5)]),
    "zlib": ([n2.Zlib(1), n2.Zlib(9)], [zn.Zlib(level=5)]),
    "zstd": ([n2.Zstd(-3), n2.Zstd(3), n2.Zstd(19)], [zc.ZstdCodec(level=0), zc.ZstdCodec(level=19), zn.Zstd(level=3)]),
    "zstd with its checksum": ([n2.Zstd(3, checksum=True)], [zc.ZstdCodec(level=3, checksum=True)]),
    "lz4": ([n2.LZ4(), n2.LZ4(9)], [zn.LZ4()]),
    "blosc, stored": ([n2.Blosc("lz4", 0)], [zc.BloscCodec(cname="lz4", clevel=0)]),
    "blosc, blocks of 256 bytes": ([n2.Blosc("zstd", 5, 1, blocksize=256)], [zc.BloscCodec(cname="zstd", shuffle="shuffle", blocksize=256)]),
    "crc32c": ([], [zc.Crc32cCodec(), zn.CRC32C()]),
    "zstd, crc32c": ([], [[zc.ZstdCodec(), zc.Crc32cCodec()]]),
    "crc32c, gzip": ([], [[zc.Crc32cCodec(), zc.GzipCodec()]]),
    "gzip, zstd": ([], [[zc.GzipCodec(), zc.ZstdCodec()]]),
    "blosc, crc32c": ([], [[zc.BloscCodec(), zc.Crc32cCodec()]]),
}
for _c in ("blosclz", "lz4", "lz4hc", "zlib", "zstd"):
    for _s, _word in enumerate(("noshuffle", "shuffle", "bitshuffle")):
        COMPRESSORS[f"blosc: {_c}, {_word}"] = (
            [n2.Blosc(_c, level, _s) for level in (1, 5, 9)], [zc.BloscCodec(cname=_c, clevel=level, shuffle=_word) for level in (1, 5, 9)])

for _name, (_two, _three) in COMPRESSORS.items():

    @form(CODECS, _name, [v for v, codecs in (("v2", _two), ("v3", _three)) if codecs])
    def _(g, version, codecs=(_two, _three)):
        for i, codec in enumerate(codecs[version == "v3"]):
            each(g.create_group(f"setting {i}"), codec)


for _name, _two, _three in [
    ("shuffle", [n2.Shuffle(4)], [zn.Shuffle(elementsize=4), zn.Zlib()]),
    ("crc32", [n2.CRC32()], zn.CRC32()),
    ("adler32", [n2.Adler32()], zn.Adler32()),
    ("fletcher32", [n2.Fletcher32()], zn.Fletcher32()),
    ("shuffle, crc32", [n2.Shuffle(4), n2.CRC32()], [zn.Shuffle(elementsize=4), zn.CRC32()]),
]:

    @form(CODECS, f"filter {_name}")
    def _(g, version, two=_two, three=_three):
        x, chunks = INPUTS["floats"]
        if version == "v2":
            put(g, "alone", x, chunks, None, two)
            put(g, "zstd", x, chunks, n2.Zstd(1), two)
            put(g, "blosc", x, chunks, n2.Blosc(), two)
        else:
            put(g, "alone", x, chunks, three)


@form(CODECS, "transpose (zarr 2: order F)")
def _(g, version):
    if version == "v2":
        for kind in ("u1", "i2", "i4", "f8", "c16"):
            put(g, kind, values((5, 4, 3), kind), (2, 3, 2), n2.Zstd(1), order="F")
        put(g, "matrix", values((9, 7), "f4"), (4, 3), None, order="F")
        put(g, "vector", values((9,), "f4"), (4,), None, order="F")
        return
    for name, order in {"reverse": (2, 1, 0), "turn": (1, 2, 0), "same": (0, 1, 2)}.items():
        for kind in ("u1", "i2", "i4", "f8"):
            put(g, f"{name} {kind}", values((5, 4, 3), kind), (2, 3, 2), zc.ZstdCodec(), zc.TransposeCodec(order=order))
    put(g, "twice", values((5, 4, 3), "i4"), (2, 3, 2), None, [zc.TransposeCodec(order=(1, 2, 0)), zc.TransposeCodec(order=(0, 2, 1))])


REFUSED = {
    "bz2": (n2.BZ2(), zn.BZ2(), "compressor"), "lzma": (n2.LZMA(), zn.LZMA(), "compressor"),
    "delta": (n2.Delta("f4"), zn.Delta(dtype="<f4"), "filter"), "quantize": (n2.Quantize(3, "f4"), zn.Quantize(digits=3, dtype="<f4"), "filter"),
    "fixedscaleoffset": (n2.FixedScaleOffset(0, 10, "f4", "i4"), zn.FixedScaleOffset(offset=0, scale=10, dtype="<f4", astype="<i4"), "filter"),
    "bitround": (n2.BitRound(5), zn.BitRound(keepbits=5), "filter"), "astype": (n2.AsType("f8", "f4"), zn.AsType(encode_dtype="<f8", decode_dtype="<f4"), "filter"),
}
for _name, (_two, _three, _what) in REFUSED.items():

    @form(CODECS, _name, refused="/x")
    def _(g, version, two=_two, three=_three, what=_what):
        x, chunks = INPUTS["floats"]
        g.create_array("plain", data=x)
        codec = two if version == "v2" else three
        if what == "compressor":
            put(g, "x", x, chunks, codec)
        else:
            put(g, "x", x, chunks, None, [codec])


@form(CODECS, "packbits", refused="/x")
def _(g, version):
    g.create_array("plain", data=np.arange(3))
    put(g, "x", values((50,), "bool"), (16,), None, [n2.PackBits() if version == "v2" else zn.PackBits()], fill_value=False)
