"""What h5py reads of an HDF5 file, in the words of the Go tests: types, shapes, chunk tables, attributes and values of every object."""

import hashlib
import struct

import h5py
import numpy as np
from h5py import h5d, h5s, h5t

REFUSED = {4, 5, 6, 307, 32013, 32026}  # filters that mapped/h5 names and does not undo


def padding(tid):
    return {h5t.STR_NULLTERM: "term", h5t.STR_NULLPAD: "null", h5t.STR_SPACEPAD: "space"}[tid.get_strpad()]


def type_name(tid):
    cls, size = tid.get_class(), tid.get_size()
    order = ">" if cls in (h5t.INTEGER, h5t.FLOAT) and size > 1 and tid.get_order() == h5t.ORDER_BE else ""
    if cls == h5t.INTEGER:
        return f"{order}{'int' if tid.get_sign() == h5t.SGN_2 else 'uint'}{8 * size}"
    if cls == h5t.FLOAT:
        return f"{order}float{8 * size}"
    if cls == h5t.STRING:
        return "vlen string" if tid.is_variable_str() else f"string[{size}]"
    if cls == h5t.BITFIELD:
        return f"bitfield[{size}]"
    if cls == h5t.OPAQUE:
        return f"opaque[{size}]"
    if cls == h5t.REFERENCE:
        return "reference"
    if cls == h5t.VLEN:
        return "vlen " + type_name(tid.get_super())
    if cls == h5t.ENUM:
        names = {tid.get_member_name(i) for i in range(tid.get_nmembers())}
        return "bool" if names == {b"FALSE", b"TRUE"} and size == 1 else "enum " + type_name(tid.get_super())
    if cls == h5t.ARRAY:
        return "[" + " ".join(map(str, tid.get_array_dims())) + "]" + type_name(tid.get_super())
    if cls == h5t.COMPOUND:
        return "compound{" + ", ".join(
            f"{tid.get_member_name(i).decode()} {type_name(tid.get_member_type(i))}" for i in range(tid.get_nmembers())) + "}"
    raise ValueError(f"class {cls}")


def trim(b, pad):
    return b.split(b"\0")[0] if pad == "term" else b.rstrip(b"\0") if pad == "null" else b.rstrip(b" ")


def digest(b):
    return {"hex": b.hex()} if len(b) <= 48 else {"sha256": hashlib.sha256(b).hexdigest()}


def texts(list_):
    list_ = [s.decode() if isinstance(s, bytes) else s for s in list_]
    if sum(map(len, list_)) + len(list_) <= 200:
        return {"strings": list_}
    joined = b"".join(struct.pack("<I", len(s.encode())) + s.encode() for s in list_)
    return {"strings_sha256": hashlib.sha256(joined).hexdigest()}


def describe(v, tid, f):
    """What values are, as the Go side describes them."""
    while tid.get_class() == h5t.ARRAY:
        tid = tid.get_super()
    cls = tid.get_class()
    v = np.asarray(v)
    if cls == h5t.STRING:
        if tid.is_variable_str():
            return texts([s for s in v.reshape(-1).tolist()])
        size = tid.get_size()
        raw = np.ascontiguousarray(v).tobytes()
        return texts([trim(raw[i:i + size], padding(tid)) for i in range(0, len(raw), size)])
    if cls == h5t.VLEN:
        # h5py 3.16 gives the bytes of big-endian elements under a little-endian dtype.
        swap = tid.get_super().get_class() == h5t.FLOAT and tid.get_super().get_order() == h5t.ORDER_BE
        return {"each": [describe(x.byteswap() if swap else x, tid.get_super(), f) for x in v.reshape(-1)]}
    if cls == h5t.REFERENCE:
        return {"names": [f[r].name for r in v.reshape(-1)]}
    if v.dtype.kind == "c":  # stored as a compound
        return {"fields": {"r": digest(v.real.tobytes()), "i": digest(v.imag.tobytes())}}
    if cls == h5t.COMPOUND:
        return {"fields": {tid.get_member_name(i).decode(): describe(v[tid.get_member_name(i).decode()], tid.get_member_type(i), f)
                           for i in range(tid.get_nmembers())}}
    if v.dtype.kind in "iuf":
        v = v.astype(v.dtype.newbyteorder("<"))
    return digest(np.ascontiguousarray(v).tobytes())


def readable(tid):
    cls = tid.get_class()
    if cls == h5t.FLOAT:
        return tid.get_size() <= 8
    if cls == h5t.INTEGER:
        return tid.get_precision() == 8 * tid.get_size()
    if cls in (h5t.ARRAY, h5t.VLEN, h5t.ENUM):
        return readable(tid.get_super())
    if cls == h5t.COMPOUND:
        return all(readable(tid.get_member_type(i)) for i in range(tid.get_nmembers()))
    return cls in (h5t.STRING, h5t.BITFIELD, h5t.OPAQUE, h5t.REFERENCE)


