"""What PyTorch, where it is in use, must be told of us, and what it tells us. Imports it only when asked to."""

from __future__ import annotations

import os
import sys
from typing import Any, Final

import numpy as np

from loaderd._errors import InvalidArgument

BFLOAT16: Final = "bfloat16"
"""The one type of batches that only torch has."""

_registered = False


def in_use() -> bool:
    """Tell whether this process has imported torch."""
    return "torch" in sys.modules


def register() -> None:
    """Tell torch, if it is in use, how to collate our rows and that our loaders are iterable datasets."""
    global _registered
    if _registered or not in_use():
        return
    try:
        # Documented as the way to extend `default_collate` to further types.
        from torch.utils.data import IterableDataset
        from torch.utils.data._utils.collate import default_collate_fn_map
    except ImportError:  # torch is being imported just now, or is a stub
        return
    from loaderd._batch import Batch
    from loaderd._rows import Row, collate_batches, collate_rows
    from loaderd.loader import Loader

    default_collate_fn_map[Row] = collate_rows
    default_collate_fn_map[Batch] = collate_batches
    if hasattr(type(IterableDataset), "register"):
        type(IterableDataset).register(IterableDataset, Loader)
    _registered = True


def in_worker() -> bool:
    """Tell whether this process is a worker of a ``DataLoader``."""
    if not in_use():
        return False
    from torch.utils.data import get_worker_info

    return get_worker_info() is not None


def worker_dataset() -> Any:
    """Give the dataset of the ``DataLoader`` whose worker this process is; None in others."""
    if not in_use():
        return None
    from torch.utils.data import get_worker_info

    info = get_worker_info()
    return None if info is None else info.dataset


def dtype_name(dtype: Any) -> str | None:
    """Give numpy's name of a dtype that comes as numpy's, as torch's, or as a string."""
    if dtype is None:
        return None
    name = str(dtype)
    if name.startswith("torch."):
        name = name.removeprefix("torch.")
    if name == BFLOAT16:  # which numpy lacks
        return BFLOAT16
    try:
        found = np.dtype(name if isinstance(dtype, str) or str(dtype) != name else dtype)
    except TypeError:
        found = np.dtype("O")
    if found.kind not in "biuf" or found.itemsize > 8:
        raise InvalidArgument(
            f"dtype={dtype!r} is not a type that batches can have",
            object="dtype",
            hint='such as "float32", np.float16, torch.bfloat16; None keeps that of the files',
        )
    return str(found.name)


def refuse_bfloat16(what: str) -> InvalidArgument:
    """Make the error for bfloat16 that was to be something else than a tensor."""
    return InvalidArgument(
        f"{what} is bfloat16, which numpy and scipy do not have",
        object="dtype",
        hint='take batches with to="torch", or use float16 or float32',
    )


def place(rank: int | None, world_size: int | None) -> tuple[int, int]:
    """Complete a rank and a number of ranks: from torch.distributed, from the launcher's variables, or (0, 1)."""
    if rank is None or world_size is None:
        found_rank, found_size = _found_place()
        rank = found_rank if rank is None else rank
        world_size = found_size if world_size is None else world_size
    if not 0 <= rank < world_size:
        raise InvalidArgument(
            f"rank={rank} of world_size={world_size}: a rank is at least 0 and below the number of ranks",
            object="rank",
            hint="give both, or neither to take them from torch.distributed or RANK and WORLD_SIZE",
        )
    return rank, world_size


def _found_place() -> tuple[int, int]:
    if "torch.distributed" in sys.modules:
        import torch.distributed as dist

        if dist.is_available() and dist.is_initialized():
            return dist.get_rank(), dist.get_world_size()
    rank, size = os.environ.get("RANK"), os.environ.get("WORLD_SIZE")
    if rank and size:
        try:
            return int(rank), int(size)
        except ValueError:
            raise InvalidArgument(
                f"RANK={rank!r} and WORLD_SIZE={size!r} are not numbers", object="RANK", hint="give rank and world_size"
            ) from None
    return 0, 1
