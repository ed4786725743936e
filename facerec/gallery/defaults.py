"""Defaults of the operations, the same for the command line, HTTP and Python."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Unpack

from facerec.core.options import (
    DEFAULT_THRESHOLD,
    MAX_FACES,
    ChosenOptions,
    FaceOptions,
    QualityFilter,
)
from facerec.errors import InvalidInputError

UNFILTERED_CONFIDENCE = 0.5
"""Minimum confidence of a face if no quality filter applies: a detection that is more
likely wrong than right is never accepted."""

DEFAULT_LIMIT = 100
"""Default maximum number of matches of one face. A decision reads this many neighbours anyway
(``facerec.gallery.scores.scoring.NEIGHBOURS_TO_SCORE``)."""

ASSOCIATION_THRESHOLD = 0.75
"""Default minimum similarity of a face to the person to associate it with, as in Rekognition
(https://docs.aws.amazon.com/rekognition/latest/APIReference/API_AssociateFaces.html)."""


@dataclass(frozen=True, slots=True)
class GalleryDefaults:
    """Defaults of the operations.

    Attributes:
        options: How faces are found and chosen when a photo is indexed.
        threshold: Minimum similarity of a match, 0 to 1.
        limit: Maximum number of matches of one face, 1 to 4096.
    """

    options: FaceOptions = field(default_factory=FaceOptions)
    threshold: float = DEFAULT_THRESHOLD
    limit: int = DEFAULT_LIMIT

    def index_options(self, **chosen: Unpack[ChosenOptions]) -> FaceOptions:
        """Return the options for a photo whose faces are stored.

        Raises:
            InvalidInputError: An option has an invalid value.
        """
        return self._options(chosen, self.options.max_faces, self.options.quality_filter)

    def probe_options(self, **chosen: Unpack[ChosenOptions]) -> FaceOptions:
        """Return the options for a photo that is searched, compared or inspected, not stored.

        By default probes are not filtered by quality, so that even a blurred face gets a result, as
        in Rekognition's ``SearchFacesByImage``.

        Raises:
            InvalidInputError: An option has an invalid value.
        """
        return self._options(chosen, MAX_FACES, QualityFilter.NONE)

    def complete(self, options: FaceOptions | None, *, stores: bool) -> FaceOptions:
        """Return the options of a request, with this gallery's defaults for those not given.

        Args:
            options: The options of the request; None if it has none.
            stores: Whether the faces of the photo are stored.

        Raises:
            InvalidInputError: The options are not ``FaceOptions``.
        """
        if options is not None and not isinstance(options, FaceOptions):
            raise InvalidInputError(
                f"options must be FaceOptions, got {type(options).__name__}",
                "pass FaceOptions(max_faces=1), for example",
            )
        chosen: dict[str, Any] = {} if options is None else options.chosen()
        return self.index_options(**chosen) if stores else self.probe_options(**chosen)

    def _options(
        self, chosen: ChosenOptions, max_faces: int, quality_filter: QualityFilter
    ) -> FaceOptions:
        given: dict[str, Any] = {name: value for name, value in chosen.items() if value is not None}
        # FaceOptions refuses an unknown filter.
        checked = replace(self.options, quality_filter=given.get("quality_filter", quality_filter))
        quality_filter = QualityFilter(checked.quality_filter)
        min_confidence = self.options.min_confidence
        if quality_filter is QualityFilter.NONE:
            min_confidence = min(min_confidence, UNFILTERED_CONFIDENCE)
        defaults: dict[str, Any] = {"max_faces": max_faces, "min_confidence": min_confidence}
        return replace(self.options, **{**defaults, **given, "quality_filter": quality_filter})
