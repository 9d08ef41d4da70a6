"""Writes HDF5 forms and tells what h5py reads in them."""

import h5py
from form import Form
from h5_files import creation_list
from h5_reading import read_tree
from h5_writing import new_file

SUPERBLOCKS = {"earliest": 0, "v108": 2}  # later ones have version 3


def make(form: Form, version: str, out) -> dict:
    path = out / "h5" / form.slug / f"{version}.h5"
    path.parent.mkdir(parents=True, exist_ok=True)
    how = form.how
    with new_file(path, version, creation_list(how), how.get("userblock", 0), how.get("cache_image", False)) as f:
        form.make(f)
    if "userblock" in how:
        with path.open("r+b") as raw:
            raw.write(b"#!/bin/sh a user block may hold anything\n")
    if "moved" in how:
        path.write_bytes(bytes(how["moved"]) + path.read_bytes())
    with path.open("rb") as raw:
        raw.seek(how.get("userblock", how.get("moved", 0)))
        head = raw.read(9)
    want = how.get("superblock", SUPERBLOCKS.get(version, 3))
    assert head[:4] == b"\x89HDF" and head[8] == want, f"{path}: superblock version {head[8]}, not {want}"
    if "" in form.refused:
        return {"path": str(path.relative_to(out))}
    with h5py.File(path) as f:
        return {"path": str(path.relative_to(out)), "objects": read_tree(f, form.refused)}
