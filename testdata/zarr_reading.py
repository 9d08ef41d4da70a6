"""What zarr-python reads of a store, in the words of the Go tests: every node with its attributes, and of arrays all values."""

import hashlib

import numpy as np
import zarr


def describe(node, refused=lambda path: False):
    """A node and all below it; of arrays at refused paths, only what their metadata say."""
    out = {"attrs": dict(node.attrs)}
    if isinstance(node, zarr.Group):
        out["members"] = {name: describe(child, refused) for name, child in sorted(node.members())}
        return out
    out |= {"shape": node.shape, "chunks": node.chunks, "shards": node.shards}
    if refused("/" + node.path):
        return out | {"unsupported": True}
    data = np.asarray(node[...])
    out["dtype"] = "text" if data.dtype.kind in "OTUS" else "record" if data.dtype.names else data.dtype.newbyteorder("=").name
    if data.dtype.names:
        out["fields"] = {name: content(data[name]) for name in data.dtype.names}
    else:
        out |= content(data)
    return out


def content(data):
    if data.dtype.kind == "S":
        return {"text": [v.decode() for v in data.ravel()]}
    if data.dtype.kind in "OTU":
        return {"text": [str(v) for v in data.ravel()]}
    native = np.ascontiguousarray(data.astype(data.dtype.newbyteorder("<")))
    return {"sha256": hashlib.sha256(native.tobytes()).hexdigest()}
