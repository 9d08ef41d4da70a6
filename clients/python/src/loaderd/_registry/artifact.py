"""Artifacts: files and folders of data."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Literal

from loaderd._arguments import choice
from loaderd._errors import FieldValidationError, InvalidArgument, LoaderdWarning
from loaderd._progress import Progress
from loaderd._registry import caching, content, loading, mapping, opening, paths, together, tracking, wire
from loaderd._registry.fields import Field, Key, ToOne
from loaderd._registry.models import Made, Run, Storage, Transform
from loaderd._registry.record import TRASH, check_names
from loaderd._registry.related import ToMany
from loaderd._registry.versions import Versioned
from loaderd._warn import warn
from loaderd._wire import path_on_wire

if TYPE_CHECKING:
    from collections.abc import Iterable

    from typing_extensions import Self
    from upath import UPath

    from loaderd._registry.artifacts import ArtifactQuerySet
    from loaderd._registry.wire import Row
    from loaderd.collection import MappedCollection

_ALIASES = {"revises": "is_new_version_of", "version_tag": "version", "path": "data"}
_NAMES = ("key", "description", "run")
"""Of which an artifact has one at least."""
_KEYWORDS = ("data", "key", "description", "version", "run", "is_new_version_of", "kind", "otype", "visibility")


class Artifact(Versioned, Made):
    """A file or folder of data.

    What the registry has already, by its content, becomes this object, under the key that it has there. Other content
    under a key that is there is a new version of that.

    Parameters
    ----------
    data
        The path of a file or folder; a ``pandas.DataFrame`` or ``anndata.AnnData``, which is written to the registry's
        storage when it is saved; or a URL, which is noted and not read. A file stays where it is.
    key
        A name like a path. One of ``key``, ``description`` and ``run`` must be given, unless the content is known.
        Data in memory are written in the format that the key ends with: ``.parquet``, ``.csv``, ``.tsv``, ``.feather``,
        ``.arrow`` or ``.ipc``, and ``.h5ad``; without such an ending, as parquet and h5ad.
    description
        A description.
    version
        Text; None: the next whole number, once there is a second version.
    run
        The run that made it; None: that of `track`; False: none.
    is_new_version_of
        An older version, also called ``revises``.
    kind
        What it is for: ``"dataset"``, ``"model"``, or a word of your own.
    otype
        What it is in memory, ``"AnnData"`` or ``"DataFrame"``; None: as its suffix says.
    visibility
        0, or 1 to hide it.
    name, meta
        Of a collection: with one of these a `Collection` is made of the data instead.
    revises, version_tag, path
        Other names of ``is_new_version_of``, ``version`` and ``data``.

    Attributes
    ----------
    suffix
        The ending that says its format, composite ones whole.
    size
        Bytes.
    hash, hash_type
        That of its content, and how it is made: ``"md5"``, ``"sha1-fl"``, or ``"md5-d"`` of a folder.
    rest_hash
        A hash of what ``hash`` leaves out: the names of a folder's files, samples of the middle of a large file.
    n_files
        How many files a folder has.
    n_observations
        Rows.
    storage
        Where it lies.
    transform, run
        What made it.
    ulabels, feature_sets
        Its labels, and its features.
    input_of, previous_runs
        The runs that read it, and those that made it before.
    collections
        Those that hold it.

    Raises
    ------
    NotFound
        There is no such file.
    InvalidArgument
        The data are of another type, or have neither key nor description nor run.

    Examples
    --------
    >>> artifact = ln.Artifact("a.h5ad", key="atlas/a.h5ad").save()  # doctest: +SKIP
    >>> artifact.hash, artifact.size, artifact.n_observations  # doctest: +SKIP
    """

    _model = "artifact"
    _label = ("key", "description")

    key: Field[str | None] = Key()
    description: Field[str | None] = Field(str)
    storage: ToOne[Storage] = ToOne("storage", fixed=True)
    suffix: Field[str] = Field(str)
    kind: Field[str | None] = Field(str)
    otype: Field[str | None] = Field(str)
    size: Field[int | None] = Field(int, fixed=True)
    hash: Field[str | None] = Field(str, fixed=True)
    hash_type: Field[str | None] = Field(str, fixed=True)
    rest_hash: Field[str | None] = Field(str, fixed=True)
    n_files: Field[int | None] = Field(int, fixed=True)
    n_observations: Field[int | None] = Field(int, least=0)
    visibility: Field[int] = Field(int, choices=(0, 1, 2))
    transform: ToOne[Transform | None] = ToOne("transform")
    run: ToOne[Run | None] = ToOne("run")

    ulabels: ToMany[Any] = ToMany("ulabel", "ulabels")
    feature_sets: ToMany[Any] = ToMany("featureset", "feature_sets")
    input_of: ToMany[Run] = ToMany("run", "input_of")
    previous_runs: ToMany[Run] = ToMany("run", "previous_runs")
    collections: ToMany[Any] = ToMany("collection", "collections")

    _written: content.Written | None = None  # what was in memory, until it is saved
    _again = False  # the registry has it, and there is more to saving it than what is changed: it is in the trash, say
    _maker: Run | None = None  # the run that makes again what the registry has

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """Make a collection where what is asked for is one: of a folder with metadata."""
        if "meta" in kwargs or "name" in kwargs:
            from loaderd._registry.collection import Collection

            return Collection(*args, **kwargs)
        return super().__new__(cls)

    def __init__(self, data: Any = None, /, **fields: Any) -> None:
        self._begin()
        fields = paths.renamed(type(self).__name__, fields, _ALIASES)
        check_names(type(self).__name__, fields, list(_KEYWORDS))
        data = paths.only_one(type(self).__name__, "data", data, fields)
        run = tracking.run_of(fields.pop("run", None))
        revised, version = fields.pop("is_new_version_of", None), fields.pop("version", None)
        for name, value in fields.items():
            setattr(self, name, value)
        given = {name: self._values.get(name) for name in fields} | {"version": version}
        self.run = run
        if revised is None:
            self._check_named()
        self._revise(revised, version)
        try:
            self._find(data, given)
        except BaseException:
            self._take_number_back()
            raise

    def _check_named(self) -> None:
        if not any(self._has(name) for name in _NAMES):
            message = "an artifact has a key or a description, or was made by a run; this one has none of them"
            hint = 'give key="…" or description="…", or call track() first'
            raise FieldValidationError(message, stage="registry", object="key", hint=hint)

    def _find(self, data: Any, given: dict[str, Any]) -> None:
        """Ask what the registry would make of the data."""
        path, facts = paths.local_or_url(data), {}
        if path is None:
            storage = wire.call("settings", {}, self._using)["storage"]
            self._written = content.write(data, self.key, storage)
            path, facts = self._written.path, self._written.facts
        asked = self._row(whole=True) | facts | {"path": path_on_wire(path), "save": False}
        asked.pop("run", None)  # which may be of the database that it will be saved to
        if self._revises_unknown:
            asked |= self._taken()
        elif self._revises is not None:
            asked |= {"revises": self._revises.uid, "names": self._taken()}
        with Progress("hashing") as progress:
            answer = wire.call("register", asked, self._using, progress.tell)
        self._settle(answer["record"], given)
        self._again = not self._state.adding and bool(answer.get("notes"))

    def _settle(self, row: Row, given: dict[str, Any]) -> None:
        """Become what the registry made of the data: what it has already, or what is to be saved."""
        run, chosen = self._related.get("run"), self.version is not None and not self._counted
        if row.get("id") is not None:
            return self._become(row, given)
        if self._revises_unknown and self._revises is not None:
            row |= {name: self._values[name] for name in ("uid", "version")}
        taken = self._taken()
        self._take(row, self._using)
        self._took = {name: row.get(name) for name in taken}
        self._counted = not chosen
        if self._written is not None:
            self._written.belong(str(self.uid))
        if run is not None:
            self.run = run
        return None

    @property
    def _revises_unknown(self) -> bool:
        """Whether the registry does not know what it follows: that is not saved yet, or is of another database."""
        revised = self._revises
        return revised is not None and (revised._state.adding or revised._using != self._using)

    def _become(self, row: Row, given: dict[str, Any]) -> None:
        """Become what the registry has already, with what was given beside the data as far as that has none of it."""
        run, revised = self._related.get("run"), self._revises
        self._take(row, self._using)
        self._counted = False
        self._revise_nothing()
        there = wire.call("get", {"model": self._model, "uid": self.uid}, self._using)
        if self._written is not None:
            if self._where() != self._written.path and os.path.exists(self._where()):
                self._written.remove()
                self._written = None
                self._warn_of_file()
            else:
                self._written.belong(str(self.uid))
                self._written.replace(paths.from_wire(there["path"]))
        if revised is not None:  # the names and the number of what it is not
            given = {name: given[name] for name in given if name not in ("key", "version")}
        elif given.get("key") == there["key"]:
            self._warn_of_newer()
        self._add_given(given, there)
        self._maker = run  # the registry knows whether it is the first

    def _warn_of_file(self) -> None:
        """Say that the data, which are those of a file of the user, are not kept in the storage."""
        path = self._where()
        if os.path.basename(os.path.dirname(path)) != content.FOLDER:
            said = f"is registered already as {self._named()!r} ({self.uid}), at {path}, and is not stored once more"
            warn(f"this content {said}; it is lost when something else is written there", LoaderdWarning)

    def _add_given(self, given: dict[str, Any], there: Row) -> None:
        """Set what is given where the record that is there has nothing, and say so where it has something else."""
        for name, value in given.items():
            has = there[name]
            if value is None or value == has:
                continue
            if name == "key" and value == self._values[name]:  # one in the trash, whose own is another's, comes back so
                continue
            if has is None:
                self._values[name] = value
                self._changed.add(name)
            elif name != "visibility" or has != TRASH:
                said = f"whose {name} is {has!r} and stays that, not {value!r}"
                hint = "what is set afterwards is saved by save()"
                warn(
                    f"this content is registered already as {self._named()!r} ({self.uid}), {said}; {hint}",
                    LoaderdWarning,
                )

    if TYPE_CHECKING:  # for those who type what they map

        @classmethod
        def filter(cls, *queries: Any, **lookups: Any) -> ArtifactQuerySet:
            raise NotImplementedError

    # --- its life -------------------------------------------------------------------------------------------

    def save(self, using: str | None = None) -> Self:
        """Write the artifact to the registry, or what was changed of it.

        Parameters
        ----------
        using
            The database to save to. None: the one it is of, else the default one.

        Returns
        -------
        Artifact
            Itself.
        """
        using = self._to(using)
        ahead = self._ahead()
        for one in (*ahead, self):
            if one._changed.intersection(_NAMES):
                one._check_named()
        with content.stored(*ahead, self):
            if not self._state.adding and using == self._using:
                path, again = self._values["path"], self._is_news or self._maker is not None
                if self._changed or not again:
                    super().save(using)
                if not again:
                    return self
                self._values["path"] = path  # where it lies now, which the registry hears next
            args: Row = {"model": self._model, "record": self._row(using, whole=True)} | self._following(using)
            named = together.unsaved(self, *ahead)
            if self._maker is not None:
                named += together.named(self, "run", self._maker)
                args["record"]["run"] = together.row_of(self._maker, using)
            with together.told_of_databases([*ahead, self], using), Progress("reading") as progress:
                answer = wire.call("save", args, using, progress.tell)
            self._maker = None
            for one in ahead:
                one._follow(answer["tagged"][together.tag_of(one)], using, answer["notes"])
            self._saved(answer, using)
            together.settle(named, using)
            self._again = False
        return self

    def _row(self, using: str | None = None, *, whole: bool = False) -> Row:
        """Give what is to be saved."""
        row = super()._row(using, whole=whole)
        if "path" in self._values:
            row["path"] = self._values["path"]
        return row

    @property
    def _is_news(self) -> bool:
        """Whether the registry is to hear more of it than its ``uid`` when something that names it is saved."""
        return self._state.adding or self._again or self._written is not None

    def _named_in(self, using: str | None) -> Any:
        """Give what a message says of it where it is a member, or describes others."""
        if not self._is_news:  # the registry itself takes over to another database what is saved in the default one
            return self.uid
        return self._row(using, whole=True) | {"tag": together.tag_of(self)} | self._following(using)

    def _follow(self, row: Row, using: str | None, notes: Iterable[str]) -> None:
        super()._follow(row, using, notes)
        self._again = False

    def restore(self) -> None:
        """Take the artifact out of the trash."""
        self._check_saved("restore it")
        self._take(wire.call("restore", {"model": self._model, "uid": self.uid}, self._using), self._using)

    def _track_as_input(self, is_run_input: Any) -> None:
        tracking.track_inputs([self], is_run_input)

    # --- its data -------------------------------------------------------------------------------------------

    @property
    def path(self) -> UPath:
        """Where it is stored: a ``UPath``, a ``pathlib.Path`` if it is on this machine."""
        return paths.upath(self._where())

    def _where(self) -> str:
        return paths.from_wire(self._values["path"])

    def cache(self, is_run_input: Any = None) -> UPath:
        """Have the data on this machine.

        Parameters
        ----------
        is_run_input
            Whether to note it as an input of the run: None as `context` is set, True, False, or a `Run`.

        Returns
        -------
        UPath
            Where they can be read: where they are stored, or, if that is below a folder that ``LOADERD_CACHE_COPY``
            names, their copy, which is made or renewed first.

        Raises
        ------
        NotFound
            They are gone, and there is no copy.
        Unsupported
            They are remote.
        NotEnoughDisk
            There is no room for a copy.
        """
        (found,) = caching.cached([self])
        self._track_as_input(is_run_input)
        return found

    def stage(self, is_run_input: Any = None) -> UPath:
        """Do what `cache` does; its old name."""
        return self.cache(is_run_input)

    def load(self, is_run_input: Any = None, *, join: str = "outer", **kwargs: Any) -> Any:
        """Load the data into memory.

        Parameters
        ----------
        is_run_input
            As of `cache`.
        join
            As of `Collection.load`: ``"outer"`` or ``"inner"``. Of one artifact, nothing is joined.
        **kwargs
            For what reads the file: ``pandas.read_parquet``, ``anndata.read_h5ad`` and so on.

        Returns
        -------
        pandas.DataFrame or anndata.AnnData
            Of ``.parquet``, ``.csv``, ``.tsv``, ``.feather``, ``.arrow`` and ``.ipc``; of ``.h5ad`` and ``.zarr``.

        Raises
        ------
        InvalidArgument
            There is no object of this suffix.
        """
        choice("join", join, loading.JOINS)
        loaded = loading.load_one(self, kwargs)
        self._track_as_input(is_run_input)
        return loaded

    def open(self, engine: Literal["pyarrow", "polars"] = "pyarrow", is_run_input: Any = None, **kwargs: Any) -> Any:
        """Open a table, or a folder of tables, without loading it; parameters as of `ArtifactSet.open`."""
        opened = opening.open_all([self], engine, kwargs)
        self._track_as_input(is_run_input)
        return opened

    def mapped(self, is_run_input: Any = None, **kwargs: Any) -> MappedCollection:
        """Map the artifact as a dataset; further parameters are those of `loaderd.mapped`."""
        return mapping.map_them(self, {"is_run_input": is_run_input}, kwargs)

    @classmethod
    def from_df(cls, df: Any, /, **fields: Any) -> Self:
        """Make an artifact of a ``pandas.DataFrame``; fields as of the class."""
        if content.otype_of(df) != "DataFrame":
            raise _other(df, "pandas.DataFrame")
        return cls(df, **fields)

    @classmethod
    def from_dataframe(cls, df: Any, /, **fields: Any) -> Self:
        """Make an artifact of a ``pandas.DataFrame``; fields as of the class."""
        return cls.from_df(df, **fields)

    @classmethod
    def from_anndata(cls, adata: Any, /, **fields: Any) -> Self:
        """Make an artifact of an ``anndata.AnnData``, or of the path of one; fields as of the class."""
        if content.otype_of(adata) != "AnnData" and paths.local_or_url(adata) is None:
            raise _other(adata, "anndata.AnnData, or path of one")
        made = cls(adata, **fields)
        if made.otype != "AnnData":
            made._take_number_back()
            raise _other(adata, "file or store of an AnnData")
        return made


def _other(data: Any, wanted: str) -> InvalidArgument:
    message = f"{data!r:.80} is a {content.class_name(data)}, no {wanted}"
    return InvalidArgument(message, stage="registry", object="data", hint="Artifact(…) takes any of them, and any file")
