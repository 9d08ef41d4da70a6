"""Record a small lamindb instance for the tests of the import: lamindb.db.gz.

Needs lamindb 2.12.1 in an environment of its own, and is run by hand: python record.py FOLDER, where FOLDER is empty.
"""

from __future__ import annotations

import gzip
import os
import sqlite3
import sys
from pathlib import Path

folder = Path(sys.argv[1]).resolve()
os.environ["HOME"] = os.environ["LAMIN_SETTINGS_DIR"] = str(folder / "home")
(folder / "home").mkdir(parents=True)
os.chdir(folder)

import lamindb_setup  # noqa: E402

lamindb_setup.init(storage=str(folder / "store"), name="recorded")

lamindb_setup.settings.instance._is_on_hub = False  # nothing here asks a server

import anndata as ad  # noqa: E402
import lamindb as ln  # noqa: E402
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402


def cells(seed: int) -> ad.AnnData:
    """Make a few cells with a label and a score."""
    rng = np.random.default_rng(seed)
    obs = pd.DataFrame({"cell_type": pd.Categorical(["B", "T", "T"]), "score": rng.random(3)}, index=[f"c{i}" for i in range(3)])
    return ad.AnnData(rng.random((3, 2), dtype=np.float32), obs=obs, var=pd.DataFrame(index=["g1", "g2"]))


def run(key: str, source: str, **fields: object) -> ln.Run:
    """Open a run of a script, which need not be there."""
    transform = ln.Transform(key=key, kind="script", source_code=source, description=f"the script {key}").save()
    return ln.Run(transform, **fields).save()


organ = ln.ULabel(name="organ", is_type=True).save()
lung = ln.ULabel(name="lung", type=organ, description="of the lung").save()
blood = ln.ULabel(name="blood", type=organ).save()
loose = ln.ULabel(name="checked").save()

first = run("qc.py", "print(1)", name="first", params={"threshold": 0.5, "genes": ["g1"]})
raw = ln.Artifact.from_anndata(cells(1), key="cells/raw.h5ad", description="raw cells", run=False).save()
raw.ulabels.add(lung, loose)
schema = ln.Schema(features=[ln.Feature(name="cell_type", dtype=str).save(), ln.Feature(name="score", dtype=float).save()]).save()
raw.schemas.add(schema, through_defaults={"slot": "obs"})
first.input_artifacts.add(raw)
clean = ln.Artifact.from_anndata(cells(2), key="cells/clean.h5ad", run=first).save()
clean.ulabels.add(blood)
second = run("qc.py", "print(2)", name="second")
clean2 = ln.Artifact.from_anndata(cells(3), key="cells/clean.h5ad", run=second).save()
clean.recreating_runs.add(second)

table = pd.DataFrame({"sample": ["a", "b"], "age": [3, 5]})
meta = ln.Artifact.from_dataframe(table, key="samples.parquet", run=False).save()
real = folder / "store" / "given" / "real.txt"
real.parent.mkdir()
real.write_text("in the storage already")
ln.Artifact(real, description="not moved", run=False).save()
images = folder / "images"
images.mkdir()
for i in range(3):
    (images / f"{i}.txt").write_text(str(i))
ln.Artifact(images, key="images", run=False).save()
ln.Artifact(images / "0.txt", description="no key at all", kind="dataset", run=False).save()
trashed = ln.Artifact(images / "1.txt", key="trashed.txt", run=False).save()
trashed.delete(permanent=False)
archived = ln.Artifact(images / "2.txt", key="archived.txt", run=False).save()
archived.branch_id = 0
archived.save()

third = run("atlas.ipynb", "[]")
atlas = ln.Collection([clean2, raw], key="atlas", description="both", meta_artifact=meta, reference="https://example.org/atlas", reference_type="url", run=third)
atlas.save()
atlas.ulabels.add(lung)
atlas2 = ln.Collection([clean2, raw, clean], key="atlas", revises=atlas, version_tag="2.0", run=third).save()
third.input_artifacts.add(clean2, raw)
fourth = run("train.py", "train()")
fourth.input_collections.add(atlas2)
gone = ln.Collection([meta], key="gone", run=False).save()
gone.delete(permanent=False)
ln.Record(name="something that has no place here").save()
ln.Project(name="a project").save()

copy = folder / "small.db"
with sqlite3.connect(folder / "store" / ".lamindb" / "lamin.db") as have:
    have.execute("PRAGMA page_size = 512")
    have.execute("VACUUM INTO ?", [str(copy)])
(Path(__file__).parent / "lamindb.db.gz").write_bytes(gzip.compress(copy.read_bytes(), 9, mtime=0))
