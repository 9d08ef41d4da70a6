"""The registry of artifacts, collections, versions and runs; the daemon has it, this shows it.

Names and behaviour are those of lamindb's documentation, so that its examples run with ``import loaderd as ln``.
"""

from loaderd._registry.artifact import Artifact
from loaderd._registry.artifacts import ArtifactQuerySet, ArtifactSet
from loaderd._registry.collection import Collection
from loaderd._registry.databases import add_database, databases
from loaderd._registry.foreign import from_lamindb
from loaderd._registry.models import Feature, FeatureSet, Run, Storage, Transform, ULabel, User
from loaderd._registry.q import Q
from loaderd._registry.queryset import QuerySet
from loaderd._registry.record import Record
from loaderd._registry.related import RelatedSet
from loaderd._registry.tracking import Context, context, finish, track

__all__ = [
    "Artifact",
    "ArtifactQuerySet",
    "ArtifactSet",
    "Collection",
    "Context",
    "Feature",
    "FeatureSet",
    "Q",
    "QuerySet",
    "Record",
    "RelatedSet",
    "Run",
    "Storage",
    "Transform",
    "ULabel",
    "User",
    "add_database",
    "context",
    "databases",
    "finish",
    "from_lamindb",
    "track",
]
