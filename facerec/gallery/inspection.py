"""Photos inspected and compared without a collection."""

from __future__ import annotations

from facerec.core.options import FaceOptions
from facerec.core.photos import PhotoFaces
from facerec.core.protocols import FaceEngine
from facerec.gallery.comparing import Comparison, pair_faces
from facerec.gallery.defaults import GalleryDefaults
from facerec.gallery.photos import Photo, find_faces, load_photo, require_face
from facerec.storage.objects.protocol import ObjectStore


class Inspector:
    """The operations on photos alone; a ``Gallery`` has them too."""

    def __init__(
        self,
        engine: FaceEngine,
        *,
        objects: ObjectStore,
        defaults: GalleryDefaults = GalleryDefaults(),  # noqa: B008 - frozen
    ) -> None:
        """Create an inspector over its collaborators.

        Args:
            engine: Finds faces in photos.
            objects: Reads the photos that callers name; only what callers may read.
            defaults: What operations use where the caller does not say.
        """
        self._engine, self._objects, self._defaults = engine, objects, defaults

    @property
    def defaults(self) -> GalleryDefaults:
        """What operations use where the caller does not say."""
        return self._defaults

    @property
    def model_version(self) -> str:
        """Model version of the engine; collections of other versions cannot be searched."""
        return self._engine.model_version

    def compare(
        self, source: Photo, target: Photo, *, options: FaceOptions | None = None
    ) -> Comparison:
        """Compare every face of one photo with every face of another.

        Raises:
            UnreadablePhotoError: A photo cannot be decoded.
            PhotoTooLargeError: A photo has too many bytes.
            NoFaceError: A photo shows no face that the options accept.
        """
        options = options or self._defaults.probe_options()
        found = []
        for photo, name in ((source, "the source photo"), (target, "the target photo")):
            loaded = load_photo(photo, self._objects, name=name)
            faces = find_faces(loaded, engine=self._engine, options=options)
            require_face(faces, name=name)
            found.append(faces)
        first, second = found
        return Comparison(self.model_version, first, second, pair_faces(first, second))

    def detect(self, photo: Photo, *, options: FaceOptions | None = None) -> PhotoFaces:
        """Return the faces of a photo, including rejected ones.

        Raises:
            UnreadablePhotoError: The photo cannot be decoded.
            PhotoTooLargeError: The photo has too many bytes.
        """
        loaded = load_photo(photo, self._objects)
        options = options or self._defaults.probe_options()
        return find_faces(loaded, engine=self._engine, options=options)
