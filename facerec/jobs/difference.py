"""Counts of the differences between the photos of a source and the remembered photos."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Difference:
    """The photos of a job's source, compared with those that earlier jobs of the collection found.

    Attributes:
        photos: Number of photos that the source names.
        unchanged: Number of photos that need no processing, regardless of their outcome.
        new: Number of photos that are not remembered.
        changed: Number of photos remembered with another version, other options or another name.
        retried: Number of photos that failed before and are processed again.
        gone: Number of remembered photos of the source that no longer exist.
        not_pruned: Number of gone photos whose faces are kept because more are gone than may be
            pruned.
        kept_ids: Number of photos that keep the external image ids that somebody chose for them in
            an earlier job, since the source has only derived ids or none for them.
        failed: Number of the unchanged photos that failed in an earlier job.
    """

    photos: int = 0
    unchanged: int = 0
    new: int = 0
    changed: int = 0
    retried: int = 0
    gone: int = 0
    not_pruned: int = 0
    kept_ids: int = 0
    failed: int = 0

    @property
    def to_process(self) -> int:
        """Number of photos that need processing."""
        return self.new + self.changed + self.retried

    @property
    def remembered(self) -> int:
        """Number of remembered photos of the source."""
        return self.photos - self.new + self.gone


@dataclass(frozen=True, slots=True)
class Removal:
    """Counts of the data that a job removed because photos were replaced or renamed, or are gone.

    Attributes:
        photos: Number of these photos whose faces were removed, since they exist at no other
            address.
        faces: Number of their faces, which were deleted.
        moved: Number of these faces whose photo was moved; their people and corrections went to the
            same faces at the new address.
        renamed: Number of these faces whose photo has another external image id now; their people
            and corrections went to the same faces under the new one.
    """

    photos: int = 0
    faces: int = 0
    moved: int = 0
    renamed: int = 0

    def plus(self, other: Removal) -> Removal:
        """Return the sums of the counts of two removals."""
        return Removal(
            self.photos + other.photos,
            self.faces + other.faces,
            self.moved + other.moved,
            self.renamed + other.renamed,
        )
