"""Exactly shuffled, ready-made training batches from many AnnData files, in shared memory.

`mapped` makes a dataset of files, `MappedCollection.loader` a loader of its batches::

    import loaderd

    mapped = loaderd.mapped(["a.h5ad", "b.h5ad"], obs_keys=["cell_type"], join="inner")
    for batch in mapped.loader(batch_size=128, shuffle=True, seed=0):
        x, y = batch["X"], batch["cell_type"]

How long a batch lives
----------------------
1. What you hold stays as it is: the arrays and tensors of a batch are yours for as long as anything refers to them,
   views and slices included, and you may write into them.
2. Large ones are views of shared memory and keep their place in it; ones below 64 KiB, such as labels, are copies.
3. When the last view of a batch is gone, its memory is used for a later batch.
4. If you keep so many batches that no room is left, further ones are copied into ordinary memory and you are told once.
5. A forked child does not inherit connections: what it uses attaches again by itself.
"""

from loaderd import models, transforms
from loaderd._batch import CSR, Batch
from loaderd._daemon import status, stop
from loaderd._encoders import Encoders
from loaderd._errors import (
    BadFile,
    BatchesHeldWarning,
    Busy,
    Closed,
    CoverageWarning,
    DaemonGone,
    DaemonRestartedWarning,
    DoesNotExist,
    FieldError,
    FieldValidationError,
    IndexOutOfRange,
    IntegrityError,
    InternalError,
    InvalidArgument,
    LoaderdError,
    LoaderdWarning,
    MultipleResultsFound,
    NoElement,
    NoSharedVars,
    NotEnoughDisk,
    NotEnoughMemory,
    NotFound,
    ProtectedError,
    ProtocolError,
    RegistryError,
    SourceChanged,
    UnknownKey,
    Unsupported,
    VersionError,
)
from loaderd._mapped import mapped
from loaderd._registry import (
    Artifact,
    ArtifactQuerySet,
    ArtifactSet,
    Collection,
    Feature,
    FeatureSet,
    Q,
    QuerySet,
    Run,
    Storage,
    Transform,
    ULabel,
    User,
    add_database,
    context,
    databases,
    finish,
    from_lamindb,
    track,
)
from loaderd._rowstore import RowStore
from loaderd._version import __version__
from loaderd.collection import MappedCollection
from loaderd.loader import Loader

__all__ = [
    # the dataset, its loader, and what they yield
    "mapped",
    "MappedCollection",
    "Encoders",
    "Loader",
    "Batch",
    "CSR",
    "transforms",
    "RowStore",
    # the registry
    "Artifact",
    "Collection",
    "Storage",
    "User",
    "Transform",
    "Run",
    "ULabel",
    "Feature",
    "FeatureSet",
    "Q",
    "QuerySet",
    "ArtifactSet",
    "ArtifactQuerySet",
    "models",
    "track",
    "finish",
    "context",
    "from_lamindb",
    "databases",
    "add_database",
    # the daemon
    "status",
    "stop",
    # errors
    "LoaderdError",
    "BadFile",
    "Busy",
    "Closed",
    "DaemonGone",
    "DoesNotExist",
    "FieldError",
    "FieldValidationError",
    "IndexOutOfRange",
    "IntegrityError",
    "InternalError",
    "InvalidArgument",
    "MultipleResultsFound",
    "NoElement",
    "NoSharedVars",
    "NotEnoughDisk",
    "NotEnoughMemory",
    "NotFound",
    "ProtectedError",
    "ProtocolError",
    "RegistryError",
    "SourceChanged",
    "UnknownKey",
    "Unsupported",
    "VersionError",
    # warnings
    "LoaderdWarning",
    "BatchesHeldWarning",
    "CoverageWarning",
    "DaemonRestartedWarning",
    "__version__",
]
