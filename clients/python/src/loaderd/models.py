"""The classes of the registry, under the name that lamindb has for them."""

from loaderd._registry import (
    Artifact,
    ArtifactQuerySet,
    ArtifactSet,
    Collection,
    Feature,
    FeatureSet,
    Q,
    QuerySet,
    Record,
    RelatedSet,
    Run,
    Storage,
    Transform,
    ULabel,
    User,
)

__all__ = [
    "Artifact",
    "ArtifactQuerySet",
    "ArtifactSet",
    "Collection",
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
]
