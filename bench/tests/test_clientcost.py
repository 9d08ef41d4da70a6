"""The cost of a batch for its consumer: a small run, and the words."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from bench import clientcost, data
from bench.daemon import Daemon
from bench.turns import ROOT

if TYPE_CHECKING:
    from pathlib import Path


def test_a_recorded_stream_is_replayed_as_often_as_is_wanted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaderd = pytest.importorskip("loaderd")
    spec = data.DataSpec(cells=2_000, genes=300, files=2, compression="none", differ=0.0, seed=7)
    collection = data.ensure(spec, tmp_path, lambda _: None)
    before = len(os.listdir("/proc/self/fd"))
    with Daemon(ROOT / "bin" / "loaderd") as daemon:
        for name, value in daemon.variables.items():
            monkeypatch.setenv(name, value)
        with loaderd.mapped([str(path) for path in collection.paths], obs_keys=["cell_type"]) as dataset:
            for form in ("dense", "csr"):
                with clientcost.record(dataset, form, 64, 0) as recording:
                    assert len(recording.ready) == recording.started["frames"]
                    found = clientcost.cost(recording, 2, rounds=40)
                assert (found.format, found.queued) == (form, 2)
                assert found.warm > 0
                assert found.after_step > 0
                assert set(found.stages) == set(clientcost.STAGES)
                assert min(found.stages.values()) > 0
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_table_has_a_line_for_each_case() -> None:
    found = [clientcost.Cost(form, 4, 12.0, 36.0, dict.fromkeys(clientcost.STAGES, 1.0)) for form in ("dense", "csr")]
    table = clientcost.table(found)
    assert table.rows[0] == ("dense", "4", "12.0", "36.0", "1.0", "1.0", "1.0", "1.0", "8.0")
    assert len(table.rows) == 2
