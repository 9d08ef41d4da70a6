"""Settings, parts, and the helpers of parts: without any loader."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from bench import against, consumers, pagecache, preparation, pressure, suite
from bench.environment import BenchEnvironment
from bench.job import Job, Result
from bench.options import parse
from bench.peers import cases
from bench.records import Records
from bench.settings import GROUPS, LOADER, STOCK, known, of_name, pairs
from bench.turns import Runner, WorkerError


def test_a_case_is_measured_only_in_what_it_can_do() -> None:
    for settings in GROUPS.values():
        for setting, case in pairs(settings, cases()):
            assert setting.format in case.formats
    dense = {case.name for _, case in pairs([of_name("dense")], cases())}
    assert LOADER in dense
    assert "annbatch, CSR" not in dense
    panel = pairs([of_name("dense, panel of 2,000")], cases())
    assert [case.name for _, case in panel] == [LOADER]
    assert STOCK not in {case.name for _, case in pairs([of_name("dense, 4096")], cases())}


def test_names_of_settings_and_cases_are_of_one_thing() -> None:
    names = [setting.name for settings in GROUPS.values() for setting in settings]
    assert len(set(names)) == len(names)
    assert set(suite.QUICK) < set(suite.PARTS)
    for setting in (setting for settings in GROUPS.values() for setting in settings):
        assert set(setting.without) <= set(known())


class Fake(Runner):
    """Answers every job at once."""

    def run(self, job: Job, module: str = "bench.worker", words: object = ()) -> Result:
        if job.case.name.startswith("lamindb"):
            return Result(job.case.name, error="slow today")
        rate = 100.0 if job.case.name == LOADER else 10.0
        return Result(job.case.name, cells_per_second=rate, batches=job.batch, daemon_own=float(job.fill))


def small(tmp_path: Path, *words: str) -> tuple[suite.Suite, Records]:
    options = parse(["--cells", "40", "--genes", "40", "--cache", str(tmp_path), *words])
    records = Records()
    runner = Fake(BenchEnvironment(tmp_path / "venv"), tmp_path / "loaderd")
    chosen = [known()[name] for name in (LOADER, "lamindb, DataLoader, 2 workers", "AnnLoader, 0 workers")]
    return suite.Suite(options, runner, chosen, records, lambda _: None), records


def test_cases_of_a_group_take_turns_and_failures_are_kept(tmp_path: Path) -> None:
    made, records = small(tmp_path, "--runs", "2")
    made.run("dense")
    found = [(record.setting, record.fields["case"].split(",")[0]) for record in records.of("rate")]
    turn = [
        ("dense", "loaderd"),
        ("dense", "lamindb"),
        ("dense", "AnnLoader"),
        ("dense, log-normalised", "loaderd"),
        ("dense, panel of 2,000", "loaderd"),
    ]
    assert found == turn * 2
    assert [result.error for result in records.results("rate", "dense")][1] == "slow today"


def test_loaderd_is_measured_from_its_second_epoch_on(tmp_path: Path) -> None:
    made, records = small(tmp_path, "--runs", "1")
    made.run("dense")
    filled = {result.case: result.daemon_own for result in records.results("rate", "dense")}
    assert filled[LOADER] == 1.0
    assert filled["AnnLoader, 0 workers"] == 0.0


def test_jobs_say_what_the_setting_says(tmp_path: Path) -> None:
    made, _ = small(tmp_path)
    job = made.job(of_name("dense, panel of 2,000"), known()[LOADER], fill=True)
    assert (job.format, job.batch, job.panel, job.fill, job.task) == ("dense", 128, True, True, "rate")
    assert len(job.paths) == 4
    lognorm = made.job(of_name("csr, log-normalised"), known()[LOADER])
    assert lognorm.paths != job.paths


def test_what_a_missing_peer_prepares_is_an_error_that_says_so(tmp_path: Path) -> None:
    made, _ = small(tmp_path)
    with pytest.raises(WorkerError, match="environment is not there"):
        made.job(of_name("csr"), known()["annbatch, CSR"])


def test_what_was_prepared_is_found_again(tmp_path: Path) -> None:
    code = (
        "import pathlib, sys; folder = pathlib.Path(sys.argv[4]); (folder / 'a').write_bytes(b'12345');"
        'print(\'{"peer": "p", "seconds": 2.5, "peak": 1.0, "foreign_cpu": 0.0, "versions": {}}\')'
    )
    runs: list[int] = []

    class Preparing(Runner):
        def interpreter(self, peer: str) -> tuple[list[str], dict[str, str]]:
            runs.append(1)
            script = tmp_path / "script.py"
            script.write_text(code)
            return [sys.executable, str(script)], {}

    runner = Preparing(BenchEnvironment(tmp_path / "venv"), tmp_path)
    ask = partial(preparation.ensure, "scipy_memory", ("x",), tmp_path / "made", 7, runner)
    first = ask()
    assert (first.seconds, first.size) == (2.5, 5)
    assert (Path(first.folder) / "a").read_bytes() == b"12345"
    assert ask() == first
    assert len(runs) == 1
    ask(timed=True)
    assert len(runs) == 1, "its time was that of a quiet machine"
    about = Path(first.folder) / "about.json"
    about.write_text(about.read_text().replace('"foreign_cpu": 0.0', '"foreign_cpu": 0.9'))
    assert ask().foreign_cpu == 0.9
    assert ask(timed=True).foreign_cpu == 0.0, "made again"
    about.write_text(about.read_text().replace("torch==", "torch==0."))
    ask()
    assert len(runs) == 3, "other pins"


def test_consumers_are_added_up() -> None:
    one = Result("a", "dense", 10.0, first_batch_seconds=0.5, daemon_own=100.0, batches=3)
    other = Result("a", "dense", 30.0, first_batch_seconds=0.2, daemon_own=120.0, batches=4)
    both = consumers.together([one, other], 0.25)
    assert (both.cells_per_second, both.daemon_own, both.batches) == (40.0, 120.0, 7)
    assert (both.first_batch_seconds, both.foreign_cpu) == (0.5, 0.25)


def test_little_memory_is_kept_for_what_runs_under_it() -> None:
    with pressure.limited(1 << 28) as short:
        done = subprocess.run([*short.before, "cat", "/proc/self/cgroup"], capture_output=True, text=True, check=True)
        if short.before:
            assert f"loaderd-bench-{os.getpid()}" in done.stdout
    after = subprocess.run([*short.before, "true"], capture_output=True)
    assert after.returncode or not short.before, "the group is gone"


def test_memory_is_held_by_another_process_where_there_are_no_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pressure, "_make_group", lambda size: None)
    left = pressure.available() - (32 << 20)
    with pressure.limited(left) as short:
        assert short.before == ()
        assert "held by another process" in short.how


def test_files_that_were_evicted_are_still_whole(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"7" * 100_000)
    pagecache.evict([path])
    pagecache.warm([path])
    assert path.read_bytes() == b"7" * 100_000


def test_a_commit_that_there_is_not_is_named(tmp_path: Path) -> None:
    with pytest.raises(WorkerError, match="no-such-commit"):
        against.build("no-such-commit", tmp_path, lambda _: None)
