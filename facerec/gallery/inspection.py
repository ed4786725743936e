"""Detects and compares faces in photos, without a collection."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from facerec.core.deferred import DeferredModule
from facerec.core.limits import MAX_PAIRS
from facerec.errors import AttributesUnavailableError
from facerec.gallery.defaults import GalleryDefaults
from facerec.gallery.paging import checked_limit
from facerec.gallery.photos import Photo, PhotoContent, detect_faces, load_photo, require_face

if TYPE_CHECKING:
    from facerec.core.options import FaceOptions
    from facerec.core.photos import PhotoFaces
    from facerec.core.protocols.engine import AttributeEstimator, FaceEngine
    from facerec.gallery.search import comparing
    from facerec.gallery.search.comparing import Comparison
    from facerec.storage.objects.protocol import ObjectStore
else:
    comparing = DeferredModule("facerec.gallery.search.comparing")


class Inspector:
    """Operations that need photos but no collection; ``Gallery`` inherits them."""

    def __init__(
        self,
        engine: FaceEngine,
        *,
        objects: ObjectStore,
        attributes: AttributeEstimator | None = None,
        defaults: GalleryDefaults = GalleryDefaults(),  # noqa: B008 - frozen
    ) -> None:
        """Create an inspector over its collaborators.

        Args:
            engine: Finds faces in photos.
            objects: Reads the photos that callers name, restricted to those that they may read.
            attributes: Estimates age and gender; None if that is not available.
            defaults: Defaults of the operations.
        """
        self._engine, self._objects, self._defaults = engine, objects, defaults
        self._attributes = attributes

    @property
    def defaults(self) -> GalleryDefaults:
        """Defaults of the operations."""
        return self._defaults

    @property
    def model_version(self) -> str:
        """Model version of the engine that describes faces outside collections.

        Raises:
            WeightsError: A file of network weights is missing or cannot be used.
        """
        return self._engine.model_version

    def compare(
        self,
        source: Photo,
        target: Photo,
        *,
        options: FaceOptions | None = None,
        limit: int | None = None,
    ) -> Comparison:
        """Compare every face of one photo with every face of another.

        Args:
            source: Bytes of an image file, or its address.
            target: The other photo.
            options: How faces are found and chosen; by default as
                ``GalleryDefaults.probe_options`` returns.
            limit: Maximum number of pairs, 1 to 10,000; by default all.

        Raises:
            InvalidInputError: ``limit`` is out of range, or ``options`` or an address is not valid.
            ObjectNotFoundError: A photo does not exist.
            AccessDeniedError: A photo may not be read.
            StoreUnavailableError: A photo cannot be read for now.
            UnreadablePhotoError: A photo cannot be decoded.
            PhotoTooLargeError: A photo has too many bytes.
            WeightsError: A file of network weights is missing or cannot be used.
            NoFaceError: A photo shows no face that the options accept.
        """
        limit = MAX_PAIRS if limit is None else checked_limit(limit, MAX_PAIRS)
        options = self._defaults.complete(options, stores=False)
        found = []
        for photo, name in ((source, "the source photo"), (target, "the target photo")):
            loaded, faces = self._detect(photo, options, name=name)
            require_face(faces, name=loaded.name)
            found.append(faces)
        first, second = found
        pairs = comparing.pair_faces(first, second)
        return comparing.Comparison(
            self.model_version, first, second, pairs[:limit], more_pairs=len(pairs) > limit
        )

    @property
    def estimates_attributes(self) -> bool:
        """Whether age and gender can be estimated; the networks for it are optional."""
        return self._attributes is not None and self._attributes.is_installed

    def detect(
        self, photo: Photo, *, options: FaceOptions | None = None, attributes: bool = False
    ) -> PhotoFaces:
        """Return the faces of a photo, including rejected ones.

        Args:
            photo: Bytes of an image file, or its address.
            options: How faces are found and chosen; by default as
                ``GalleryDefaults.probe_options`` returns.
            attributes: Whether to estimate age and gender, including those of rejected faces.

        Raises:
            InvalidInputError: ``options`` or the address of the photo is not valid.
            ObjectNotFoundError: The photo does not exist.
            AccessDeniedError: The photo may not be read.
            StoreUnavailableError: The photo cannot be read for now.
            UnreadablePhotoError: The photo cannot be decoded.
            PhotoTooLargeError: The photo has too many bytes.
            AttributesUnavailableError: The networks for attributes are not installed.
            WeightsError: A file of network weights is missing or cannot be used.
        """
        options = self._defaults.complete(options, stores=False)
        loaded, found = self._detect(photo, options)
        return self._with_attributes(loaded, found, options) if attributes else found

    def _detect(
        self,
        photo: Photo,
        options: FaceOptions,
        *,
        name: str = "the photo",
        engine: FaceEngine | None = None,
    ) -> tuple[PhotoContent, PhotoFaces]:
        """Return the bytes of a photo and its faces; ``name`` identifies bytes in errors.

        Raises:
            FacerecError: See ``load_photo`` and ``detect_faces``.
        """
        loaded = load_photo(photo, self._objects, name=name)
        return loaded, detect_faces(loaded, engine=engine or self._engine, options=options)

    def _with_attributes(
        self, loaded: PhotoContent, found: PhotoFaces, options: FaceOptions
    ) -> PhotoFaces:
        """Return the faces of a photo, accepted and rejected ones, with their age and gender.

        Raises:
            AttributesUnavailableError: The networks for attributes are not installed.
            WeightsError: A file of a network is damaged.
        """
        if self._attributes is None:
            raise AttributesUnavailableError
        every = (*found.faces, *found.rejected)
        estimated = iter(self._attributes.estimate(loaded.content, every, options))
        return replace(
            found,
            faces=tuple(replace(face, attributes=next(estimated)) for face in found.faces),
            rejected=tuple(replace(face, attributes=next(estimated)) for face in found.rejected),
        )
