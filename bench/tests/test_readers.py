"""The benchmark of the readers: its verdicts, and what it refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.readers.__main__ import _compare, main
from bench.readers.cases import CASES, TARGETS, Answer, verdicts
from bench.readers.runs import RunError

if TYPE_CHECKING:
    from pathlib import Path


def _answer(seconds: float = 1.0, **fields: object) -> Answer:
    return Answer(seconds=seconds, cpu=seconds, bytes=1, **fields)  # type: ignore[arg-type]


def test_every_target_names_two_cases() -> None:
    names = {case.name for case in CASES}
    assert all({target.case, target.against} <= names for target in TARGETS)


@pytest.mark.parametrize(("ours", "reached"), [(0.5, True), (0.51, False)], ids=["twice as fast", "a little less"])
def test_a_speed_is_reached_by_the_medians(ours: float, reached: bool) -> None:
    target = TARGETS[0]
    found = {target.against: [_answer(1.0), _answer(9.0), _answer(0.9)], target.case: [_answer(ours)] * 3}
    assert [good for good, _ in verdicts(found)] == [reached]


@pytest.mark.parametrize(("peak", "reached"), [(160.0, True), (170.0, False)], ids=["within it", "beyond it"])
def test_memory_is_allowed_for_one_chunk_a_goroutine(peak: float, reached: bool) -> None:
    name = "gzip, large chunks: memory, ours, klauspost, 2"
    assert [good for good, _ in verdicts({name: [_answer(peak=peak, chunk=50_000_000)]})] == [reached]


def test_readers_that_disagree_are_no_result() -> None:
    found = {TARGETS[0].case: [_answer(crc32=(1, 2))], TARGETS[0].against: [_answer(crc32=(1, 3))]}
    with pytest.raises(RunError, match="reads other bytes than"):
        _compare(found)


def test_a_pattern_without_cases_lists_them(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["--only", "nothing", "--cache", str(tmp_path)]) == 2
    assert "40,000 chunks" in capsys.readouterr().err
