"""Vectors with metadata: the values that a ``VectorStore`` keeps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from facerec.core.ids import group_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Metadata: TypeAlias = Mapping[str, str | float]
"""Metadata of a vector: flat and without nulls, so that every vector database can store it."""


@dataclass(frozen=True, slots=True)
class SharedField:
    """A metadata field that all vectors of a group have with the same value.

    Attributes:
        name: Name of the field.
        values: Value of the field, by group.
    """

    name: str
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class VectorRecord:
    """A stored vector without its values.

    Attributes:
        id: A lowercase UUID.
        metadata: Text and numbers by name.
    """

    id: str
    metadata: Metadata

    @property
    def group(self) -> str:
        """Prefix of the id, shared by the vectors that are replaced together."""
        return group_of(self.id)


@dataclass(frozen=True, slots=True, eq=False)
class Vector(VectorRecord):
    """A vector: float32, shape (128,). A repr never contains the values."""

    values: NDArray[np.float32] = field(repr=False)

    @property
    def record(self) -> VectorRecord:
        """The vector without its values."""
        return VectorRecord(self.id, self.metadata)


@dataclass(frozen=True, slots=True)
class VectorMatch(VectorRecord):
    """A stored vector found near a probe, and the Euclidean distance between the two."""

    distance: float
