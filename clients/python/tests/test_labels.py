"""Labels, categories and weights of a whole collection, by pandas and by the reference's rules."""

from __future__ import annotations

import pickle
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import labelfiles
import loaderd

FILTERS: list[Any] = [None, {"grade": [1, 10]}, "grade > 100"]


@pytest.fixture(scope="module", params=["h5ad", "zarr"])
def written(request: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str], list[Any]]:
    """Three files; the second has few of the columns."""
    frames = [labelfiles.frame(0, 60), labelfiles.frame(1, 40), labelfiles.frame(3, 30)]
    frames[1] = frames[1][["grade", "nullable", "n_counts"]]
    return labelfiles.write(tmp_path_factory.mktemp("files"), request.param, frames), frames


@pytest.fixture
def made(written: Any, daemon: Any) -> tuple[list[str], list[Any]]:
    """The files, and a daemon to read them."""
    paths, frames = written
    return paths, frames


def kept(frames: list[Any], chosen: Any) -> list[Any]:
    """Apply one of FILTERS."""
    if chosen is None:
        return frames
    return [obs[obs["grade"].isin([1, 10] if isinstance(chosen, dict) else [])] for obs in frames]


def plain(labels: Any) -> list[Any]:
    """Give labels as Python has them; None for a missing one."""
    return [None if isinstance(v, float) and v != v else v for v in labels.tolist()]


@pytest.mark.parametrize("obs_keys", [None, labelfiles.COLUMNS], ids=["columns not asked for", "columns asked for"])
@pytest.mark.parametrize("chosen", FILTERS, ids=["all rows", "filtered", "no rows"])
def test_labels_are_those_of_all_rows_in_order(made: Any, chosen: Any, obs_keys: Any) -> None:
    paths, frames = made
    with loaderd.mapped(paths, obs_keys=obs_keys, obs_filter=chosen, unknown_label="B") as data:
        for key in labelfiles.COLUMNS:
            found = data.get_merged_labels(key)
            assert len(found) == len(data)
            assert plain(found) == labelfiles.labels(kept(frames, chosen), key), key


DTYPES: list[tuple[list[int], str, Any]] = [
    ([0], "kind", object),
    ([0], "text", object),
    ([0], "count", np.int64),
    ([2], "count", np.int32),
    ([0, 2], "count", np.int64),
    ([0, 1], "count", object),  # some labels are missing
    ([0], "score", np.float32),
    ([0, 2], "score", np.float64),
    ([0, 1], "score", np.float32),
    ([0], "good", np.bool_),
    ([0, 1], "good", object),
    ([0], "grade", np.int64),
    ([0], "flag", np.bool_),
    ([0], "nullable", object),
]


def test_dtypes_are_what_numpy_promotes_to_and_object_beside_missing_labels(made: Any) -> None:
    for files, key, dtype in DTYPES:
        with loaderd.mapped([made[0][i] for i in files]) as data:
            assert data.get_merged_labels(key).dtype == dtype, (files, key)


def test_categories_are_the_sorted_union_whatever_the_filter(made: Any) -> None:
    paths, frames = made
    union: dict[str, set[Any]] = {key: set() for key in labelfiles.COLUMNS}
    for obs in frames:
        for key in obs:
            union[key] |= set(obs[key].cat.categories if hasattr(obs[key], "cat") else obs[key].dropna())
    given: list[dict[str, Any]] = [
        {},
        {"obs_filter": "grade == 1"},
        {"obs_keys": labelfiles.COLUMNS, "unknown_label": "B"},
    ]
    for options in given:
        with loaderd.mapped(paths, **options) as data:
            for key, labels in union.items():
                assert data.get_merged_categories(key) == sorted(labels)


@pytest.mark.parametrize("chosen", FILTERS, ids=["all rows", "filtered", "no rows"])
def test_weights_count_the_labels_as_text(made: Any, chosen: Any) -> None:
    paths, frames = made
    with loaderd.mapped(paths, obs_filter=chosen) as data:
        assert len(data) == sum(len(obs) for obs in kept(frames, chosen))
        for keys in [[key] for key in labelfiles.COLUMNS] + [["kind", "good"], ["grade", "nullable", "score"]]:
            columns = [data.get_merged_labels(key).astype(str) for key in keys]
            texts = ["__".join(parts) for parts in zip(*columns, strict=True)]
            n = Counter(texts)
            for scaler in None, 10, 0.5:
                weight = {t: 1.0 / n[t] if scaler is None else scaler / (n[t] + scaler) for t in n}
                found = data.get_label_weights(keys[0] if len(keys) == 1 else keys, scaler)
                assert found.dtype == np.float64
                assert found.tolist() == [weight[t] for t in texts]
                by_label = data.get_label_weights(keys, scaler=scaler, return_categories=True)
                assert list(by_label.items()) == list(weight.items())  # in the order of the rows


def test_missing_labels_are_a_class_spelled_nan(made: Any) -> None:
    paths, frames = made
    texts = [str(v) if v is not None else "nan" for v in labelfiles.labels(frames, "kind")]
    with loaderd.mapped(paths) as data:
        weights = data.get_label_weights("kind", return_categories=True)
    assert weights == {t: 1 / n for t, n in Counter(texts).items()}
    assert texts.count("nan") > 40  # those of the file without the column among them


def test_a_key_that_no_file_has(made: Any) -> None:
    with loaderd.mapped(made[0]) as data:
        assert data.get_merged_categories("nope") == []
        for ask in data.get_merged_labels, data.get_label_weights:
            for kind in ValueError, KeyError, loaderd.UnknownKey:
                with pytest.raises(kind, match="did you mean `kind`"):
                    ask("kidn")
        with pytest.raises(loaderd.InvalidArgument, match="at least one"):
            data.get_label_weights([])


def test_text_in_one_file_and_numbers_in_another(tmp_path: Path, daemon: Any) -> None:
    frames = [pd.DataFrame({"x": ["1", "nan"]}, index=["a", "b"]), pd.DataFrame({"x": [1, 2]}, index=["c", "d"])]
    paths = labelfiles.write(tmp_path, "h5ad", frames)
    with loaderd.mapped(paths) as data:
        assert data.get_merged_labels("x").tolist() == ["1", "nan", 1, 2]
        assert data.get_label_weights("x").tolist() == [0.5, 1.0, 0.5, 1.0]
        with pytest.raises(loaderd.InvalidArgument, match="no common order"):
            data.get_merged_categories("x")


def test_nothing_is_kept_for_each_cell_until_it_is_asked_for(made: Any) -> None:
    with loaderd.mapped(made[0], obs_filter="grade == 1") as data:
        assert data._indices is None
        first = data.indices
        assert data.indices is first
        assert data.indices_list[0].base is not None  # views
        with pickle.loads(pickle.dumps(data)) as copy:
            assert copy._indices is None
            assert copy.indices.tolist() == first.tolist()
