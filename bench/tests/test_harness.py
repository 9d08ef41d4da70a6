"""Turns, tables, options: the harness without the loaders."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import pytest

from bench import page, peers, report, turns
from bench.environment import BenchEnvironment, EnvironmentSetupError
from bench.job import Case, Job, Result
from bench.options import choose, parse


def test_jobs_and_results_travel_as_json() -> None:
    case = Case("some", "loaderd_loader", workers=2)
    job = Job(case, ("a", "b"), "rows", 128, "dense", 5.0, 2.0, 7, daemon=12)
    assert Job.loads(job.dumps()) == job
    result = Result("some", cells_per_second=3.5, versions={"numpy": "2"})
    assert Result.loads(result.dumps()) == result


def test_every_peer_has_cases_of_its_own_and_opens_without_being_installed() -> None:
    names = [case.name for case in peers.cases()]
    assert len(set(names)) == len(names)
    assert {case.peer for case in peers.cases()} == {"lamindb_mapped", "loaderd_dataloader", "loaderd_loader"}
    assert {module.partition(".")[0] for case in peers.cases() for module in peers.load(case.peer).modules} == {
        "lamindb",
        "loaderd",
        "torch",
    }


def test_cases_are_chosen_by_part_or_pattern() -> None:
    assert [case.name for case in choose([])] == [case.name for case in peers.cases() if case.default]
    assert [case.name for case in choose(["lamindb*2*"])] == ["lamindb, DataLoader, 2 workers"]
    assert [case.name for case in choose(["mapped.loader", "loaderd"])] == [
        "loaderd, mapped.loader",
        "loaderd, DataLoader, 0 workers",
        "loaderd, DataLoader, 2 workers",
    ]
    with pytest.raises(ValueError, match="no case fits --only 'scvi'; there are: lamindb, DataLoader, 0 workers; "):
        choose(["scvi"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--runs", "0"], "--runs is 0"),
        (["--cells", "1"], "cells is 1; 4 files need"),
        (["--only", "scvi"], "no case fits"),
        (["--seconds", "0"], "--seconds must be above 0"),
    ],
)
def test_wrong_options_end_the_program_with_a_sentence(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(arguments)
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


def test_the_command_of_the_page_repeats_the_run_and_names_no_place() -> None:
    asked = [
        "soak",
        "--cells",
        "500",
        "--warm-up",
        "1",
        "--write",
        "--only",
        "lamin*",
        "--only",
        "loaderd",
        "--cache",
        "/a",
    ]
    assert parse(asked).command() == (
        "make bench BENCH=\"soak --cells 500 --warm-up 1.0 --only 'lamin*' --only loaderd --write\""
    )


RESULTS = [
    Result("lamindb, DataLoader, 0 workers", "dense torch", 1000.0, 0.5, 0.2, 0.1, 900.0, foreign_cpu=0.1),
    Result("loaderd, mapped.loader", "dense torch, in the ring", 30_000.0, 0.1, 0.01, 0.1, 500.0, 90.0, 40.0, 8.0),
    Result("lamindb, DataLoader, 0 workers", "dense torch", 3000.0, 0.7, 0.4, 0.1, 910.0, foreign_cpu=0.9),
    Result("loaderd, mapped.loader", error="no answer within 5 s"),
    Result("lamindb, DataLoader, 0 workers", "dense torch", 1500.0, 0.6, 0.3, 0.1, 905.0, foreign_cpu=0.2),
]


def test_the_table_has_medians_and_ratios() -> None:
    rows = report.rows(RESULTS)
    head, first, second = report.table(rows).splitlines()
    assert head.split("  ")[0] == "loader"
    for part in ("1,500", "1,000–3,000", "1.0", "0.300", "0.600", "905", "3"):
        assert part in first.split()
    for part in ("30,000", "20.0", "0.010", "500", "90", "40", "1 (+1 failed)"):
        assert part in second
    assert (
        report.markdown(rows)
        .splitlines()[3]
        .startswith("| loaderd, mapped.loader | dense torch, in the ring | 30,000 |")
    )


def test_the_comparison_is_with_lamindbs_best() -> None:
    best = Result("lamindb, DataLoader, 2 workers", "dense torch", 2000.0)
    assert report.comparison(report.rows([*RESULTS, best])) == [
        "loaderd, mapped.loader: 15.0 × lamindb's best DataLoader (wanted: 20 ×)"
    ]
    assert report.comparison(report.rows(RESULTS[1:2])) == []


def test_failures_and_disturbances_are_told() -> None:
    assert report.notes(report.rows(RESULTS)) == [
        "loaderd, mapped.loader: no answer within 5 s",
        "disturbed by other processes (cores they kept busy): lamindb, DataLoader, 0 workers: 0.90",
    ]


def test_a_table_of_failures_alone_is_still_a_table() -> None:
    assert "failed" in report.table(report.rows([Result("a", error="x")]))


def test_cases_take_turns() -> None:
    class Recording(turns.Runner):
        def run(self, job: Job) -> Result:
            return Result(job.case.name)

    cases = [Case("a", "lamindb_mapped"), Case("b", "lamindb_mapped")]
    runner = Recording(BenchEnvironment(Path("nowhere")), Path("nowhere"))
    found = runner.turns(cases, 3, lambda case: Job(case, (), "", 1, "dense", 1, 0, 0))
    assert [result.case for result in found] == ["a", "b", "a", "b", "a", "b"]


def test_a_worker_answers_with_its_last_line() -> None:
    assert turns.ask([sys.executable, "-c", "print('noise'); print('answer')"], {}, 20) == "answer"


def test_a_worker_that_fails_is_quoted() -> None:
    with pytest.raises(turns.WorkerError, match="ValueError: too few genes"):
        turns.ask([sys.executable, "-c", "raise ValueError('too few genes')"], {}, 20)
    with pytest.raises(turns.WorkerError, match="said nothing"):
        turns.ask([sys.executable, "-c", ""], {}, 20)


def test_a_worker_that_hangs_is_ended_with_all_it_started(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    code = (
        "import subprocess, sys, time, pathlib\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        f"pathlib.Path({str(pid)!r}).write_text(str(child.pid))\n"
        "time.sleep(60)\n"
    )
    with pytest.raises(turns.WorkerError, match="no answer within 2 s"):
        turns.ask([sys.executable, "-c", code], {}, 2)
    status = Path(f"/proc/{pid.read_text()}/status")
    end = time.monotonic() + 10  # it was killed with its group; when it is gone is the kernel's affair
    while status.exists() and "(zombie)" not in status.read_text():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_missing_daemon_is_a_result_and_names_the_cure(tmp_path: Path) -> None:
    runner = turns.Runner(BenchEnvironment(tmp_path), tmp_path / "loaderd")
    job = Job(Case("ours", "loaderd_loader"), (), "", 1, "dense", 1, 0, 0)
    result = runner.run(job)
    assert result.error is not None
    assert "make setup" in result.error


def test_a_daemon_that_ends_at_once_is_quoted(tmp_path: Path) -> None:
    binary = tmp_path / "loaderd"
    binary.write_text("#!/bin/sh\necho no memory left >&2\nexit 3\n")
    binary.chmod(0o755)
    result = turns.Runner(BenchEnvironment(tmp_path), binary).run(
        Job(Case("ours", "loaderd_loader"), (), "", 1, "dense", 1, 0, 0)
    )
    assert result.error is not None
    assert "ended with 3" in result.error
    assert "no memory left" in result.error


def test_a_section_of_the_page_replaces_only_itself(tmp_path: Path) -> None:
    path = tmp_path / "RESULTS.md"
    page.update(path, "comparison dense", "## One\n\n\\1 text")
    page.update(path, "soak", "## Two")
    page.update(path, "comparison dense", "## Three")
    text = path.read_text()
    assert text.startswith(page.HEAD)
    assert "One" not in text
    assert text.index("## Three") < text.index("## Two")
    assert text.count("begin -->") == 2


def test_an_environment_that_cannot_be_made_says_why(tmp_path: Path) -> None:
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("no-such-folder @ file:///no/such/folder\n")
    environment = BenchEnvironment(tmp_path / "venv", requirements)
    with pytest.raises(EnvironmentSetupError, match="could not be made"):
        environment.ensure(lambda _: None)


def test_an_up_to_date_environment_is_left_alone(tmp_path: Path) -> None:
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("# none\n")
    environment = BenchEnvironment(tmp_path / "venv", requirements)
    (tmp_path / "venv").mkdir()
    (tmp_path / "venv" / "stamp").write_text(environment._key())
    said: list[str] = []
    environment.ensure(said.append)
    assert said == []


def test_results_page_of_the_tree_is_of_this_form() -> None:
    path = turns.ROOT / "bench" / "RESULTS.md"
    assert path.read_text().startswith(page.HEAD)


def test_requirements_pin_everything() -> None:
    lines = (turns.ROOT / "bench" / "requirements.txt").read_text().splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert "lamindb==2.12.1" in pins
    assert all("==" in line for line in pins)
    assert json.dumps(pins).isascii()
