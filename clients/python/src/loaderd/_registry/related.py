"""The records that a record is related to: query sets that can be added to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from loaderd._errors import InvalidArgument
from loaderd._registry import wire
from loaderd._registry.queryset import SETS, QuerySet, class_of
from loaderd._registry.record import Record

if TYPE_CHECKING:
    from typing_extensions import Self

R = TypeVar("R", bound=Record)

CHANGES = {"ulabels": "labels", "artifacts": "members"}
"""The calls that change a relation."""


class RelatedSet(QuerySet[R]):
    """Records that one record is related to.

    A query set, with ``add``, ``remove``, ``set`` and ``clear`` where the relation is the user's to change.

    Parameters
    ----------
    record_class, using, of
        As of `QuerySet`.
    """

    _owner: Record | None = None  # the one record

    def add(self, *records: R) -> None:
        """Relate records; those that are already stay so.

        Parameters
        ----------
        *records
            Saved ones.
        """
        self._change(add=records)

    def remove(self, *records: R) -> None:
        """Relate records no longer; those that are not related are passed over.

        Parameters
        ----------
        *records
            Saved ones.
        """
        self._change(remove=records)

    def set(self, records: Any) -> None:
        """Relate these records and no others; where relations have an order, in this one.

        Parameters
        ----------
        records
            Saved ones.
        """
        wanted, had = list(records), self._whole()
        if self._in_order:
            if wanted != had:
                self._change(add=wanted, remove=had)
        else:
            self._change(add=[r for r in wanted if r not in had], remove=[r for r in had if r not in wanted])

    def clear(self) -> None:
        """Relate no record any longer."""
        self._change(remove=self._whole())

    def _whole(self) -> list[R]:
        """Give all that are related, those in the trash too."""
        return list(self.filter(visibility=None) if "visibility" in self._class._fields else self.all())

    def _change(self, add: Any = (), remove: Any = ()) -> None:
        assert self._of is not None
        model, uid, relation = self._of
        change = CHANGES.get(relation)
        if change is None or (change == "members" and model != "collection"):
            message = f"{relation} of a {model} follow from what was done; they are not set by hand"
            raise InvalidArgument(message, stage="registry", object=relation)
        args: dict[str, Any] = {"model": model, "uid": uid}
        for name, records in (("add", add), ("remove", remove)):
            for record in records:
                if not isinstance(record, self._class):
                    message = f"{relation}.{name}({record!r}); it takes {self._class.__name__} objects"
                    raise InvalidArgument(message, stage="registry", object=relation)
                record._check_saved(f"{name} it")
                if record._using != self._using:
                    its, own = (repr(each._using or "default") for each in (record, self))
                    message = f"{record!r} is of the database {its}, not of {own}"
                    hint = f"take that of this one: {self._class.__name__}.using(…).get(…)"
                    raise InvalidArgument(message, stage="registry", object=relation, hint=hint)
            args[name] = [record.uid for record in records]
        if args["add"] or args["remove"]:
            wire.call(change, args, self._using)
            if change == "members" and self._owner is not None:  # which has other hashes now
                row = wire.call("get", {"model": model, "uid": uid}, self._using)
                self._owner._values |= {name: row[name] for name in ("hash", "order_hash", "updated_at")}
        self._found = None


RELATED: dict[type[QuerySet[Any]], type[RelatedSet[Any]]] = {QuerySet: RelatedSet}
"""The class of related sets for each class of query sets."""


class ToMany(Generic[R]):
    """A relation to many records.

    Parameters
    ----------
    model
        The model of the others.
    relation
        Its name on the wire.
    in_order
        Whether the order in which the others were given is meant.
    """

    def __init__(self, model: str, relation: str, *, in_order: bool = False) -> None:
        self.model = model
        self.relation = relation
        self.in_order = in_order

    @overload
    def __get__(self, record: None, owner: type) -> Self: ...
    @overload
    def __get__(self, record: Record, owner: type) -> RelatedSet[R]: ...
    def __get__(self, record: Record | None, owner: type) -> Self | RelatedSet[R]:
        if record is None:
            return self
        record._check_saved(f"see its {self.relation}")
        cls = class_of(self.model)
        made = RELATED[SETS.get(cls, QuerySet)](cls, record._using, [record._model, str(record.uid), self.relation])
        made._in_order, made._owner = self.in_order, record
        return made

    def __set__(self, record: Record, value: Any) -> None:
        raise AttributeError(f"{type(record).__name__}.{self.relation} is a set: use its add, remove or set")
