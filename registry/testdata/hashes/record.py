"""Records the hashes that lamindb gives to files, folders and collections, into ``recorded.json``.

    pip install lamindb==2.12.1
    lamin init --storage ./store --name hashes   # in an empty folder
    python registry/testdata/hashes/record.py

Values and types of hashes are recorded; nothing of lamindb is copied.
"""

from __future__ import annotations

import json
import tempfile
from importlib.metadata import version
from pathlib import Path

import lamindb as ln

assert ln.setup.settings.instance.storage is not None, "lamin init first"

MIB = 1 << 20
OUT = Path(__file__).parent / "recorded.json"

# Byte i of a file is byte i of this block, repeated: the tests make the same.
BLOCK = bytes((j * j * 31 + j) & 255 for j in range(65521))

FILES = [1, 100, 65522, 50 * MIB - 1, 50 * MIB, 50 * MIB + 1, 60 * MIB, 100 * MIB, 101 * MIB, 120 * MIB + 3]
FOLDERS = {
    "flat": {"a": 3, "b": 4, "c": 5},
    "nested": {"x/a": 3, "y/z/b": 4, "c": 5},
    "equal": {"a": 3, "b": 3},
    "hidden": {".a": 3, ".git/b": 4, "e": 0},
    "large": {"a": 50 * MIB + 1, "b": 3},
}
COLLECTIONS = [[3], [3, 4], [4, 3], [3, 4, 5, 50 * MIB + 1]]


def content(size: int) -> bytes:
    """The bytes of a file of this size."""
    return (BLOCK * (size // len(BLOCK) + 1))[:size]


def main() -> None:
    """Record all."""
    out: dict = {"lamindb": version("lamindb"), "files": [], "folders": [], "collections": []}
    with tempfile.TemporaryDirectory(dir=str(ln.settings.storage.root)) as name:  # elsewhere it asks its hub
        top = Path(name)
        for size in FILES:
            path = top / f"{size}.bin"
            path.write_bytes(content(size))
            a = ln.Artifact(path, run=False)
            out["files"].append({"size": size, "hash": a.hash, "hash_type": a._hash_type})
        for key, files in FOLDERS.items():
            for rel, size in files.items():
                path = top / key / rel
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content(size))
            a = ln.Artifact(top / key, run=False)
            row = {"name": key, "files": files, "hash": a.hash, "hash_type": a._hash_type, "n_files": a.n_files, "size": a.size}
            out["folders"].append(row)
        for sizes in COLLECTIONS:
            members = []
            for size in sizes:
                path = top / f"{size}.bin"
                path.write_bytes(content(size))
                members.append(ln.Artifact(path, run=False).save())
            c = ln.Collection(members, key=f"hashes/{len(out['collections'])}", run=False)
            out["collections"].append({"sizes": sizes, "members": [m.hash for m in members], "hash": c.hash})
    OUT.write_text(json.dumps(out, indent=1) + "\n")


if __name__ == "__main__":
    main()
