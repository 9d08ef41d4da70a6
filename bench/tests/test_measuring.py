"""Rates, memory and checks, on numbers that are known beforehand."""

from __future__ import annotations

import mmap
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest

from bench import soak
from bench.check import Sample, WrongDataError, check
from bench.memory import family, parse_rollup, process_memory, total_pss_mb
from bench.timing import CPUClock, Progress, process_seconds

if TYPE_CHECKING:
    from pathlib import Path


def test_the_slope_of_even_progress_is_its_rate() -> None:
    assert Progress([10.0, 11.0, 12.0, 13.0], [100, 200, 300, 400]).slope() == pytest.approx(100)


def test_the_slope_is_the_least_squares_line() -> None:
    times, cells = [0.0, 0.5, 2.0, 2.5, 4.0], [3, 5, 9, 40, 41]
    assert Progress(times, cells).slope() == pytest.approx(np.polyfit(times, cells, 1)[0])


def test_a_rate_of_one_batch_is_refused() -> None:
    progress = Progress()
    progress.add(5)
    with pytest.raises(ValueError, match="1 batches came"):
        progress.slope()


def test_progress_adds_up_and_knows_its_longest_gap() -> None:
    progress = Progress()
    progress.add(3)
    progress.add(4)
    assert progress.cells == [3, 7]
    assert Progress([1.0, 1.5, 3.5, 4.0], [1, 2, 3, 4]).longest_gap() == 2.0


ROLLUP = """55d0c0a00000-7ffd3a5f2000 ---p 00000000 00:00 0                          [rollup]
Rss:               30000 kB
Pss:               16000 kB
Pss_Dirty:          9000 kB
Pss_Anon:          10000 kB
Pss_File:           2000 kB
Pss_Shmem:          4000 kB
Swap:                  0 kB
"""


def test_a_rollup_is_read_by_kind_in_megabytes() -> None:
    memory = parse_rollup(ROLLUP)
    assert (memory.own, memory.shared, memory.mapped) == (10.24, 4.096, 2.048)
    assert memory.total == pytest.approx(16.384)


def test_an_old_kernel_is_named() -> None:
    with pytest.raises(ValueError, match=r"Linux 5\.9"):
        parse_rollup(ROLLUP.replace("Pss_Anon", "Anon"))


def test_memory_that_is_taken_is_seen_by_kind() -> None:
    before = process_memory(os.getpid())
    own = mmap.mmap(-1, 64 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    shared = mmap.mmap(-1, 32 << 20)
    for area in (own, shared):
        area[:] = b"1" * len(area)
    after = process_memory(os.getpid())
    assert after.own - before.own > 60
    assert 30 < after.shared - before.shared < 40
    own.close()
    shared.close()


def test_children_are_family_and_those_that_ended_count_nothing() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        assert {os.getpid(), child.pid} <= set(family(os.getpid()))
    finally:
        child.communicate(b"\n")
    assert child.pid not in family(os.getpid())
    assert total_pss_mb([child.pid]) == 0
    with pytest.raises(ProcessLookupError):
        process_memory(child.pid)


def test_work_of_children_that_have_ended_is_their_parents() -> None:
    before = process_seconds(os.getpid())
    code = "import time\nwhile time.process_time() < 0.3: pass"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert process_seconds(os.getpid()) - before >= 0.25  # a clock of ticks is off by some


def test_work_of_others_is_told_from_ours() -> None:
    clock = CPUClock([os.getpid()])
    child = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        time.sleep(0.6)
        all_others = clock.foreign()
        assert all_others > 0.3
    finally:
        child.kill()
        child.wait()


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    path = tmp_path / "rows.npz"
    np.savez(
        path,
        store=[0, 0, 1],
        total=[5.0, 7.0, 5.0],
        panel_total=[1.0, 2.0, 3.0],
        label=[1, 0, 0],
        names=np.array(["a", "b"]),
    )
    return path


def test_rows_of_the_files_pass(rows: Path) -> None:
    check(Sample(np.array([7.0, 5.0]), np.array([0, 0]), ["a", "b"]), rows, 2)


def test_a_loader_is_held_against_what_it_tells(rows: Path) -> None:
    check(Sample(np.array([5.0, 7.0])), rows, 2)
    check(Sample(np.array([5.0, 7.0]), labels=["b", "a"]), rows, 2)
    check(Sample(np.array([3.0, 2.0]), np.array([1, 0]), ["a", "a"]), rows, 2, panel=True)
    with pytest.raises(WrongDataError, match=r"row 1 .* \(None, None, 6\.0\)"):
        check(Sample(np.array([5.0, 6.0])), rows, 2)
    with pytest.raises(WrongDataError, match=r"row 0 .* \(None, 'c', 5\.0\)"):
        check(Sample(np.array([5.0]), labels=["c"]), rows, 1)


def test_sums_of_fractions_may_differ_by_how_they_are_added(tmp_path: Path) -> None:
    path = tmp_path / "rows.npz"
    np.savez(path, store=[0, 0], total=[1234.5678, 77.7], panel_total=[0.0, 0.0], label=[0, 0], names=np.array(["a"]))
    check(Sample(np.array([1234.5678 * (1 + 1e-8)])), path, 1)
    with pytest.raises(WrongDataError, match="row 0"):
        check(Sample(np.array([1234.5678 * (1 + 1e-4)])), path, 1)


@pytest.mark.parametrize(
    ("sample", "message"),
    [
        (Sample(np.array([8.0, 5.0]), np.array([0, 0]), ["a", "b"]), r"row 0 .* \(0, 'a', 8\.0\)"),
        (Sample(np.array([7.0, 5.0]), np.array([0, 1]), ["a", "b"]), r"row 1 .* \(1, 'b', 5\.0\)"),
        (Sample(np.array([7.0, 5.0]), np.array([0, 0]), ["a", "a"]), r"row 1 .* \(0, 'a', 5\.0\)"),
        (Sample(np.array([7.0]), np.array([0]), ["a"]), "1 rows instead of 2"),
    ],
    ids=["a wrong sum", "a wrong file", "a wrong label", "a short batch"],
)
def test_rows_that_no_file_has_are_found(rows: Path, sample: Sample, message: str) -> None:
    with pytest.raises(WrongDataError, match=message):
        check(sample, rows, 2)


def epochs(own: list[float]) -> list[soak.Epoch]:
    return [soak.Epoch(number, 1000.0, memory, 40.0, 10.0, 300.0) for number, memory in enumerate(own)]


def test_a_leak_of_a_megabyte_an_epoch_is_called_a_rise() -> None:
    noise = np.random.default_rng(1).normal(0, 1.5, 20).tolist()
    good, sentence = soak.verdict(epochs([100 + number + noise[number] for number in range(20)]))
    assert not good
    assert "rises" in sentence


def test_noise_and_a_start_are_not_called_a_rise() -> None:
    noise = np.random.default_rng(2).normal(100, 4, 18).tolist()
    good, sentence = soak.verdict(epochs([20.0, 60.0, *noise]))
    assert good
    assert "no upward trend" in sentence


def test_few_epochs_are_called_too_few() -> None:
    assert soak.verdict(epochs([1, 2, 3]))[1].startswith("3 epochs are too few")


def test_the_trend_is_that_of_the_definitions() -> None:
    slope, p = soak.trend([1.0, 3.0, 2.0, 5.0])
    # Slopes of the six pairs: 2, 0.5, 4/3, −1, 1, 3. Five rises, one fall: S = 4, variance 26/3.
    assert slope == pytest.approx((1 + 4 / 3) / 2)
    assert p == pytest.approx(0.1541, abs=1e-4)
