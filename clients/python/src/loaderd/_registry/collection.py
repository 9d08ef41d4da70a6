"""Collections of artifacts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from loaderd._errors import DoesNotExist, FieldValidationError, InvalidArgument, LoaderdWarning
from loaderd._progress import Progress
from loaderd._registry import caching, content, loading, mapping, opening, paths, together, tracking, wire
from loaderd._registry.artifact import Artifact
from loaderd._registry.artifacts import ArtifactSet
from loaderd._registry.fields import Field, Key, ToOne
from loaderd._registry.models import Made, Run, Transform
from loaderd._registry.queryset import QuerySet
from loaderd._registry.record import check_names
from loaderd._registry.related import ToMany
from loaderd._registry.versions import Versioned
from loaderd._warn import warn

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from typing_extensions import Self
    from upath import UPath

    from loaderd._mapped import Join
    from loaderd._registry.wire import Row
    from loaderd.collection import MappedCollection

_ALIASES: Final = {
    "data": "artifacts",
    "meta_artifact": "meta",
    "revises": "is_new_version_of",
    "version_tag": "version",
}
_POSITIONAL: Final = (
    "artifacts",
    "name",
    "version",
    "description",
    "meta",
    "reference",
    "reference_type",
    "run",
    "is_new_version_of",
)
_KEYWORDS: Final = (*_POSITIONAL, "key", "visibility")

_TABLES: Final = (".csv", ".tsv", ".parquet", ".feather", ".arrow", ".ipc")


class EmptyList(InvalidArgument, IndexError):
    """A collection is made of no artifacts."""


class NotArtifacts(InvalidArgument, AssertionError):
    """A collection is made of a list of something else than artifacts."""


class Collection(Versioned, Made):
    """Artifacts in an order.

    Which artifacts there are, and in which order, is what a collection is: the same ones again are the same record,
    under the name that it has, and others are another.

    Parameters
    ----------
    artifacts
        A list of `Artifact`, or a query set of them; one `Artifact`; a ``pandas.DataFrame``; or the path of a table or
        a folder, of which one artifact is made. Also called ``data``.
    name
        A name or title.
    version
        Text; None: the next whole number, once there is a second version.
    description
        A description.
    meta
        An `Artifact` that describes the members, or a ``pandas.DataFrame`` of which one is made. Also called
        ``meta_artifact``.
    reference, reference_type
        A URL or an external id, and what it is.
    run
        The run that makes it; None: that of `track`; False: none.
    is_new_version_of
        An older version, also called ``revises``.
    key
        A name like a path. What is saved under a key that is there is a new version of that.
    visibility
        0, or 1 to hide it.
    data, meta_artifact, revises, version_tag
        Other names of ``artifacts``, ``meta``, ``is_new_version_of`` and ``version``.

    Attributes
    ----------
    hash
        That of the members' content, whatever their order.
    artifact
        The one artifact that a collection of a table or a folder is; else None.
    transform, run
        What made it.
    artifacts, unordered_artifacts
        The members, in no order.
    ordered_artifacts
        The members in their order.
    ulabels, feature_sets
        Its labels, and its features.
    input_of, previous_runs
        The runs that read it, and those that made it before.

    Raises
    ------
    FieldValidationError
        A keyword is none of these.
    InvalidArgument
        The artifacts are something else, or there are none.

    Examples
    --------
    >>> collection = ln.Collection([artifact1, artifact2], name="My collection")  # doctest: +SKIP
    >>> collection.save()  # doctest: +SKIP
    """

    _model = "collection"
    _label = ("name", "key", "description")

    name: Field[str | None] = Field(str)
    key: Field[str | None] = Key()
    description: Field[str | None] = Field(str)
    hash: Field[str | None] = Field(str, fixed=True)
    order_hash: Field[str | None] = Field(str, fixed=True)
    reference: Field[str | None] = Field(str)
    reference_type: Field[str | None] = Field(str)
    meta_artifact: ToOne[Artifact | None] = ToOne("artifact")
    artifact: ToOne[Artifact | None] = ToOne("artifact", fixed=True)
    visibility: Field[int] = Field(int, choices=(0, 1, 2))
    transform: ToOne[Transform | None] = ToOne("transform")
    run: ToOne[Run | None] = ToOne("run")

    artifacts: ToMany[Artifact] = ToMany("artifact", "artifacts")
    unordered_artifacts: ToMany[Artifact] = ToMany("artifact", "artifacts")
    ordered_artifacts: ToMany[Artifact] = ToMany("artifact", "artifacts", in_order=True)
    ulabels: ToMany[Any] = ToMany("ulabel", "ulabels")
    feature_sets: ToMany[Any] = ToMany("featureset", "feature_sets")
    input_of: ToMany[Run] = ToMany("run", "input_of")
    previous_runs: ToMany[Run] = ToMany("run", "previous_runs")

    _artifacts: list[Artifact]  # the members of one that is not saved
    _appended: tuple[Artifact, ...] = ()  # those of them that it has beside the members of the version before

    def __init__(self, *args: Any, **fields: Any) -> None:
        self._begin()
        what = type(self).__name__
        if len(args) > len(_POSITIONAL):
            message = (
                f"{what} takes {len(_POSITIONAL)} arguments by position, not {len(args)}: {', '.join(_POSITIONAL)}"
            )
            raise FieldValidationError(message, stage="registry", object="artifacts")
        given = paths.renamed(what, fields, _ALIASES)
        for name, value in zip(_POSITIONAL, args, strict=False):
            if name in given:
                message = f"{what} got {name} both by position and by name"
                raise FieldValidationError(message, stage="registry", object=name)
            given[name] = value
        check_names(what, given, list(_KEYWORDS))
        self._fill(given)

    def _fill(self, given: dict[str, Any]) -> None:
        members, revised = given.pop("artifacts", None), given.pop("is_new_version_of", None)
        version, meta = given.pop("version", None), given.pop("meta", None)
        run = tracking.run_of(given.pop("run", None))
        for name, value in given.items():
            setattr(self, name, value)
        self.run = run
        self._revise(revised, version)
        try:
            self._artifacts = self._members_of(members)
            self.meta_artifact = meta if meta is None or isinstance(meta, Artifact) else self._made(meta, "metadata")
        except BaseException:
            self._take_number_back()
            raise
        hashes = sorted({artifact.hash for artifact in self._artifacts if artifact.hash is not None})
        self._values["hash"] = wire.hash_of(":".join(hashes).encode()) if hashes else None

    def _members_of(self, data: Any) -> list[Artifact]:
        """Make the list of members of what was given."""
        if isinstance(data, Artifact):
            self._note_one(data, data.suffix in _TABLES or data.n_files is not None)
            return [data]
        if isinstance(data, (list, tuple, ArtifactSet, QuerySet)):
            return self._checked(list(data))
        if content.otype_of(data) is None and paths.local_or_url(data) is None:
            message = f"a collection is not made of a {content.class_name(data)}: {data!r:.80}"
            hint = "give a list of artifacts, an artifact, a DataFrame, or the path of a table or a folder"
            raise InvalidArgument(message, stage="registry", object="artifacts", hint=hint)
        made = self._made(data, "data")
        self._note_one(made, True)
        return [made]

    def _note_one(self, artifact: Artifact, is_table: bool) -> None:
        if is_table:
            self._related["artifact"] = artifact
            self._values["artifact"] = artifact.uid

    def _made(self, data: Any, what: str) -> Artifact:
        """Make an artifact of data that were given in place of one."""
        title = self.description or self.name or self.key or "a collection"
        run = self._related.get("run")
        return Artifact(data, description=title if what == "data" else f"{what} of {title}", run=run or False)

    def _checked(self, members: list[Any]) -> list[Artifact]:
        if not members:
            hint = "give at least one"
            raise EmptyList("a collection of no artifacts", stage="registry", object="artifacts", hint=hint)
        for at, member in enumerate(members):
            if not isinstance(member, Artifact):
                message = f"artifacts[{at}] is a {type(member).__name__}, no Artifact: {member!r:.80}"
                raise NotArtifacts(message, stage="registry", object="artifacts")
        # The uid of one that is not saved is a guess, which others may share.
        once = {id(member) if member._state.adding else (member._using, member.uid): member for member in members}
        twice = len(members) - len(once)
        contents = {(one.hash, one.rest_hash) if one.hash is not None else key for key, one in once.items()}
        if twice:
            warn(f"{twice} of the artifacts are given more than once; each is a member once", LoaderdWarning)
        if len(contents) < len(once):
            warn(f"{len(once) - len(contents)} of the artifacts have the content of another one", LoaderdWarning)
        return list(once.values())

    # --- its life -------------------------------------------------------------------------------------------

    def save(self, using: str | None = None) -> Self:
        """Write the collection, and those of its artifacts that are not saved, in one step; or what was changed of it.

        Parameters
        ----------
        using
            The database to save to. None: the one it is of, else the default one.

        Returns
        -------
        Collection
            Itself. Of the same artifacts in the same order, the record that is there.
        """
        using = self._to(using)
        if not self._state.adding and using == self._using:
            return super().save(using)
        chain: list[Collection] = [*self._ahead(), self]
        members, revised = {id(one): one._members() for one in chain}, {id(one): one._revises for one in chain}
        held = [each for one in chain for each in (*members[id(one)], *one._described_by)]
        new = together.artifacts_of(held)
        named, told = together.unsaved(*chain, *new), {id(one) for one in new}
        how: Row = {"model": self._model}
        by_uid = [one for one in held if id(one) not in told]
        told_of = together.told_of_databases([*chain, *held], using, by_uid)
        if using is not None and all(one._using == using for one in by_uid):
            how["own"] = True
        with told_of, content.stored(*new), Progress("reading") as progress:
            how |= self._following(using) | self._sent(using, members[id(self)])
            answer = _asked(how, using, progress.tell)
            for artifact in new:
                artifact._follow(answer["tagged"][together.tag_of(artifact)], using, answer["notes"])
            for one in chain[:-1]:
                one._follow(answer["tagged"][together.tag_of(one)], using, answer["notes"])
            self._settle(answer, [one for one in self._appended or members[id(self)] if id(one) not in told], using)
            together.settle(named, using)
        for one in chain:
            if one._values.get("run") is not None:
                read, before = members[id(one)], revised[id(one)]
                tracking.track_inputs([*read, *([before] if before is not None else [])], one.run)
        return self

    @property
    def _described_by(self) -> list[Artifact]:
        """Give the metadata, and the one artifact that it is, as far as they are its own."""
        own = [name for name in ("meta_artifact", "artifact") if name not in self._taken()]
        return [one for one in (getattr(self, name) for name in own) if one is not None]

    def _sent(self, using: str | None, members: list[Artifact] | None = None) -> Row:
        """Give what a message says of it: what it is, and its members."""
        sent: Row = {"members": [one._named_in(using) for one in (self._members() if members is None else members)]}
        if self._appended:
            sent |= {"append": True, "whole": sent["members"], "members": sent["members"][-len(self._appended) :]}
        artifacts = {name: self._related.pop(name, None) for name in ("meta_artifact", "artifact")}
        known = {name: one for name, one in artifacts.items() if one is not None}
        try:
            sent |= super()._sent(using)
        finally:
            self._related |= known
        sent["record"] |= {name: one._named_in(using) for name, one in known.items() if name not in self._taken()}
        return sent

    def _settle(self, answer: Row, saved: list[Artifact], using: str | None) -> None:
        """Take what the registry answered to a save, for those of its artifacts, too, that were saved before."""
        key, revised = self.key, self._revises
        for artifact in saved:
            artifact._follow(_row_of(artifact, answer["members"]), using, answer["notes"])
        self._saved(answer, using)
        self._appended = ()
        if not answer["created"] and revised is None and key is not None and key == self.key:
            self._warn_of_newer()

    def _follow(self, row: Row, using: str | None, notes: Iterable[str]) -> None:
        base = self._revises
        if self._appended and base is not None and str(row["uid"])[: self._stem] != base.stem_uid:
            self._revises = None  # that turned out to be another one, whose members this one has not
        self._appended = ()
        super()._follow(row, using, notes)

    def append(self, artifact: Artifact, run: Any = None) -> Collection:
        """Make a new version that has one more artifact, at the end.

        What others append before it is saved comes before it.

        Parameters
        ----------
        artifact
            The artifact.
        run
            The run that makes it, as of the class.

        Returns
        -------
        Collection
            The new version, which is not saved.
        """
        members = self._members()
        made = type(self)([*members, artifact], meta=self.meta_artifact, run=run, is_new_version_of=self)
        made._appended = tuple(made._artifacts[len(members) :])
        if self._state.adding or "meta_artifact" not in self._changed:  # else it may never be saved there
            made._took["meta_artifact"] = self._values.get("meta_artifact")
        return made

    def restore(self) -> None:
        """Take the collection out of the trash."""
        self._check_saved("restore it")
        self._take(wire.call("restore", {"model": self._model, "uid": self.uid}, self._using), self._using)

    def _track_as_input(self, is_run_input: Any) -> None:
        tracking.track_inputs([self], is_run_input)

    # --- its data -------------------------------------------------------------------------------------------

    def _members(self) -> list[Artifact]:
        # Those in the trash too: a collection holds what it was made of; data that goes missing in silence is wrong.
        if not self._state.adding:
            return list(self.ordered_artifacts.filter(visibility=None))
        if self._gone and "_artifacts" not in vars(self):
            message = f"{self!r} is deleted for good, and its members with it"
            raise InvalidArgument(message, stage="registry", object="artifacts", hint="make it anew of its artifacts")
        return list(self._artifacts)

    def cache(self, is_run_input: Any = None) -> list[UPath]:
        """Have the data on this machine.

        Parameters
        ----------
        is_run_input
            Whether to note the collection as an input of the run: None as `context` is set, True, False, or a `Run`.

        Returns
        -------
        list of UPath
            Of each artifact in order, as of `Artifact.cache`; one call has them all.

        Raises
        ------
        NotFound, Unsupported, NotEnoughDisk
            As of `Artifact.cache`, of one of them.
        """
        found = caching.cached(self._members())
        self._track_as_input(is_run_input)
        return found

    def stage(self, is_run_input: Any = None) -> list[UPath]:
        """Do what `cache` does; its old name."""
        return self.cache(is_run_input)

    def load(self, join: str = "outer", is_run_input: Any = None, **kwargs: Any) -> Any:
        """Load all artifacts into memory, as one object.

        Parameters
        ----------
        join
            ``"outer"`` or ``"inner"``: the columns, or variables, of any of them or of all.
        is_run_input
            As of `cache`.
        **kwargs
            For ``pandas.concat`` or ``anndata.concat``.

        Returns
        -------
        pandas.DataFrame or anndata.AnnData
            In the order of the artifacts. ``obs`` has a column ``artifact_uid``.

        Raises
        ------
        InvalidArgument
            They do not all have the same suffix, or one of which there is no object.
        """
        loaded = loading.load_all(self._members(), join, kwargs)
        self._track_as_input(is_run_input)
        return loaded

    def open(self, engine: str = "pyarrow", is_run_input: Any = None, **kwargs: Any) -> Any:
        """Open tables as one dataset, without loading them; parameters as of `ArtifactSet.open`."""
        opened = opening.open_all(self._members(), engine, kwargs)
        self._track_as_input(is_run_input)
        return opened

    def mapped(
        self,
        layers_keys: str | Sequence[str] | None = None,
        obs_keys: str | Sequence[str] | None = None,
        obsm_keys: str | Sequence[str] | None = None,
        join: Join = "inner",
        encode_labels: bool | Sequence[str] = True,
        unknown_label: str | dict[str, str] | None = None,
        cache_categories: bool = True,
        parallel: bool = False,
        dtype: Any = None,
        stream: bool = False,
        is_run_input: Any = None,
        **more: Any,
    ) -> MappedCollection:
        """Map the AnnData among the artifacts as one dataset.

        Parameters
        ----------
        layers_keys, obs_keys, obsm_keys, join, encode_labels, unknown_label, cache_categories, parallel, dtype, stream
            As of `loaderd.mapped`.
        is_run_input
            As of `cache`.
        **more
            Further keywords of `loaderd.mapped`, such as ``obs_filter``; and ``label_keys``, the old name of
            ``obs_keys``.

        Returns
        -------
        MappedCollection
            Of the artifacts in their order; others than ``.h5ad`` and ``.zarr`` are left out with a warning.
        """
        given = {name: value for name, value in locals().items() if name not in ("self", "more")}
        return mapping.map_them(self, given, more)


def _asked(args: Row, using: str | None, tell: Any) -> Row:
    """Have the registry save a collection, and give its answer."""
    if args.pop("append", False):
        whole = args["whole"] if "before" in args else args.pop("whole")
        try:  # somebody else may have appended since, so that only the registry knows what comes before
            return wire.call("append", args, using, tell)  # type: ignore[no-any-return]
        except DoesNotExist:
            args["members"] = whole  # what it was appended to may be deleted for good
    return wire.call("save", args, using, tell)  # type: ignore[no-any-return]


def _row_of(member: Artifact, rows: list[Row]) -> Row:
    """Find what a member is in the database of its collection: by its uid, or, from another one, by its content."""
    sent = member._values
    of_uid = [row for row in rows if row["uid"] == sent["uid"]]
    same = of_uid or [row for row in rows if (row["hash"], row["size"]) == (sent.get("hash"), sent.get("size"))]
    return next((row for row in same if row["path"] == sent["path"]), same[0])
