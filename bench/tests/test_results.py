"""From records to verdicts, tables and the chart."""

from __future__ import annotations

import os
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from bench import chart, report, results, wanted
from bench.job import Result
from bench.records import Records
from bench.settings import LOADER, known
from bench.tests.found import full

GOLDEN = Path(__file__).with_name("chart.svg")


def test_records_are_read_back_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "runs.jsonl"
    written = Records(path)
    written.add_result("rate", "dense", Result("a", cells_per_second=2.5))
    written.add("limit", "", {"name": "memcpy", "value": 3.0, "unit": "GB/s"})
    read = Records.read(path)
    assert read.results("rate", "dense") == [Result("a", cells_per_second=2.5)]
    assert read.number("limit", "memcpy") == 3.0
    assert read.number("limit", "another") is None


def test_medians_leave_out_runs_that_failed() -> None:
    records = Records()
    for rate, error in ((1.0, None), (5.0, None), (100.0, "broken"), (3.0, None)):
        records.add_result("rate", "dense", Result("a", cells_per_second=rate, error=error))
    assert records.median("rate", "dense", "a", "cells_per_second") == 3.0
    assert records.median("rate", "dense", "b", "cells_per_second") is None


@pytest.mark.parametrize(
    ("what", "reached", "good"),
    [
        ("dense: lamindb's best", 100, True),
        ("dense: fastest peer with exact shuffle", 8, False),
        ("dense: fastest peer of any shuffle", 4, True),
        ("dense: everything in memory, the better of two ways", 1.25, True),
        ("dense: share of the bare loop", 0.8, True),
        ("csr: fastest peer with exact shuffle", 12.5, True),
        ("csr: fastest peer of any shuffle", 5, True),
        ("csr: share of the bare loop", 0.5, False),
        ("dense, log-normalised: share of the counts' rate", 0.75, False),
        ("DataLoader without workers: lamindb's", 60, True),
        ("first epoch, dense: lamindb's", 20, True),
        ("first epoch, dense, nothing prepared", 3, True),
        ("first batch, warm", 0.06, True),
        ("first batch, cold", 1.51, False),
        ("client's cost of a batch that is ready, dense", 31, True),
        ("4 consumers, csr: total", 0.96, True),
        ("4 consumers, csr: daemon's memory", 1.3, False),
        ("csr, 10 × the cells: share of the disk's random reads", 0.375, False),
        ("memory over 10 epochs, dense", 101, True),
    ],
)
def test_a_line_has_what_was_reached_and_its_verdict(what: str, reached: float, good: bool) -> None:
    (line,) = [line for line in wanted.lines(full()) if line.what == what]
    assert line.reached == pytest.approx(reached)
    assert line.good is good
    assert line.texts[3] == ("reached" if good else "missed")


def test_the_first_epoch_is_held_against_preparation_and_epoch_together() -> None:
    (line,) = [line for line in wanted.lines(full()) if line.what == "first epoch, dense, nothing prepared"]
    assert line.wanted == 20.0
    assert "annbatch, scipy" in line.remark


def test_what_was_not_measured_has_no_line() -> None:
    assert wanted.lines(Records()) == []
    records = Records()
    records.add_result("rate", "dense", Result(LOADER, cells_per_second=1.0))
    assert wanted.lines(records) == []


def test_every_line_of_the_table_is_of_cases_that_exist() -> None:
    names = set(known())
    assert {case for rates in (full().results("rate", "dense"),) for case in (r.case for r in rates)} <= names


def test_the_table_has_medians_and_ratios() -> None:
    lines = report.rates(full(), "dense").text().splitlines()
    assert lines[0].split("  ")[0] == "loader"
    (annbatch,) = [line for line in lines if line.startswith("annbatch, scipy")]
    for part in ("block", "50,000", "25,000–75,000", "4.00", "0.200", "0.100", "3"):
        assert part in annbatch.split()
    (failed,) = [line for line in lines if line.startswith("AnnLoader")]
    assert "failed" in failed
    assert "0 (+1 failed)" in failed
    assert report.rates(full(), "dense").markdown().splitlines()[1].startswith("| --- | --- | --- | ---: |")


def test_failures_and_disturbances_are_told() -> None:
    assert report.notes(full()) == [
        "AnnLoader, 0 workers, dense: no answer within 5 s",
        "disturbed by other processes (cores they kept busy): annbatch, CSR, csr: 0.90",
    ]


def test_settings_have_headings() -> None:
    assert report.title("dense") == "Dense, batches of 128"
    assert report.title("csr, log-normalised") == "CSR, log-normalised"


def test_first_epochs_have_their_preparation() -> None:
    table = report.first_epochs(full())
    assert table is not None
    (annbatch,) = [row for row in table.rows if row[0].startswith("annbatch")]
    assert annbatch[3:] == ("18.0", "400", "5,000", "2.0", "20.0")


def test_a_page_has_everything(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(results, "ROOT", tmp_path)
    monkeypatch.setattr(results, "_PAGE", tmp_path / "RESULTS.md")
    monkeypatch.setattr(results, "_CHART", tmp_path / "results.svg")
    assert results.write(full()) == ["RESULTS.md", "results.svg"]
    text = (tmp_path / "RESULTS.md").read_text()
    for part in ("make bench", "processor: one", "numpy 2.4.6 and 2.5.5", "(results.svg)", "### CSR, batches of 128"):
        assert part in text
    assert "14 of 20 lines are reached" in text
    assert "room for 25% of the rows at most" in text
    assert results.in_words(full()).count("\n") > 40


def test_a_chart_is_the_same_for_the_same_numbers() -> None:
    drawn = chart.draw(chart.panels(full()))
    if "BENCH_UPDATE" in os.environ:
        GOLDEN.write_text(drawn)
    assert drawn == GOLDEN.read_text(), "look at the new one, then write it with BENCH_UPDATE=1"


def test_a_chart_is_well_formed_and_fits_its_frame() -> None:
    panel = chart.Panel("a < b", (chart.Bar("x & y", 10.0, "exact", strong=True), chart.Bar("z", 0.0, "block")), 12.0)
    root = ET.fromstring(chart.draw([panel]))
    width = float(root.attrib["width"])
    bars = [each for each in root.iter("{http://www.w3.org/2000/svg}rect") if each.attrib.get("rx") == "3"]
    assert len(bars) == 2
    assert all(0 < float(bar.attrib["x"]) + float(bar.attrib["width"]) < width for bar in bars)
    texts = [each.text for each in root.iter("{http://www.w3.org/2000/svg}text")]
    assert "x & y" in texts
    assert "bare loop, the limit of this machine" in texts


def test_nothing_measured_is_no_panel() -> None:
    assert chart.panels(Records()) == []
