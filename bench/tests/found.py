"""Records as a run makes them, with round numbers."""

from __future__ import annotations

import dataclasses

from bench.clientcost import STAGES, Cost
from bench.job import Result
from bench.larger import LIMIT, NAME
from bench.preparation import Preparation
from bench.records import Records
from bench.settings import LOADER, STOCK
from bench.soak import Epoch

__all__ = ["full"]

RATES = {
    "dense": {
        LOADER: 200_000,
        STOCK: 60_000,
        "lamindb, DataLoader, 0 workers": 1_000,
        "lamindb, DataLoader, 2 workers": 2_000,
        "annbatch, torch to_dense()": 25_000,
        "annbatch, scipy toarray()": 50_000,
        "SCDL, DataLoader, 0 workers": 25_000,
        "scipy in memory, toarray()": 100_000,
        "scipy in memory, toarray(out=)": 160_000,
        "bare loop, dense, 3 slots, 2 workers": 250_000,
    },
    "csr": {
        LOADER: 500_000,
        "annbatch, CSR": 100_000,
        "SCDL, DataLoader, 0 workers, CSR": 40_000,
        "scipy in memory, CSR": 400_000,
        "bare loop, csr, 16 slots, 2 workers": 1_000_000,
    },
    "dense, log-normalised": {LOADER: 150_000},
    f"csr, {NAME}": {LOADER: 15_000},
}


def full() -> Records:
    """Return records of most parts."""
    records = Records()
    records.add("run", "", {"mode": "table", "command": "make bench", "facts": {"processor": "one"}})
    for setting, rates in RATES.items():
        for case, rate in rates.items():
            for factor in (0.5, 1.0, 1.5):
                numpy = {"numpy": "2.5.5" if "loaderd" not in case else "2.4.6"}
                result = Result(case, "dense torch", rate * factor, 0.1, 0.2, foreign_cpu=0.1, versions=numpy)
                records.add_result("rate", setting, result)
    records.add_result("rate", "dense", Result("AnnLoader, 0 workers", error="no answer within 5 s"))
    records.add_result("rate", "csr", Result("annbatch, CSR", "CSR torch", 100_000.0, foreign_cpu=0.9))
    for case, seconds in ((LOADER, 3.0), ("lamindb, DataLoader, 2 workers", 60.0), ("annbatch, scipy toarray()", 2.0)):
        records.add_result("epoch", "dense", Result(case, epoch_seconds=seconds, epoch_share=1.0))
    made = Preparation("annbatch_loader", "there", 18.0, 400_000_000, 5000.0, 0.0, {})
    records.add("prepared", "annbatch, scipy toarray()", dataclasses.asdict(made))
    for setting, seconds in (("warm", 0.05), ("cold", 1.5)):
        records.add_result("first", setting, Result(LOADER, open_seconds=0.01, first_batch_seconds=seconds))
    for queued, warm in ((1, 31.0), (2, 20.0), (1, 31.0)):
        stages = dict.fromkeys(STAGES, 5.0)
        records.add("client", "dense", dataclasses.asdict(Cost("dense", queued, warm, 2 * warm, stages)))
    records.add_result("consumers 1", "csr", Result(LOADER, cells_per_second=500_000.0, daemon_own=100.0))
    records.add_result("consumers 4", "csr", Result(LOADER, cells_per_second=480_000.0, daemon_own=130.0))
    records.add("limit", "", {"name": LIMIT, "value": 40_000.0, "unit": "reads/s"})
    records.add("larger", NAME, {"size": 4e9, "memory": 1e9, "how": "a control group of its own", "share": 0.25})
    for number in range(10):
        records.add("soak", "dense", dataclasses.asdict(Epoch(number, 2e5, 100.0 + number % 2, 40.0, 400.0, 300.0)))
    records.add("took", "dense", {"seconds": 90.0})
    return records
