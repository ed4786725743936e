"""Chooses the face in each photo that shows the person whom the photo is named after."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING, TypeAlias

from facerec.errors import InvalidInputError
from facerec.gallery.scores.normalisation import similarity_of_score
from facerec.gallery.scores.scoring import stats_of_stored

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from facerec.core.protocols.engine import Cohort
    from facerec.core.records import StoredFace

    _Arrays: TypeAlias = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]

MIN_SIMILARITY = 0.5
"""Minimum mean similarity of the chosen face to the person's other photos. Of the
2,471 photos of people with several photos in LFW folds 1 to 5, 1.1 % are below it
(``benchmarks/finding.py``)."""

MAX_CANDIDATES = 20
"""Maximum number of a photo's faces to choose from, largest first."""

MAX_NAMELESS = 3
"""Maximum number of photos to list of the ones that name nobody."""

_MAX_ROUNDS = 5


class EnrolmentProblem(StrEnum):
    """Why no face of a photo is associated with the person whom the photo is named after."""

    UNLIKE = "UNLIKE"
    """No face resembles the person's other photos."""

    FACE_DELETED = "FACE_DELETED"
    """A face of the photo was deleted, perhaps the person's, and the person has no other face to
    compare the remaining ones with."""

    PERSON_ERASED = "PERSON_ERASED"
    """A person of this name was erased when the photo was already in the collection, so that the
    photo shows somebody else."""

    OTHER_PERSON = "OTHER_PERSON"
    """The face belongs to a person who was not named after a photo."""

    NOT_SAME = "NOT_SAME"
    """Corrections state that no face of the photo shows the person."""

    TOO_MANY_FACES = "TOO_MANY_FACES"
    """The person has the maximum number of faces, or the name too many photos."""

    INVALID_NAME = "INVALID_NAME"
    """The name is not a valid display name (``facerec.core.names.checked_user_name``)."""


@dataclass(frozen=True, slots=True)
class UnnamedPhoto:
    """A photo without an associated face.

    Attributes:
        source: Address of the photo.
        name: The name of the person.
        problem: Why no face was associated.
    """

    source: str
    name: str
    problem: EnrolmentProblem


@dataclass(frozen=True, slots=True)
class CorrectedPhoto:
    """A photo whose face belonged to another person, because the photo had another name before.

    Attributes:
        source: Address of the photo.
        earlier: Id of the person that the face belonged to.
        user_id: Id of the person that it belongs to now.
        name: Display name of this person; None if there is none, or if an earlier release recorded
            the outcome.
    """

    source: str
    earlier: str
    user_id: str
    name: str | None = None


@dataclass(frozen=True, slots=True)
class EndedRegistration:
    """The registration of a person who was deleted because all their photos have other names now.

    Attributes:
        earlier: Id of the person who was deleted.
        user_id: Id of the person who has the registration now; None if it was lost.
    """

    earlier: str
    user_id: str | None


@dataclass(frozen=True, slots=True)
class Enrolment:
    """The outcome of enrolling people.

    Attributes:
        collection_id: Id of the collection.
        people: Number of people named by the photos.
        created: Number of people who were created.
        associated: Number of faces that were associated with them.
        unchanged: Number of faces that were already associated.
        corrected: Photos that were named after somebody else before.
        deleted: Ids of people who lost all their faces because the photos have other names now.
        unnamed: Photos without an associated face.
        registrations: Registrations of deleted people.
        nameless: Number of photos of the source that name nobody, such as those directly in a
            folder of folders.
        nameless_sources: Addresses of the first ``MAX_NAMELESS`` of these.
    """

    collection_id: str
    people: int
    created: int
    associated: int
    unchanged: int
    corrected: tuple[CorrectedPhoto, ...]
    deleted: tuple[str, ...]
    unnamed: tuple[UnnamedPhoto, ...]
    registrations: tuple[EndedRegistration, ...] = ()
    nameless: int = 0
    nameless_sources: tuple[str, ...] = ()


