"""The operation that finds all photos of somebody."""

from __future__ import annotations

import struct
from itertools import islice
from typing import TYPE_CHECKING

from facerec.core.counts import count
from facerec.core.deferred import DeferredModule
from facerec.core.ids import image_id
from facerec.core.limits import DEFAULT_PAGE, MAX_PAGE
from facerec.core.options import MAX_FACES
from facerec.errors import InvalidInputError, NotFoundError
from facerec.gallery.operations.search import SearchOperations
from facerec.gallery.paging import checked_integer, checked_limit, listing_of
from facerec.gallery.people.user_vectors import user_vector
from facerec.gallery.photos import Photo, require_face
from facerec.gallery.scores.scoring import stats_of
from facerec.gallery.scores.similarity import threshold_at
from facerec.gallery.search.matching import search_probes
from facerec.gallery.search.ranking import START, Position, Ranking

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from facerec.core.arrays import np
    from facerec.core.options import FaceOptions
    from facerec.core.photos import EmbeddedFace
    from facerec.core.protocols.engine import FaceEngine
    from facerec.core.records import Collection, User
    from facerec.gallery.search import finding, found_faces
    from facerec.gallery.search.finding import SearchedPerson
    from facerec.gallery.search.found_faces import FoundPage
else:
    finding = DeferredModule("facerec.gallery.search.finding")
    found_faces = DeferredModule("facerec.gallery.search.found_faces")

TARGET_FMR = 0.2
"""Default maximum share of searches for a stranger that return a face as not doubtful."""

_SCORE = struct.Struct(">d")


