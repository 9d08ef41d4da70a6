"""Writes zarr forms and tells what zarr-python reads in them."""

import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import zarr
from form import Form
from zarr_reading import describe


def make(form: Form, version: str, out: Path) -> dict:
    how, number = form.how, int(version[1:])
    path = out / "zarr" / form.slug / f"{version}.zarr"
    path.parent.mkdir(parents=True, exist_ok=True)
    if "root_array" in how:
        zarr.create_array(path, data=np.arange(5), zarr_format=number)
        return {"path": str(path.relative_to(out))}
    g = zarr.create_group(path, zarr_format=number)
    after = form.make(g, version)
    consolidated = how.get("consolidated", True)
    if consolidated:
        zarr.consolidate_metadata(path, zarr_format=number)
    store = describe(zarr.open_group(path, mode="r", use_consolidated=consolidated), lambda at: at in form.refused)
    if after is not None:
        after()
        for file in [path / ".zmetadata"] if number == 2 else []:
            file.unlink()
        if number == 3:
            from zarr_writing import edit

            edit(g, lambda m: m.pop("consolidated_metadata"))
    if "zip" in how:
        path = pack(path, how["zip"])
        if how["zip"] != "encrypted":
            with zarr.storage.ZipStore(path, mode="r") as z:
                store = describe(zarr.open_group(z, mode="r", use_consolidated=consolidated))
        else:
            return {"path": str(path.relative_to(out))}
    return {"path": str(path.relative_to(out)), "store": text(store)}


def text(store: dict) -> str:
    """What a store holds, as JSON with the NaNs of zarr's metadata: the Go tests read it as they read these."""
    return json.dumps(store, ensure_ascii=False, default=lambda o: o.item())


def pack(folder: Path, way: str) -> Path:
    """Put a store into an archive, as zarr-python does or compressed, and remove the folder."""
    target = folder.with_name(folder.name + ".zip")
    target.unlink(missing_ok=True)
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    method = zipfile.ZIP_DEFLATED if way == "deflated" else zipfile.ZIP_STORED
    with zipfile.ZipFile(target, "w", method) as z:
        for file in files:
            info = zipfile.ZipInfo(file.relative_to(folder).as_posix(), (1980, 1, 1, 0, 0, 0))
            info.compress_type = method
            z.writestr(info, file.read_bytes())
    if way == "encrypted":
        raw = bytearray(target.read_bytes())
        for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
            i = raw.find(mark)
            while i >= 0:
                raw[i + at] |= 1  # the flag alone: nobody reads on
                i = raw.find(mark, i + 4)
        target.write_bytes(raw)
    shutil.rmtree(folder)
    return target
