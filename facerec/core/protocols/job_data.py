"""The protocol of what jobs keep of faces."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from facerec.core.erasures import ErasedJob, KeptByJob, Selection


class JobData(Protocol):
    """The copies of faces in the folders of jobs."""

    def forget(self, collection_id: str, selection: Selection) -> Sequence[ErasedJob]:
        """Erase faces and photos, or a whole collection, from the jobs of a collection.

        Returns:
            What was removed from each folder; unknown ids and names are ignored.
        """
        ...

    def find(self, collection_id: str, selection: Selection) -> Sequence[KeptByJob]:
        """Return what the jobs of a collection keep of faces and photos."""
        ...