class FindOperations(SearchOperations):
    """The operation of a gallery that finds all photos of somebody."""

    def find(
        self,
        collection_id: str,
        photo: Photo | None = None,
        *,
        user_id: str | None = None,
        face_number: int | None = None,
        doubtful: bool = False,
        doubtful_below: float | None = None,
        target_fmr: float | None = None,
        options: FaceOptions | None = None,
        next_token: str | None = None,
        limit: int = DEFAULT_PAGE,
    ) -> FoundPage:
        """Return a page of all faces that show a person, given by id or by a photo.

        A person given by id is compared by the mean of their faces. Their own faces are always
        found, faces of other people never. Nothing is found for a person without faces.

        A matching face (see ``search``) is doubtful if it is less similar than ``doubtful_below``,
        resembles somebody else about as much, or belongs to a person other than the one in the
        photo. Every matching face is doubtful if the photo resembles several people about equally.

        Args:
            collection_id: Id of the collection.
            photo: Bytes of an image file, or its address.
            user_id: Instead of a photo, the id of a person.
            face_number: Which face of the photo to search for, 1 to 100; by default 1, the largest.
            doubtful: Whether to return the doubtful faces instead of the others.
            doubtful_below: Similarity below which a face is doubtful, 0 to 1. By default the
                collection's threshold, or a higher one if the collection is so large that more than
                ``TARGET_FMR`` of the searches for a stranger would find a face.
            target_fmr: Maximum share of such searches, above 0 and below 1; instead of
                ``doubtful_below``.
            options: How the photo's faces are found and chosen; by default as
                ``GalleryDefaults.probe_options`` returns.
            next_token: Token from the previous page of the same request; None for the first.
            limit: Maximum number of faces, 1 to 4096.

        Raises:
            InvalidInputError: Both or neither of a photo and a person are given, both
                ``doubtful_below`` and ``target_fmr`` are given, ``face_number`` or ``options`` is
                given for a person, or an id, ``face_number``, ``doubtful_below``, ``target_fmr``,
                ``limit``, ``options`` or the address of the photo is not valid.
            NotFoundError: The photo has no such face.
            CollectionNotFoundError: The collection does not exist.
            UserNotFoundError: The collection has no such person.
            ModelMismatchError: No engine of the gallery has the collection's model version.
            ConflictError: The collection was switched to another model version during the search.
            ObjectNotFoundError: The photo does not exist.
            AccessDeniedError: The photo may not be read.
            StoreUnavailableError: The photo cannot be read for now.
            UnreadablePhotoError: The photo cannot be decoded.
            PhotoTooLargeError: The photo has too many bytes.
            WeightsError: A file of network weights is missing or cannot be used.
            NoFaceError: The photo shows no face that the options accept.
            InvalidPageTokenError: The token belongs to another listing or has expired.
        """
        checked_limit(limit, MAX_PAGE)
        if (photo is None) == (user_id is None):
            raise InvalidInputError("specify either a photo or a person to find")
        if photo is None and (face_number is not None or (options and options.chosen())):
            raise InvalidInputError(
                "face_number and options choose a face of a photo, not a person"
            )
        number = 1 if face_number is None else face_number
        checked_integer("face_number", number, MAX_FACES)
        collection = self._get_comparable(collection_id)
        engine = self._engine_of(collection)
        below, lowest = self._thresholds(collection, doubtful_below, target_fmr)
        face: EmbeddedFace | None = None
        user: User | None = None
        others = 0
        if photo is not None:
            face, others, numbering = self._face_of(photo, number, options, engine)
            vector: NDArray[np.float32] | None = face.embedding
            probe: tuple[object, ...] = ("face", number, numbering)
            person = self._person_of(collection_id, face, below, engine)
        else:
            user = self._get_user(collection_id, str(user_id))
            vector = user_vector(self._faces, collection_id, user)
            probe = ("person", user_id)
            person = finding.SearchedPerson(
                below, user_id, by_user=True, held=frozenset(user.face_ids)
            )
        # The probe determines the order of the faces; these values determine which faces are
        # listed.
        listing = listing_of("photos", collection, probe, doubtful, below, lowest)
        after = START
        if next_token is not None:
            after = _read_position(self._after(listing, next_token) or "")
        found = []
        if vector is not None:
            ranking = Ranking(
                vector,
                stats_of(vector, engine) if face is None else face.stats,
                collection_id=collection_id,
                faces=self._faces.of(collection),
                cohort=engine,
                threshold=lowest,
                included=sorted(person.held),
            )
            corrections = finding.CorrectionFilter(
                ranking, person, collection_id, faces=self._faces, records=self._records
            )
            showing = finding.faces_showing(
                person,
                ranking,
                corrections,
                after=after,
                doubtful=doubtful,
                collection_id=collection_id,
                faces=self._faces.of(collection),
                records=self._records,
                cohort=engine,
            )
            found = list(islice(showing, limit + 1))
        token = None
        if len(found) > limit:
            token = self._token(listing, _position_text(found[limit - 1][0]))
        return found_faces.FoundPage(
            collection_id,
            collection.model_version,
            below,
            lowest,
            doubtful,
            user,
            face,
            others,
            tuple(each for _, each in found[:limit]),
            token,
        )

    def _thresholds(
        self, collection: Collection, doubtful_below: float | None, target_fmr: float | None
    ) -> tuple[float, float]:
        """Return the similarity below which a face is doubtful, and the minimum similarity.

        Raises:
            InvalidInputError: One of the values is out of range, or both are given.
        """
        usual = self._threshold(collection, None)
        if doubtful_below is None and target_fmr is None:
            faces = self._faces.count_faces(collection.collection_id)
            below = max(usual, threshold_at(TARGET_FMR, faces))
        else:
            below = self._search_threshold(collection, doubtful_below, target_fmr)
        return below, min(usual, below)

    def _face_of(
        self, photo: Photo, number: int, options: FaceOptions | None, engine: FaceEngine
    ) -> tuple[EmbeddedFace, int, str]:
        """Return a face of a photo, the number of other faces, and an id of this numbering of them.

        Raises:
            NoFaceError: The photo shows no face that the options accept.
            NotFoundError: The photo has fewer faces than ``number``.
        """
        options = self._defaults.complete(options, stores=False)
        loaded, found = self._detect(photo, options, engine=engine)
        require_face(found)
        if number > len(found.faces):
            raise NotFoundError(
                f"the photo has no face number {number}: "
                f"it has only {count(len(found.faces), 'face')}",
                "faces are numbered from the largest",
            )
        numbering = f"{image_id(loaded.content)} {options.digest()}"
        return found.faces[number - 1], len(found.faces) - 1, numbering

    def _person_of(
        self, collection_id: str, face: EmbeddedFace, threshold: float, engine: FaceEngine
    ) -> SearchedPerson:
        (searched,) = search_probes(
            [face],
            collection_id=collection_id,
            faces=self._faces,
            records=self._records,
            cohort=engine,
            threshold=threshold,
            limit=1,
        )
        people = {match.user_id for match in searched.candidates} - {None}
        return finding.SearchedPerson(
            threshold,
            next(iter(people)) if len(people) == 1 else None,
            ambiguous=len(people) > 1,
        )


def _position_text(place: Position) -> str:
    score, face_id = place
    return f"{_SCORE.pack(score).hex()}:{face_id}"


def _read_position(text: str) -> Position:
    score, _, face_id = text.partition(":")
    return _SCORE.unpack(bytes.fromhex(score))[0], face_id
