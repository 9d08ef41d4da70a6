"""What is asked of the loaders: the settings of the table, and which cases are measured in each."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from bench import peers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.data import Values
    from bench.job import Case, Format, Role

__all__ = ["DENSE", "EPOCHS", "GROUPS", "LOADER", "STOCK", "Setting", "known", "of_name", "pairs"]

#: The cases of loaderd: its own loader, and PyTorch's over its dataset.
LOADER = "loaderd, mapped.loader"
STOCK = "loaderd, DataLoader, 0 workers"


@dataclasses.dataclass(frozen=True)
class Setting:
    """What is asked of a loader.

    Parameters
    ----------
    name
        What records are filed under.
    format
        Form of ``X``.
    batch
        Rows of a batch.
    values
        What the files hold.
    panel
        Whether the panel's genes alone are wanted.
    roles
        Of the cases that are measured.
    without
        Cases that are not.
    alone
        The only cases that are, or none: all of these roles.
    """

    name: str
    format: Format
    batch: int = 128
    values: Values = "counts"
    panel: bool = False
    roles: tuple[Role, ...] = ("loaderd", "peer", "memory", "limit")
    without: tuple[str, ...] = ()
    alone: tuple[str, ...] = ()

    def measures(self, case: Case) -> bool:
        """Tell whether a case is measured."""
        named = case.name in self.alone if self.alone else case.name not in self.without
        return named and self.format in case.formats and case.role in self.roles


DENSE = Setting("dense", "dense")

# lamindb needs five seconds and more for a batch of 4096 without workers.
_SLOW = ("lamindb, DataLoader, 0 workers", STOCK)

#: Settings whose runs take turns with each other, because they are compared with each other.
GROUPS: dict[str, tuple[Setting, ...]] = {
    "dense": (
        DENSE,
        Setting("dense, log-normalised", "dense", values="lognorm", alone=(LOADER,)),
        Setting("dense, panel of 2,000", "dense", panel=True, alone=(LOADER,)),
    ),
    "csr": (
        Setting("csr", "csr"),
        Setting("csr, log-normalised", "csr", values="lognorm", alone=(LOADER,)),
    ),
    "4096": (
        Setting("dense, 4096", "dense", batch=4096, roles=("loaderd", "peer"), without=_SLOW),
        Setting("csr, 4096", "csr", batch=4096, roles=("loaderd", "peer")),
    ),
}

#: What is asked for in a first epoch; what takes two minutes and more there is left out.
EPOCHS = tuple(Setting(name, name, roles=("loaderd", "peer"), without=_SLOW) for name in ("dense", "csr"))


def of_name(name: str) -> Setting:
    """Return the setting of a name."""
    return next(setting for settings in GROUPS.values() for setting in settings if setting.name == name)


def pairs(settings: Sequence[Setting], cases: Sequence[Case]) -> list[tuple[Setting, Case]]:
    """Return what is measured in a group: each setting with each of the cases that can do it."""
    return [(setting, case) for setting in settings for case in cases if setting.measures(case)]


def known() -> dict[str, Case]:
    """Return all cases by name."""
    return {case.name: case for case in peers.cases()}
