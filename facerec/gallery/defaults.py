"""What operations use where the caller does not say, the same at every door."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from facerec.core.options import DEFAULT_THRESHOLD, MAX_FACES, FaceOptions, QualityFilter

UNFILTERED_CONFIDENCE = 0.5
"""Minimum confidence of a face where no quality filter applies: what is less likely a face than
not is never taken for one."""

DEFAULT_LIMIT = 100
"""Matches of one face. A decision reads as many neighbours anyway
(``facerec.gallery.matching.NEIGHBOURS_TO_DECIDE``)."""


@dataclass(frozen=True, slots=True)
class GalleryDefaults:
    """What operations use where the caller does not say.

    Attributes:
        options: How faces are found and chosen when a photo is indexed.
        threshold: Minimum similarity of a match, 0 to 1.
        limit: Maximum number of matches of one face, 1 to 4096.
    """

    options: FaceOptions = field(default_factory=FaceOptions)
    threshold: float = DEFAULT_THRESHOLD
    limit: int = DEFAULT_LIMIT

    def index_options(
        self,
        *,
        max_faces: int | None = None,
        min_confidence: float | None = None,
        quality_filter: QualityFilter | None = None,
    ) -> FaceOptions:
        """Return the options for a photo whose faces are stored."""
        return self._options(
            self.options.max_faces if max_faces is None else max_faces,
            min_confidence,
            self.options.quality_filter if quality_filter is None else quality_filter,
        )

    def probe_options(
        self,
        *,
        max_faces: int | None = None,
        min_confidence: float | None = None,
        quality_filter: QualityFilter | None = None,
    ) -> FaceOptions:
        """Return the options for a photo that is searched, compared or inspected, not stored.

        A probe is not filtered by quality unless the caller asks for it: whoever asks about a
        photo wants an answer for a blurred face too, as with Rekognition's
        ``SearchFacesByImage``.
        """
        return self._options(
            MAX_FACES if max_faces is None else max_faces,
            min_confidence,
            QualityFilter.NONE if quality_filter is None else quality_filter,
        )

    def _options(
        self, max_faces: int, min_confidence: float | None, quality_filter: QualityFilter
    ) -> FaceOptions:
        if min_confidence is None:
            min_confidence = self.options.min_confidence
            if quality_filter is QualityFilter.NONE:
                min_confidence = min(min_confidence, UNFILTERED_CONFIDENCE)
        return replace(
            self.options,
            max_faces=max_faces,
            min_confidence=min_confidence,
            quality_filter=quality_filter,
        )
