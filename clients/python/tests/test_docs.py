"""The code in the documents runs, and what they say of the Makefile and of Go is so."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import docblocks
from small_files import write_small_files

ROOT = Path(__file__).resolve().parents[3]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
PYTHON_PAGES = [p for p in PAGES if docblocks.blocks(p, "python")]


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the files that the documents speak of, and a place for a daemon of its own."""
    write_small_files(tmp_path)
    return tmp_path


@pytest.fixture
def environment(folder: Path) -> dict[str, str]:
    """Variables that keep the daemon of a page inside ``folder``, with the tree's own binary first on PATH."""
    path = f"{ROOT / 'bin'}{os.pathsep}{os.environ['PATH']}"
    own = {"PATH": path} | {f"LOADERD_{n}_DIR": str(folder / n.lower()) for n in ("RUNTIME", "STATE", "DATA")}
    own |= {"LOADERD_ROWSTORE": str(folder / "rows"), "LOADERD_ROWSTORE_SIZE": "1G"}
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("LOADERD_")}
    return inherited | own


@pytest.fixture(autouse=True)
def no_daemon_stays(environment: dict[str, str]) -> object:
    yield None
    subprocess.run(["loaderd", "stop"], env=environment, capture_output=True, check=False, timeout=30)


@pytest.mark.parametrize("page", PYTHON_PAGES, ids=name)
def test_python_blocks_run(page: Path, folder: Path, environment: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", docblocks.__file__, str(page)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def shell_lines() -> list[tuple[Path, str]]:
    found = []
    for page in PAGES:
        for block in docblocks.blocks(page, "sh"):
            lines = (line.split("  #")[0].strip() for line in block.code.splitlines())
            found += [(page, line) for line in lines if line and block.runs]
    return found


@pytest.mark.parametrize("line", [line for _, line in shell_lines() if line.startswith("loaderd ")])
def test_loaderd_commands_run(line: str, folder: Path, environment: dict[str, str]) -> None:
    done = subprocess.run(
        ["sh", "-c", line], cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    none_runs = 3 if line.split()[1] in ("status", "stop") else 0  # nothing else has run in this folder
    assert done.returncode == none_runs, done.stdout + done.stderr
    assert done.stdout + done.stderr


GO_BLOCKS = [b for page in PAGES for b in docblocks.blocks(page, "go") if b.runs]


@pytest.mark.parametrize("block", GO_BLOCKS, ids=lambda b: f"{name(b.page)}:{b.line}")
def test_go_programs_run(block: docblocks.Block, folder: Path, environment: dict[str, str]) -> None:
    source, overlay, program = folder / "main.go", folder / "overlay.json", folder / "program"
    source.write_text(block.code)
    # The program is built as if it stood in the module, so that it may import the module's packages.
    overlay.write_text(json.dumps({"Replace": {str(ROOT / "cmd" / "of_a_document" / "main.go"): str(source)}}))
    build = ["go", "build", "-overlay", str(overlay), "-o", str(program), "./cmd/of_a_document"]
    subprocess.run(build, cwd=ROOT, check=True, timeout=300)
    done = subprocess.run(
        [str(program)], cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout


def test_make_targets_exist() -> None:
    mentioned = {m for page in PAGES for m in re.findall(r"`{0,3}\bmake ([a-z-]+)\b(?=[` ]|$)", code_of(page), re.M)}
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.M))
    assert mentioned
    assert mentioned <= targets


def code_of(page: Path) -> str:
    """All that ``page`` sets as code: its blocks, and what stands between backticks."""
    text = page.read_text(encoding="utf-8")
    inline = re.findall(r"(?<!`)`([^`\n]+)`(?!`)", text)
    return "\n".join([*inline, *(b.code for b in docblocks.blocks(page))])


def test_variables_of_the_documents_are_those_of_the_code() -> None:
    documented = set(re.findall(r"^\| `(LOADERD_[A-Z_]+)`", (ROOT / "README.md").read_text(encoding="utf-8"), re.M))
    sources = [*ROOT.glob("clients/python/src/**/*.py"), *ROOT.glob("ipc/*.go"), *ROOT.glob("cmd/**/*.go")]
    sources += [*ROOT.glob("internal/daemon/**/*.go"), *ROOT.glob("mapped/**/*.go")]
    used = {
        v
        for s in sources
        if not s.name.endswith("_test.go")
        for v in re.findall(r"\"(LOADERD_[A-Z_]+)\"", s.read_text(encoding="utf-8"))
    }
    assert used == documented


@pytest.mark.parametrize(
    ("text", "runs"),
    [
        pytest.param("```python\nx\n```\n", [True], id="a block runs"),
        pytest.param(
            "<!-- not run: a sketch -->\n```python\nx\n```\n```python\ny\n```\n",
            [False, True],
            id="a block after the comment does not, the next one does",
        ),
    ],
)
def test_blocks_are_found(tmp_path: Path, text: str, runs: list[bool]) -> None:
    page = tmp_path / "page.md"
    page.write_text(text)
    assert [b.runs for b in docblocks.blocks(page, "python")] == runs


def test_a_failing_block_names_its_line(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Title\n\n```python\nfine = 1\n```\n\n```python\n1 / 0\n```\n")
    done = subprocess.run(
        [sys.executable, docblocks.__file__, str(page)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert 'page.md", line 8' in done.stderr
