"""Runs: which script or notebook made what, of what."""

from __future__ import annotations

import datetime as dt
import difflib
import json
import logging
import os
import sys
from dataclasses import dataclass
from typing import Any, Final

from loaderd._errors import FieldValidationError, InvalidArgument, LoaderdWarning, NotFound
from loaderd._registry import wire
from loaderd._registry.models import Run, Transform
from loaderd._warn import outside, warn

_MOST_SOURCE: Final = 1 << 20  # characters of a source that are kept

logger = logging.getLogger("loaderd")


@dataclass
class Context:
    """What runs now; `context` is the one of this process.

    Parameters
    ----------
    transform
        The script or notebook.
    run
        Its run.
    track_run_inputs
        Whether artifacts and collections that are read are noted as inputs of the run.
    """

    transform: Transform | None = None
    run: Run | None = None
    track_run_inputs: bool = True

    def __setattr__(self, name: str, value: Any) -> None:
        kinds = {"transform": (Transform, type(None)), "run": (Run, type(None)), "track_run_inputs": (bool,)}
        if name not in kinds:
            near = difflib.get_close_matches(name, kinds, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(kinds)}"
            raise AttributeError(f"the context has no {name!r}; {hint}")
        if not isinstance(value, kinds[name]):
            allowed = " or ".join("None" if kind is type(None) else kind.__name__ for kind in kinds[name])
            raise InvalidArgument(f"context.{name}={value!r}; it is {allowed}", stage="registry", object=name)
        super().__setattr__(name, value)


context = Context()


def track(
    transform: Transform | str | None = None,
    *,
    key: str | None = None,
    name: str | None = None,
    params: dict[str, Any] | None = None,
    path: Any = None,
    new_run: bool = False,
) -> Run:
    """Begin a run of the script or notebook that calls this.

    What is made from then on is of this run, and what is read is an input of it, until `finish`. A source that changed
    since its last run is a new version of the transform.

    Parameters
    ----------
    transform
        A transform, or the ``uid`` of one; None: that of the calling script or notebook.
    key
        The name of the transform; None: that of its file.
    name
        Its title.
    params
        Parameters of the run.
    path
        The file of the source; None: the caller's.
    new_run
        Begin another run even if one of this transform goes on.

    Returns
    -------
    Run
        The run, which `context` has, too.

    Raises
    ------
    FieldValidationError
        It is not known what calls, as in a notebook whose file is not known. Give ``key`` or ``path``.
    NotFound
        There is no file ``path``.
    """
    if isinstance(transform, str):
        transform = Transform.get(transform)
    if not isinstance(new_run, bool):
        raise _wrong("new_run", new_run, "a bool")
    if transform is not None and not isinstance(transform, Transform):
        raise _wrong("transform", transform, "a Transform, its uid, or None")
    if transform is None:
        if path is not None and not isinstance(path, (str, bytes, os.PathLike)):
            raise _wrong("path", path, "the path of a file, or None")
        if key is not None and not (isinstance(key, str) and key.strip()):
            raise _wrong("key", key, "a text such as 'train.py', or None")
        transform = _source_of(path, key, name)
    transform.save()
    if context.run is not None:
        if context.transform == transform and not new_run:
            return context.run
        finish()
    context.run = Run(transform=transform, params=params).save()
    context.transform = transform
    return context.run


def _wrong(name: str, value: Any, it_is: str) -> InvalidArgument:
    return InvalidArgument(f"track({name}={value!r}); it is {it_is}", stage="registry", object=name)


def finish() -> Run:
    """End the run that `track` began.

    Returns
    -------
    Run
        The run, with the time at which it ended.

    Raises
    ------
    InvalidArgument
        None goes on.
    """
    run = context.run
    if run is None:
        raise InvalidArgument("no run goes on", stage="registry", object="finish", hint="track() begins one")
    run.finished_at = dt.datetime.now(dt.timezone.utc)
    run.status = "finished"
    context.run = context.transform = None
    return run.save()


def _source_of(path: Any, key: str | None, name: str | None) -> Transform:
    """Make the transform of a script or notebook."""
    found = os.fsdecode(path) if path is not None else _notebook() or outside()
    if path is not None and not os.path.isfile(found):
        message = f"{found}: there is no such file"
        raise NotFound(message, stage="registry", object=found, hint=f"the working directory is {os.getcwd()}")
    if not os.path.isfile(found):
        if key is None:
            message = f"what calls track() is not known; {found!r} is no file"
            raise FieldValidationError(message, stage="registry", object="track", hint='track(key="name.ipynb")')
        # Nothing tells two versions of it apart, so it has one.
        known = Transform.filter(key=key, hash=None).last()
        return known or Transform(key=key, name=name, type="notebook" if key.endswith(".ipynb") else "script")
    with open(found, encoding="utf-8", errors="replace") as file:
        text = file.read()
    is_notebook = found.endswith(".ipynb")
    source = _code_of(text) if is_notebook else text
    return Transform(
        key=key or os.path.basename(found),
        name=name,
        type="notebook" if is_notebook else "script",
        hash=wire.hash_of(source.encode()),
        source_code=source if len(source) <= _MOST_SOURCE else None,
    )


def _notebook() -> str | None:
    """Name the file of the notebook that this is, as far as its front end says so; None: this is none."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is None or "ipykernel" not in sys.modules:
        return None
    named = shell.user_ns.get("__vsc_ipynb_file__") or os.environ.get("JPY_SESSION_NAME")
    return str(named) if named else "the notebook"


def _code_of(text: str) -> str:
    """Give the code of a notebook, which its outputs do not change."""
    try:
        cells = [cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]
        return "\n\n".join("".join(cell["source"]) for cell in cells)
    except (ValueError, KeyError, TypeError):
        return text


# --- inputs -----------------------------------------------------------------------------------------------------


def run_of(run: Any) -> Run | None:
    """Give the run that makes something: the one named, that of `track` for None, and none for False."""
    if run is None:
        return context.run
    if run is False:
        return None
    if not isinstance(run, Run):
        message = f"run={run!r}; it is a Run, None for that of track(), or False for none"
        raise InvalidArgument(message, stage="registry", object="run")
    return run


def track_inputs(records: list[Any], is_run_input: Any) -> None:
    """Note records as inputs of a run.

    What the run itself made is no input of it, and what is not saved cannot be noted.

    Parameters
    ----------
    records
        Artifacts and collections.
    is_run_input
        False: do not. None: of the run of `track`, if there is one. True: the same, with a warning if there is none.
        A `Run`: of that one.
    """
    if is_run_input is False or (is_run_input is None and not context.track_run_inputs):
        return
    if is_run_input not in (None, True) and not isinstance(is_run_input, Run):
        message = f"is_run_input={is_run_input!r}; it is None, a bool, or a Run"
        raise InvalidArgument(message, stage="registry", object="is_run_input")
    run = is_run_input if isinstance(is_run_input, Run) else context.run
    if run is None:
        if is_run_input:
            warn("no run goes on, so this is noted as an input of none; track() begins one", LoaderdWarning)
        else:
            logger.debug("read outside of a run: %s", records)
        return
    if run._state.adding:
        run.save()
    items = [
        [one._model, one.uid]
        for one in records
        if not one._state.adding and one._using == run._using and one._values.get("run") != run.uid
    ]
    if items:
        wire.call("input", {"run": run.uid, "items": items}, run._using)
