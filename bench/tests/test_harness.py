"""Turns, tables, options: the harness without the loaders."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from bench import page, peers, turns
from bench.environment import BenchEnvironment
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
    assert {case.peer for case in peers.cases()} == {
        "annbatch_loader",
        "anndata_annloader",
        "bare_ring",
        "lamindb_mapped",
        "loaderd_dataloader",
        "loaderd_loader",
        "scdataset_blocks",
        "scdl_memmap",
        "scipy_memory",
    }


def test_what_a_peer_needs_is_pinned_and_can_be_made() -> None:
    environment = BenchEnvironment(Path("nowhere"))
    for case in peers.cases():
        peer = peers.load(case.peer)
        assert peer.requirements is None or peer.requirements in environment.peers()
        if peer.prepared_by is not None:
            assert type(peers.load(peer.prepared_by)).prepare is not peers.Peer.prepare


def test_cases_are_chosen_by_part_or_pattern() -> None:
    assert [case.name for case in choose([])] == [case.name for case in peers.cases() if case.default]
    assert [case.name for case in choose(["lamindb*2*"])] == ["lamindb, DataLoader, 2 workers"]
    assert [case.name for case in choose(["mapped.loader", "loaderd"])] == [
        "loaderd, mapped.loader",
        "loaderd, DataLoader, 0 workers",
        "loaderd, DataLoader, 2 workers",
    ]
    with pytest.raises(ValueError, match="no case fits --only 'scvi'; there are: annbatch, torch to_dense"):
        choose(["scvi"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--runs", "0"], "--runs is 0"),
        (["--cells", "1"], "cells is 1; 4 files need"),
        (["--only", "scvi"], "no case fits"),
        (["--seconds", "0"], "--seconds must be above 0"),
        (["--part", "sparse"], "--part is 'sparse'; there are: limits, dense"),
        (["against"], "--ref is empty"),
        (["page"], "--json is missing"),
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
    assert parse([]).command() == "make bench"
    assert parse(["against", "--ref", "main"]).command() == 'make bench BENCH="against --ref main"'


def test_a_quick_run_has_defaults_of_its_own_that_can_be_overruled() -> None:
    assert parse(["quick"]).runs == 1
    assert parse(["quick"]).cells < parse([]).cells
    assert parse(["quick", "--runs", "2"]).runs == 2
    assert parse(["quick", "--runs", "2"]).command() == 'make bench BENCH="quick --runs 2"'
    assert parse(["quick", "--part", "first"]).part == ["first"]
    assert parse(["quick"]).part != parse([]).part


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


def test_results_page_of_the_tree_is_of_this_form() -> None:
    path = turns.ROOT / "bench" / "RESULTS.md"
    assert path.read_text().startswith(page.HEAD)
