"""What a collection looks like to people."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd
import pytest

import loaderd

Make = Callable[..., loaderd.MappedCollection]


class Table(HTMLParser):
    """The texts of a table's cells, and which of them are red; fails where tags do not match."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.red: list[str] = []
        self.titles: list[str] = []
        self._open: list[str] = []
        self._is_red = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "br":
            return
        self._open.append(tag)
        found = dict(attrs)
        self._is_red = "color" in (found.get("style") or "")
        self.titles += [found["title"] or ""] if "title" in found else []
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag
        self._is_red = False

    def handle_data(self, data: str) -> None:
        assert not ("td" in self._open and {"script", "b"} & set(self._open)), data
        if "td" in self._open or "th" in self._open:
            self.rows[-1][-1] += data
        if self._is_red:
            self.red.append(data)


def table(of: loaderd.MappedCollection) -> Table:
    parsed = Table()
    parsed.feed(of._repr_html_())
    parsed.close()
    assert parsed._open == []
    return parsed


@pytest.fixture
def paths(tmp_path: Path) -> list[str]:
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, genes, dtype, obs in (
            ("one", "abcd", np.float32, {"type": ["T", "B", "T"], "n": [1, 2, 3]}),
            ("<b>&two</b>", "bcd", np.float32, {"type": ["T", "B"], "n": [1.5, 2.0]}),
            ("three", "bcde", np.float64, {"n": [1, 2]}),
        ):
            obs_frame = pd.DataFrame(obs, index=[str(i) for i in range(len(obs["n"]))])
            made = anndata.AnnData(
                np.ones((len(obs_frame), len(genes)), dtype), obs_frame, pd.DataFrame(index=list(genes))
            )
            path = tmp_path / f"{name.replace('/', '|')}.h5ad"
            made.write_h5ad(path)
            found.append(str(path))
    return found


@pytest.mark.parametrize(
    ("options", "lines"),
    [
        pytest.param(
            {"obs_keys": ["type", "n"], "encode_labels": ["type"]},
            ["3 files · 7 cells × 3 genes (inner; 2 dropped)", "obs: type (2 labels), n", "1 file without obs/type"],
            id="an inner join",
        ),
        pytest.param({"join": "outer"}, ["3 files · 7 cells × 5 genes (outer)"], id="an outer join"),
        pytest.param({"join": None}, ["3 files · 7 cells × differing genes"], id="no join"),
        pytest.param(
            {"obs_filter": {"n": [1]}}, ["3 files · 2 cells × 3 genes (inner; 2 dropped) · filtered"], id="a filter"
        ),
    ],
)
def test_a_collection_is_shown_in_a_few_lines(
    mapped: Make, paths: list[str], options: dict[str, Any], lines: list[str]
) -> None:
    one = mapped(paths, **options)
    assert repr(one) == "MappedCollection: " + "\n  ".join(lines)
    one.close()
    assert "7 cells" in repr(one) or "2 cells" in repr(one)
    assert "· closed" in repr(one)


def test_a_closed_collection_that_was_never_shown_is_shown(mapped: Make, paths: list[str]) -> None:
    one = mapped(paths)
    one.close()
    assert repr(one) == "MappedCollection: 3 files · 7 cells × 3 genes (inner) · closed"
    assert "closed" in one._repr_html_()


def test_the_table_has_a_row_a_file_and_missing_columns_in_red(mapped: Make, paths: list[str]) -> None:
    found = table(mapped(paths, obs_keys=["type", "n"], encode_labels=["type"]))
    assert found.rows == [
        ["", "file", "cells", "genes", "joined genes", "missing", "types"],
        ["0", "one.h5ad", "3", "4", "3 (75%)", "", ""],
        ["1", "<b>&two<|b>.h5ad", "2", "3", "3 (100%)", "", "obs/n: float64"],
        ["2", "three.h5ad", "2", "4", "3 (75%)", "obs/type", "X: float64"],
    ]
    assert found.red == ["obs/type"]
    assert found.titles == paths


def test_a_table_of_many_files_stays_small(mapped: Make, paths: list[str]) -> None:
    one = mapped([paths[0]] * 90 + [paths[2]] * 10, obs_keys=["type"])
    found = table(one)
    assert len(found.rows) == 41
    assert found.rows[-1] == ["", "… and 61 more", "173", "", "", "10 of them lack something", ""]
    assert len(one._repr_html_()) < 20_000


def test_names_that_are_no_utf8_are_shown(mapped: Make, paths: list[str], tmp_path: Path) -> None:
    odd = tmp_path / "caf\udce9.h5ad"
    odd.write_bytes(Path(paths[0]).read_bytes())
    found = table(mapped([odd]))
    assert found.rows[1][1] == "caf\ufffd.h5ad"
