"""Writes testdata/codec/vectors.json.gz: what numcodecs (and h5py, of LZF) makes of small inputs, for
the tests of mapped/codec.

Run with numcodecs, h5py and numpy from PyPI; the versions are written into the file. The same versions give the same bytes.
"""

import base64
import gzip
import json
import sys
import zlib
from pathlib import Path

import h5py
import numcodecs
import numpy as np

OUT = Path(__file__).parent / "codec" / "vectors.json.gz"
RNG = np.random.default_rng(4)


def inputs():
    far = RNG.integers(0, 256, 8500, dtype="u1")
    counts = RNG.geometric(0.5, 1301).astype("f4")
    return {
        "empty": np.zeros(0, "u1"),
        "a byte": np.array([200], "u1"),
        "less than an element": np.arange(3, dtype="u1"),
        "15 of two bytes": np.arange(15, dtype="i2"),
        "counts": counts,
        "indices": np.cumsum(RNG.geometric(0.05, 1100)).astype("i4"),
        "pointers": np.cumsum(RNG.integers(500, 900, 517)).astype("i8"),
        "codes": RNG.integers(0, 5, 2003, dtype="u1"),
        "halves": np.round(RNG.normal(size=1032), 1).astype("f2"),
        "complex": (counts[:320] * (1 + 2j)).astype("c16"),
        "compounds of 12": RNG.integers(0, 3, 12 * 400, dtype="u1").view("V12"),
        "compounds of 24": RNG.integers(0, 3, 24 * 90, dtype="u1").view("V24"),
        "noise": RNG.integers(0, 256, 300, dtype="u1"),
        "zeros": np.zeros(70_000, "u1"),
        "repeats from afar": np.concatenate([far, far[:200], far[100:400], far[7:900]]),
        "text": np.frombuffer("T lymphocyte, αβ; B lymphocyte; ".encode() * 90, "u1"),
    }


def blosc(name, data):
    """Every compressor and shuffle at least once for each input; block sizes that split, leave a rest, or do neither."""
    few = data.nbytes < 100 or name in ("noise", "zeros", "text", "repeats from afar")
    for cname in ("blosclz", "lz4", "lz4hc", "zlib", "zstd"):
        for shuffle in (0, 1, 2):
            if name == "repeats from afar" and (cname != "blosclz" or shuffle):
                continue
            if few and shuffle == 1 and data.itemsize == 1:
                continue
            for blocksize in (0,) if few else (0, 2048, 5000):
                if blocksize == 5000 and (cname in ("lz4hc", "zlib") or shuffle == 0):
                    continue
                yield (
                    f"{cname} shuffle {shuffle} block {blocksize}",
                    numcodecs.Blosc(cname, clevel=7, shuffle=shuffle, blocksize=blocksize).encode(data),
                )
    yield "stored", numcodecs.Blosc("lz4", clevel=0).encode(data)


def lzf(b):
    """What h5py stores, unless it found that compressing did not pay."""
    with h5py.File("x", "w", driver="core", backing_store=False) as f:
        d = f.create_dataset("x", data=np.frombuffer(b, "u1"), chunks=(len(b),), compression="lzf")
        mask, stored = d.id.read_direct_chunk((0,))
    if not mask:
        yield "lzf", "", stored


def others(name, data):
    b = data.tobytes()
    if name == "repeats from afar":
        return
    raw = zlib.compressobj(6, zlib.DEFLATED, -15)
    yield "zlib", "level 1", numcodecs.Zlib(1).encode(b)
    yield "zlib", "level 9", numcodecs.Zlib(9).encode(b)
    yield "zlib", "stored", zlib.compress(b, 0)
    yield "gzip", "level 5", numcodecs.GZip(5).encode(b)
    yield "gzip", "two members", gzip.compress(b[:100], 5, mtime=0) + gzip.compress(b[100:], 5, mtime=0)
    yield "deflate", "level 6", raw.compress(b) + raw.flush()
    yield "zstd", "level 1", numcodecs.Zstd(1).encode(b)
    yield "zstd", "level 15, checksum", numcodecs.Zstd(15, checksum=True).encode(b)
    if b:
        yield "zstd", "two frames", numcodecs.Zstd(3).encode(b[:77]) + numcodecs.Zstd(3, checksum=True).encode(b[77:])
        sized = numcodecs.LZ4().encode(b)
        yield "lz4 sized", "", sized
        yield "lz4", "", sized[4:]
        yield from lzf(b)
    yield "fletcher32", "", numcodecs.Fletcher32().encode(np.frombuffer(b, "u1")) if b else b"\0\0\0\0"
    yield "crc32c", "", numcodecs.CRC32C().encode(np.frombuffer(b, "u1")) if b else b"\0\0\0\0"
    if data.itemsize > 1:
        yield f"shuffle {data.itemsize}", "", numcodecs.Shuffle(data.itemsize).encode(np.frombuffer(b, "u1"))


def text(b):
    return base64.b64encode(bytes(b)).decode()


def main():
    sets = []
    for name, data in inputs().items():
        cases = [{"kind": "blosc", "how": how, "data": text(b)} for how, b in blosc(name, data)]
        cases += [{"kind": kind, "how": how, "data": text(b)} for kind, how, b in others(name, data)]
        seen, unique = set(), []
        for case in cases:
            if (case["kind"], case["data"]) not in seen:
                seen.add((case["kind"], case["data"]))
                unique.append(case)
        sets.append({"name": name, "raw": text(data.tobytes()), "cases": unique})
    OUT.parent.mkdir(exist_ok=True)
    by = f"numcodecs {numcodecs.__version__}, h5py {h5py.__version__}, numpy {np.__version__}"
    body = json.dumps({"by": by, "sets": sets}, indent=0).encode()
    OUT.write_bytes(gzip.compress(body, 9, mtime=0))
    print(f"{OUT}: {sum(len(s['cases']) for s in sets)} cases, {OUT.stat().st_size} bytes", file=sys.stderr)


if __name__ == "__main__":
    main()
