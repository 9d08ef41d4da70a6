"""``make demo`` learns what it should, says so, and leaves nothing behind."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from census import files_in, processes_of, runs

ROOT = Path(__file__).resolve().parents[3]
DEMO = ROOT / "clients" / "python" / "examples" / "pbmc_demo.py"


@dataclass
class Run:
    folder: Path  # HOME and TMPDIR of the demo are in it
    numbers: dict[str, Any]
    output: str
    bar: str
    left: list[int]  # processes, at the moment the demo had ended


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("demo")
    numbers = folder / "numbers.json"
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("LOADERD_", "XDG_"))}
    places = {"HOME": folder / "home", "TMPDIR": folder / "tmp"}
    for place in places.values():
        place.mkdir()
    done = subprocess.run(
        [sys.executable, str(DEMO), "--json", str(numbers)],
        env=inherited | {k: str(v) for k, v in places.items()},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    left = processes_of(str(folder))
    assert done.returncode == 0, done.stdout + done.stderr
    return Run(folder, json.loads(numbers.read_text()), done.stdout, done.stderr, left)


def test_the_classifier_is_far_better_than_the_largest_class(demo: Run) -> None:
    assert 0.3 < demo.numbers["majority"] < 0.4
    assert demo.numbers["accuracy"] > 2 * demo.numbers["majority"] + 0.05


def test_every_cell_is_read_and_genes_are_those_that_all_pieces_share(demo: Run) -> None:
    assert demo.numbers["cells"] == 700
    assert 300 < demo.numbers["genes"] < 700


def test_the_closing_lines_tell_rate_accuracy_and_where_the_time_went(demo: Run) -> None:
    parts = demo.numbers["seconds"]
    assert set(parts) == {"start-up", "making the model", "waiting for batches", "training step", "held-out cells"}
    assert all(seconds > 0 for seconds in parts.values())
    for line in ("cells per second", "held-out accuracy", *parts):
        assert f"\n{line} " in demo.output


def test_a_progress_bar_is_shown(demo: Run) -> None:
    assert "training: 100%" in demo.bar


def test_no_process_stays(demo: Run) -> None:
    assert demo.left == []
    assert not runs(demo.numbers["daemon_pid"])


def test_no_file_stays(demo: Run) -> None:
    assert files_in(demo.folder) == ["numbers.json"]


def test_no_memory_stays(demo: Run) -> None:
    assert [p.name for p in Path("/dev/shm").iterdir() if "loaderd" in p.name] == []


@pytest.mark.filterwarnings("ignore")  # anndata's, about the layout of the source
def test_the_pieces_are_files_as_hard_as_the_source(tmp_path: Path) -> None:
    sys.path.insert(0, str(DEMO.parent))
    import anndata
    import h5py
    import pbmc_demo

    genes = []
    for path in pbmc_demo.cut(pbmc_demo.SOURCE, tmp_path):
        with h5py.File(path) as f:
            ends, columns = f["X/indptr"][:], f["X/indices"][:]
            for start, end in itertools.pairwise(ends):
                assert (columns[start + 1 : end] < columns[start : end - 1]).any()
            assert f["X/data"].dtype == "float32"
        genes.append(set(anndata.read_h5ad(path).var_names))
    assert len({frozenset(g) for g in genes}) == len(genes)
    assert set.intersection(*genes)
