"""Many files, and what is said of opening them."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from typing import TYPE_CHECKING

import anndata
import numpy as np
import pytest

from bench import opening
from bench.data import ensure_many
from bench.manyspec import DONORS, ManySpec, expected_sum, label_codes
from bench.tables import Table
from bench.turns import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SPEC = ManySpec(files=6, cells=60, genes=400, values=3, lists=2, rich=True)


def test_files_hold_what_is_expected_of_them(tmp_path: Path) -> None:
    made = ensure_many(SPEC, tmp_path)
    shared = None
    donors: set[str] = set()
    for number, path in enumerate(made.paths):
        data = anndata.read_h5ad(path)
        assert data.shape == (60, 400)
        codes = label_codes(SPEC, number)
        np.testing.assert_array_equal(data.obs["cell_type"].cat.codes, codes)
        sums = expected_sum(SPEC, codes.astype(np.int64), np.full(60, number))
        np.testing.assert_array_equal(np.asarray(data.X.sum(axis=1)).ravel(), sums)
        used = set(data.var_names[data.X.sum(axis=0).A1 > 0] if hasattr(data.X.sum(axis=0), "A1") else data.var_names)
        genes = set(data.var_names)
        shared = genes if shared is None else shared & genes
        assert used <= shared  # so a join drops nothing that is counted
        donors |= set(data.obs["donor"].cat.categories)
    assert len(donors) == 6 * DONORS
    assert made.size() > 0
    made.evict()
    assert ensure_many(SPEC, tmp_path).paths == made.paths


def test_medians_are_held_against_what_is_wanted() -> None:
    case = dataclasses.replace(opening.CASES["scale"], spec=ManySpec(files=10, cells=1000))
    cold = opening.Opening("cold", 9.0, 8.0, 0.5, daemon=0.11, peak=50, client=60, with_pandas=90, foreign=0.1)
    warm = dataclasses.replace(cold, state="in daemon", open=2.0)
    said = dict(
        zip(("cold", "warm", "batch", "daemon", "client", "others"), opening.lines(case, [cold, warm]), strict=True)
    )
    assert [good for good, _ in said.values()] == [True, False, True, True, True, True]
    assert "11.00 bytes a cell" in said["daemon"][1]
    assert "in daemon: 2.00 s (wanted: 1 or less)" in said["warm"][1]


def test_the_client_that_is_measured_imports_no_pandas() -> None:
    code = "import sys, bench.opening; sys.exit(bool({'pandas', 'anndata', 'scipy', 'torch'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


@pytest.mark.parametrize("form", [Table.text, Table.markdown], ids=["for a terminal", "in Markdown"])
def test_a_table_has_a_line_for_each_state(form: Callable[[Table], str]) -> None:
    cold = opening.Opening("cold", 9.0, 8.0, 0.5, daemon=100, peak=50, client=60, with_pandas=90, foreign=0.1)
    text = form(opening.table(opening.CASES["open"], [cold, dataclasses.replace(cold, open=11.0)]))
    (line,) = [line for line in text.splitlines() if "cold" in line]
    assert "10.000" in line
    assert "100.00" in line