def judge_photos(
    photos: Sequence[Sequence[StoredFace]],
    partly_deleted: Sequence[bool],
    known: Sequence[StoredFace],
    cohort: Cohort,
) -> Iterator[tuple[int, StoredFace, EnrolmentProblem | None]]:
    """Yield, for each photo, the face that may show the person, and the problem if it does not.

    If a face of a photo was deleted, that may have been the person's face. So another face of the
    photo must resemble the person's faces in other photos.

    Args:
        photos: The faces of each photo, at least one, in order of size, largest first.
        partly_deleted: Whether a face of the photo was deleted.
        known: All faces that the person has.
        cohort: Computes the stats of faces that are stored without them.

    Yields:
        The index of a photo, its face, and the problem; None if the face is the person's.
    """
    evidence = {face.record.face_id: face for face in known}
    held = frozenset(evidence)
    whole = [number for number, partly in enumerate(partly_deleted) if not partly]
    others = _without(evidence, [face for number in whole for face in photos[number]])
    chosen = choose_faces([photos[number] for number in whole], others, cohort) if whole else []
    for number, (face, alike) in zip(whole, chosen, strict=True):
        is_own = alike or face.record.face_id in held
        if is_own:
            evidence[face.record.face_id] = face
        yield number, face, None if is_own else EnrolmentProblem.UNLIKE
    for number in (number for number, partly in enumerate(partly_deleted) if partly):
        others = _without(evidence, photos[number])
        if others:
            ((face, alike),) = choose_faces([photos[number]], others, cohort)
        else:
            own = (face for face in photos[number] if face.record.face_id in held)
            face, alike = next(own, photos[number][0]), False
        problem = EnrolmentProblem.UNLIKE if others else EnrolmentProblem.FACE_DELETED
        yield number, face, None if alike or face.record.face_id in held else problem


def _without(faces: Mapping[str, StoredFace], omitted: Iterable[StoredFace]) -> list[StoredFace]:
    own = {face.record.face_id for face in omitted}
    return [face for face_id, face in faces.items() if face_id not in own]


def require_named(enrolment: Enrolment, source: str) -> None:
    """Check that an enrolment found a name for at least one photo; otherwise it changed nothing.

    Args:
        enrolment: The outcome.
        source: Folder or prefix of the photos that were enrolled, for the message.

    Raises:
        InvalidInputError: No photo of the collection got a name.
    """
    if not enrolment.people and not enrolment.unnamed:
        raise InvalidInputError(
            f"no photo of collection {enrolment.collection_id!r} has a name from {source}",
            "name the folder, prefix or manifest that was indexed, and check the rule for names",
        )


def choose_faces(
    photos: Sequence[Sequence[StoredFace]], known: Sequence[StoredFace], cohort: Cohort
) -> list[tuple[StoredFace, bool]]:
    """Choose the face in each photo that shows the person whom all the photos show.

    The chosen face is the one most similar to the person's other photos, or the largest if there is
    only one photo and no known face. On LFW folds 1 to 5, this is the right face in 217 of 223
    photos with several faces; the largest face is right in 194.

    Args:
        photos: The faces of each photo, at least one, in order of size, largest first.
        known: Further faces of the person.
        cohort: Computes the stats of faces that are stored without them.

    Returns:
        The face of each photo, and whether it resembles the person's other photos and faces; True
        if there are none.
    """
    import numpy as np

    if len(photos) == 1 and not known:
        return [(photos[0][0], True)]
    candidates = [list(faces[:MAX_CANDIDATES]) for faces in photos]
    flat = [face for faces in candidates for face in faces]
    first = np.cumsum([0, *(len(faces) for faces in candidates)])
    embeddings, means, deviations = _arrays(flat, cohort)
    known_arrays = _arrays(known, cohort) if known else None
    chosen = first[:-1].copy()
    average = np.zeros(len(flat))
    for _ in range(_MAX_ROUNDS):
        others = (embeddings[chosen], means[chosen], deviations[chosen])
        scores = _scores((embeddings, means, deviations), others)
        owner = np.repeat(np.arange(len(candidates)), np.diff(first))
        # a photo is not compared with itself
        scores[np.arange(len(flat)), owner] = 0.0
        total, number = scores.sum(axis=1), len(candidates) - 1
        if known_arrays is not None:
            total = total + _scores((embeddings, means, deviations), known_arrays).sum(axis=1)
            number += len(known)
        average = total / number
        best = np.array(
            [start + int(np.argmin(average[start:end])) for start, end in pairwise(first)]
        )
        if np.array_equal(best, chosen):
            break
        chosen = best
    return [
        (flat[row], similarity_of_score(float(average[row])) >= MIN_SIMILARITY) for row in chosen
    ]


def _arrays(faces: Sequence[StoredFace], cohort: Cohort) -> _Arrays:
    """Return the embeddings of faces, with the means and deviations of their cohort stats."""
    import numpy as np

    stats = [stats_of_stored(face, cohort) for face in faces]
    return (
        np.stack([face.embedding for face in faces]).astype(np.float64),
        np.array([each.mean for each in stats]),
        np.array([each.deviation for each in stats]),
    )


def _scores(some: _Arrays, others: _Arrays) -> NDArray[np.float64]:
    """Return the normalised scores of some faces against others, shape (some, others)."""
    import numpy as np

    squares = (some[0] ** 2).sum(axis=1)[:, None] + (others[0] ** 2).sum(axis=1)
    distances = np.sqrt(np.maximum(squares - 2 * some[0] @ others[0].T, 0))
    own = (distances - some[1][:, None]) / some[2][:, None]
    scores: NDArray[np.float64] = (own + (distances - others[1]) / others[2]) / 2
    return scores
