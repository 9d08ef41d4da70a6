"""What is measured: cases, jobs for one run of one, what a run answers, and what was wanted."""

from __future__ import annotations

import dataclasses
import statistics
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["CASES", "TARGETS", "Answer", "Case", "Target", "verdicts"]

MB = 1e6
#: Memory that a process may take beside one decoded chunk for each goroutine, in MB (10⁶ bytes).
ALLOWANCE = 64 * 2**20 / MB


@dataclasses.dataclass(frozen=True)
class Case:
    """One way of reading one input: a row of the table.

    Parameters
    ----------
    name
        What the table shows.
    reader
        ``"h5py"``, ``"zarr-python"``, or the inflate that our reader is built with: ``"klauspost"``, ``"libdeflate"``.
    mode
        ``"whole"``: all arrays into memory; ``"stream"``: chunk by chunk, keeping none; ``"index"``: where chunks are.
    input
        Name of the input: see `bench.readers.inputs`.
    cores
        Cores that the process may use; also its goroutines or threads.
    """

    name: str
    reader: str
    mode: str
    input: str
    cores: int = 1


@dataclasses.dataclass(frozen=True)
class Answer:
    """What one run found.

    Parameters
    ----------
    seconds
        For ``"whole"`` the second of two passes over the same memory, for others from opening the file on.
    cpu
        Seconds of processors in that time: also under load what an idle machine would take.
    bytes
        Decoded bytes.
    crc32
        Of each array, for ``"whole"``; all readers must agree.
    chunk
        Bytes of the largest chunk.
    chunks
        Their number, for ``"index"``.
    peak
        Largest resident set of the process, in MB.
    versions
        What did it.
    """

    seconds: float
    cpu: float
    bytes: int
    crc32: tuple[int, ...] = ()
    chunk: int = 0
    chunks: int = 0
    peak: float = 0.0
    versions: Mapping[str, str] = dataclasses.field(default_factory=dict)


def _whole(input_: str, peer: str, builds: Sequence[str]) -> list[Case]:
    readers = [peer, *builds]
    return [
        Case(f"{input_}: {reader if reader == peer else f'ours, {reader}'}, {cores}", reader, "whole", input_, cores)
        for cores in (1, 2)
        for reader in readers
    ]


def _stream(input_: str, reader: str) -> Case:
    return Case(f"{input_}: memory, ours, {reader}, 2", reader, "stream", input_, 2)


CASES: tuple[Case, ...] = (
    *_whole("gzip h5ad", "h5py", ("klauspost", "libdeflate")),
    *_whole("blosc zarr v2", "zarr-python", ("klauspost",)),
    *_whole("zstd zarr v3", "zarr-python", ("klauspost",)),
    Case("40,000 chunks: index, ours, 1", "klauspost", "index", "40,000 chunks"),
    *(
        _stream(input_, reader)
        for input_ in ("gzip h5ad", "gzip, large chunks", "shuffled gzip, large chunks", "zstd zarr v3, large chunks")
        for reader in ("klauspost", "libdeflate")
    ),
    _stream("40,000 chunks", "klauspost"),
)


@dataclasses.dataclass(frozen=True)
class Target:
    """What one case must reach against another, on the same input: so many times its speed."""

    case: str
    against: str
    times: float


TARGETS: tuple[Target, ...] = (
    Target("gzip h5ad: ours, libdeflate, 1", "gzip h5ad: h5py, 1", 2.0),
    Target("gzip h5ad: ours, klauspost, 1", "gzip h5ad: h5py, 1", 1.2),
    Target("gzip h5ad: ours, libdeflate, 2", "gzip h5ad: ours, libdeflate, 1", 1.7),
    Target("gzip h5ad: ours, klauspost, 2", "gzip h5ad: ours, klauspost, 1", 1.7),
    *(
        Target(f"{input_}: ours, klauspost, {cores}", f"{input_}: zarr-python, {cores}", 1.0)
        for input_ in ("blosc zarr v2", "zstd zarr v3")
        for cores in (1, 2)
    ),
)

#: Seconds in which 40,000 chunks are to be indexed.
INDEX_SECONDS = 0.2


def verdicts(found: Mapping[str, Sequence[Answer]]) -> list[tuple[bool, str]]:
    """Say of each target whether it was reached; targets without runs are left out."""
    said = []
    for target in TARGETS:
        if found.get(target.case) and found.get(target.against):
            times = _median(found[target.against], "seconds") / _median(found[target.case], "seconds")
            sentence = f"{target.case}: {times:.2f} × {target.against} (wanted: {target.times:g} ×)"
            said.append((times >= target.times, sentence))
    for case in CASES:
        answers = found.get(case.name)
        if not answers:
            continue
        if case.mode == "index":
            seconds = _median(answers, "seconds")
            sentence = f"{case.name}: {answers[0].chunks:,} in {seconds:.3f} s (wanted: {INDEX_SECONDS:g} s)"
            said.append((seconds <= INDEX_SECONDS, sentence))
        elif case.mode == "stream":
            peak, chunks = max(answer.peak for answer in answers), case.cores * answers[0].chunk / MB
            sentence = (
                f"{case.name}: {peak:.0f} MB at most, {chunks:.0f} MB of them decoded chunks "
                f"(wanted: no more than {ALLOWANCE:.0f} MB beside those)"
            )
            said.append((peak - chunks <= ALLOWANCE, sentence))
    return said


def _median(answers: Sequence[Answer], field: str) -> Any:
    return statistics.median(getattr(answer, field) for answer in answers)