def read_attr(obj, name, f):
    a = h5py.h5a.open(obj.id, name.encode() if isinstance(name, str) else name)
    tid, space = a.get_type(), a.get_space()
    out = {"type": type_name(tid), "shape": list(a.shape or ())}
    if space.get_simple_extent_type() == h5s.NULL:
        return out | {"null": True}
    return out | describe(obj.attrs[name], tid, f)


def chunk_table(d):
    """SHA-256 of (number, byte offset, stored size, filter mask) of the stored chunks, by number."""
    grid = [-(-s // c) for s, c in zip(d.shape, d.chunks)]
    rows = []

    def note(info):
        number = 0
        for x, c, g in zip(info.chunk_offset, d.chunks, grid):
            number = number * g + x // c
        rows.append((number, info.byte_offset, info.size, info.filter_mask))

    d.id.chunk_iter(note)
    rows.sort()
    raw = b"".join(struct.pack("<4q", *r) for r in rows)
    return {"stored": len(rows), "sha256": hashlib.sha256(raw).hexdigest()}


def read_dataset(d, f):
    tid = d.id.get_type()
    if not readable(tid) or d.name == "/vast_chunk":
        return {"kind": "unsupported"}
    out = {"kind": "dataset", "type": type_name(tid), "shape": list(d.id.shape or ())}
    dcpl = d.id.get_create_plist()
    if dcpl.get_nfilters():
        out["filters"] = [dcpl.get_filter(i)[0] for i in range(dcpl.get_nfilters())]
    if dcpl.get_layout() == h5d.CHUNKED:
        out["chunks"] = list(d.chunks)
        # HDF5 2.0 gives wrong coordinates of chunks (not wrong values) where only a later axis is unlimited.
        if (d.maxshape.count(None) != 1 or d.maxshape[0] is None) and d.size < 1 << 40:
            out["table"] = chunk_table(d)
    if dcpl.get_layout() not in (h5d.CHUNKED, h5d.CONTIGUOUS, h5d.COMPACT) or dcpl.get_external_count():
        return {"kind": "unsupported"}
    if d.id.get_space().get_simple_extent_type() == h5s.NULL:
        out["null"] = True
    elif d.size > 1 << 40:
        out["too_large"] = True
    elif set(out.get("filters", [])) & REFUSED:
        out["unreadable"] = True
    elif d.size > 1 << 28:  # too large to read whole: its middle and its end
        out["sparse"] = {str(i): int(d[i]) for i in (d.size // 2, d.size - 1)}
    elif d.size > 1_000_000:  # mostly fill value: what differs from it
        v, at = d[...], None
        at = np.flatnonzero(v != d.fillvalue)
        out["sparse"] = {str(int(i)): int(v[i]) for i in at}
    elif tid.get_class() == h5t.BITFIELD:
        v = np.zeros(d.shape, f"<u{tid.get_size()}")
        d.id.read(h5s.ALL, h5s.ALL, v, mtype=tid)
        out |= digest(v.tobytes())
    elif tid.get_class() == h5t.STRING and not tid.is_variable_str():
        v = np.zeros(d.shape, f"S{tid.get_size()}")
        d.id.read(h5s.ALL, h5s.ALL, v, mtype=tid)
        out |= describe(v, tid, f)
    else:
        out |= describe(d[()], tid, f)
    return out


def read_tree(f, skip=()):
    """Every object of an open file by its path, but for those in ``skip`` and what is below them."""
    objects = {}

    def attrs(path, o):
        found = {k: {"kind": "unsupported"} if f"{path}@{k}" in skip else read_attr(o, k, f) for k in o.attrs}
        if found:
            objects[path]["attrs"] = found

    def walk(path, g):
        objects[path or "/"] = {"kind": "group", "members": sorted(g.keys(), key=lambda s: s.encode())}
        if len(g) > 100:
            objects[path or "/"]["members"] = hashlib.sha256("\n".join(objects[path or "/"]["members"]).encode()).hexdigest()
        attrs(path or "/", g)
        for i, name in enumerate(sorted(g.keys())):
            at = f"{path}/{name}"
            if at in skip:
                continue
            link = g.get(name, getlink=True)
            if isinstance(link, h5py.ExternalLink):
                objects[at] = {"kind": "unsupported"}
                continue
            if isinstance(link, h5py.SoftLink) and name.startswith(("loop", "dangling")):
                objects[at] = {"kind": "broken"}
                continue
            if i >= 100 and i % 97:
                continue  # of wide groups a sample
            try:
                o = g[name]
            except Exception as e:
                raise RuntimeError(f"{f.filename}: {at}") from e
            if isinstance(o, h5py.Group):
                if isinstance(link, h5py.SoftLink) or path.count("/") > 8 or (o == g):
                    objects[at] = {"kind": "group"}
                    continue
                walk(at, o)
            elif isinstance(o, h5py.Datatype):
                objects[at] = {"kind": "unsupported"}
            else:
                objects[at] = read_dataset(o, f)
                if objects[at]["kind"] == "dataset":
                    attrs(at, o)

    walk("", f)
    return objects
