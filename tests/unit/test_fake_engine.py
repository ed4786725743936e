import numpy as np
import pytest

from facerec.core.ids import image_id
from facerec.core.options import FaceOptions, QualityFilter
from facerec.core.photos import (
    PhotoFaces,
    RejectionReason,
    UnreadablePhoto,
    UnreadableReason,
)
from facerec.testing.engine import FakeEngine, fake_embedding, fake_face, fake_photo


def analyse(photo: bytes, options: FaceOptions | None = None) -> PhotoFaces:
    (outcome,) = FakeEngine().analyse([photo], options or FaceOptions())
    assert isinstance(outcome, PhotoFaces)
    return outcome


def test_a_fake_face_is_as_far_from_its_person_as_it_says() -> None:
    found = analyse(fake_photo(fake_face("ann", away=0.3, shot=4)))
    distance = np.linalg.norm(found.faces[0].embedding - fake_embedding("ann"))
    assert distance == pytest.approx(0.3, abs=1e-5)


def test_fake_people_are_strangers_to_one_another() -> None:
    assert np.linalg.norm(fake_embedding("ann") - fake_embedding("bob")) > 0.65


def test_faces_beyond_the_limit_blurred_or_unsure_are_rejected_with_reasons() -> None:
    photo = fake_photo(
        fake_face("ann", width=0.5),
        fake_face("bob", width=0.4),
        fake_face("cyd", width=0.3, sharp=False),
        fake_face("dot", width=0.2, confidence=0.4),
    )
    found = analyse(photo, FaceOptions(max_faces=1))
    assert [face.box.width for face in found.faces] == [0.5]
    assert [face.reasons for face in found.rejected] == [
        (RejectionReason.EXCEEDS_MAX_FACES,),
        (RejectionReason.LOW_SHARPNESS,),
        (RejectionReason.LOW_CONFIDENCE,),
    ]
    unfiltered = FaceOptions(min_confidence=0.0, quality_filter=QualityFilter.NONE)
    assert len(analyse(photo, unfiltered).faces) == 4


@pytest.mark.parametrize(
    ("photo", "reason"),
    [
        (b"", UnreadableReason.EMPTY),
        (b"GIF89a", UnreadableReason.UNSUPPORTED_FORMAT),
        (fake_photo(fake_face("ann"))[:-9], UnreadableReason.CORRUPT),
        (fake_photo(width=20_000, height=20_000), UnreadableReason.TOO_LARGE),
    ],
)
def test_a_file_that_is_not_a_fake_photo_is_unreadable(
    photo: bytes, reason: UnreadableReason
) -> None:
    (outcome,) = FakeEngine().analyse([photo], FaceOptions())
    assert isinstance(outcome, UnreadablePhoto)
    assert outcome.reason is reason


def test_a_fake_photo_has_the_content_id_that_earlier_releases_gave_it() -> None:
    # If an addition to fake photos changes this, write it only where it is not the default.
    people = fake_face("p0-0", left=0.0, width=0.3), fake_face("p0-1", width=0.29)
    assert image_id(fake_photo(*people)) == "864df305-c97d-8617-9ab4-c2f163e2687e"


def test_a_turned_or_animated_fake_photo_is_read_as_such() -> None:
    turned = analyse(fake_photo(fake_face("ann"), rotation=90))
    animated = analyse(fake_photo(fake_face("ann"), is_animated=True))
    usual = analyse(fake_photo(fake_face("ann")))
    assert [(photo.rotation, photo.is_animated) for photo in (turned, animated, usual)] == [
        (90, False),
        (0, True),
        (0, False),
    ]
