"""Profiles: what pprof prints, and which stage a stack is of."""

from __future__ import annotations

import pytest

from bench import profiling

RAW = """PeriodType: cpu nanoseconds
Period: 10000000
Time: 2026-11-26 10:17:54 +0000 UTC
Duration: 2.96
Samples:
samples/count cpu/nanoseconds
         12  120000000: 1 2 3
          1   10000000: 4
                bytes:[100]
Locations
     1: 0x4a1b20 M=1 github.com/loaderd/loaderd/cache/rowstore.scatter /x/dense.go:40:0 s=30
             github.com/loaderd/loaderd/cache/rowstore.(*Kernel).Dense /x/dense.go:12:0 s=5
     2: 0x4a1c00 M=1 github.com/loaderd/loaderd/mapped.(*part).writeDense /x/part.go:90:0 s=85
     3: 0x4a1d00 M=1 github.com/loaderd/loaderd/internal/daemon.(*stream).work /x/stream.go:9:0 s=1
     4: 0x431000 M=1 runtime.futex /go/sys.s:558:0 s=550
Mappings
1: 0x401000/0xc0a000/0x1000 bin/loaderd 8516a9a7
"""


def test_samples_have_their_seconds_and_the_functions_of_their_places() -> None:
    first, second = profiling.parse(RAW)
    assert first.seconds == pytest.approx(0.12)
    assert [name.rpartition("/")[2] for name in first.stack] == [
        "rowstore.scatter",
        "rowstore.(*Kernel).Dense",
        "mapped.(*part).writeDense",
        "daemon.(*stream).work",
    ]
    assert second.seconds == pytest.approx(0.01)
    assert second.stack == ("runtime.futex",)


def test_an_empty_profile_has_no_samples() -> None:
    assert profiling.parse("Samples:\nsamples/count cpu/nanoseconds\nLocations\nMappings\n") == []


L = "github.com/loaderd/loaderd/"


@pytest.mark.parametrize(
    ("stack", "stage"),
    [
        ([f"{L}cache/rowstore.(*Kernel).CSR", f"{L}cache/rowstore.(*Store).Guard", f"{L}mapped.x"], "expand rows"),
        ([f"{L}mapped/codec.inflate", f"{L}mapped/h5.x", f"{L}cache/rowstore.(*Store).Guard"], "decompress"),
        (["syscall.pread", f"{L}mapped/h5.(*Dataset).ReadChunk"], "read files"),
        ([f"{L}cache/rowstore.gaps", f"{L}cache/rowstore.AppendSparse", f"{L}mapped.x"], "encode rows for the store"),
        ([f"{L}cache/rowstore.Row.Check", f"{L}cache/rowstore.(*Table).Row"], "find and check rows"),
        ([f"{L}sampler.(*Epoch).Row", f"{L}internal/daemon.x"], "choose the order"),
        (["syscall.write", "internal/poll.(*FD).Write", f"{L}ipc.write"], "hand over"),
        (
            [f"{L}mapped.(*Batch).labels", f"{L}cache/rowstore.catch", f"{L}cache/rowstore.(*Store).Guard"],
            "lay out, labels",
        ),
        ([f"{L}mapped/h5.x", f"{L}mapped.(*opener).open"], "open files"),
        ([f"{L}cache/rowstore.(*segment).seal", f"{L}cache/rowstore.(*Table).Append"], "write the store"),
        (["unix.Fallocate", f"{L}ipc.reserve", f"{L}ipc.NewRing"], "make rings"),
        ([f"{L}internal/daemon.(*stream).plan"], "plan, frames"),
        (["runtime.scanobject", "runtime.gcDrain", "runtime.gcBgMarkWorker"], "garbage collection"),
        (["runtime.futex", "runtime.findRunnable"], "schedule"),
        (["_cgo_something"], "the rest"),
    ],
)
def test_a_stack_is_of_the_first_stage_that_fits(stack: list[str], stage: str) -> None:
    assert profiling.stage(stack) == stage


def test_a_table_has_a_column_for_each_profile() -> None:
    stages = dict.fromkeys((name for name, _ in profiling.STAGES), 0.0)
    dense = profiling.Profile("dense", stages | {"expand rows": 0.5, "hand over": 0.1}, 1000, 10**10, 6e-4, 5e-5, 5e-4)
    first = profiling.Profile("first", stages | {"expand rows": 0.9}, 1000, 10**10, 9e-4, 0.0)
    table = profiling.table([dense, first])
    assert table.rows == (
        ("daemon: expand rows", "500.0", "900.0"),
        ("daemon: hand over", "100.0", "0.0"),
        ("daemon, in all", "600.0", "900.0"),
        ("client", "50.0", "–"),
        ("from batch to batch", "600.0", "900.0"),
        ("the same, bare loop", "500.0", "–"),
        ("MB of a frame", "10.00", "10.00"),
    )
