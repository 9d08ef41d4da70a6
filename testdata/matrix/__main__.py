"""Make the matrix of formats: small files of every form that the readers know, and what h5py, zarr-python and anndata read in them.

    python testdata/matrix FOLDER

The folder gets one file or store for each form and version, and ``matrix.json.gz``: for each the form, the version, what is refused in
it, and all that the reference library reads. The Go tests of mapped/h5, mapped/zarr and mapped compare with that, and make
docs/formats.md of it. Values are the same every time.
"""

import gzip
import importlib
import json
import multiprocessing
import shutil
import sys
import time
import warnings
from pathlib import Path

if sys.version_info < (3, 11):
    sys.exit("the matrix of formats is made with zarr-python 3, which needs Python ≥ 3.11: make clean, then make PYTHON=python3.11 …")
sys.path.append(str(Path(__file__).parent.parent))  # the modules that the fixtures are made with

MAKERS = ("h5", "zarr", "anndata")


def prepare() -> None:
    """Load all modules, each of which adds its forms."""
    warnings.simplefilter("ignore")
    time.time = lambda: 0.0  # gzip stamps it on what it writes
    for name in ("anndata_forms", "anndata_old", "h5_layouts", "h5_filters", "h5_types", "h5_files", "zarr_codecs", "zarr_forms"):
        importlib.import_module(name)


def make(job: tuple[int, str, Path]) -> dict:
    """One file: what the Go tests need to know of it."""
    from form import FORMS

    number, version, out = job
    form = FORMS[number]
    try:
        made = importlib.import_module(f"{form.kind}_maker").make(form, version, out)
    except Exception as e:
        raise RuntimeError(f"{form.area}, {form.name}, {version}") from e
    return {"kind": form.kind, "area": form.area, "form": form.name, "version": version, "refused": form.refused, **made}


def main() -> None:
    out = Path(sys.argv[1])
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    prepare()
    from form import FORMS

    slugs = [f"{f.kind}/{f.slug}" for f in FORMS]
    assert len(set(slugs)) == len(slugs), sorted(s for s in slugs if slugs.count(s) > 1)
    jobs = [(i, version, out) for i, form in enumerate(FORMS) for version in form.versions]
    with multiprocessing.get_context("fork").Pool(2) as pool:
        cases = pool.map(make, jobs, chunksize=4)
    text = json.dumps(cases, ensure_ascii=False, default=lambda o: o.item())
    (out / "matrix.json.gz").write_bytes(gzip.compress(text.encode(), 6, mtime=0))
    print(f"{len(cases)} files of {len(FORMS)} forms in {out}")


if __name__ == "__main__":
    main()
