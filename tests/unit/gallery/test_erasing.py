"""What an erasure asks of what jobs keep."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from facerec.core.erasures import SubjectKind
from facerec.gallery.gallery import Gallery
from facerec.testing.engine import fake_face, fake_photo
from tests.support.gallery import Collaborators, RecordedJobData


@pytest.mark.parametrize(
    ("subject", "reads"),
    [(SubjectKind.PHOTO, 1), (SubjectKind.EXTERNAL_ID, 1), (SubjectKind.USER, 0)],
)
def test_an_erasure_reads_the_folders_of_jobs_once(
    subject: SubjectKind, reads: int, tmp_path: Path
) -> None:
    job_data = RecordedJobData()
    photo = tmp_path / "ann.jpg"
    photo.write_bytes(fake_photo(fake_face("ann")))
    with Collaborators.in_folder(tmp_path, job_data=job_data).gallery() as gallery:
        gallery.create_collection("staff")
        gallery.index("staff", photo, external_image_id="ann")
        name = str(photo) if subject is SubjectKind.PHOTO else "ann"
        gallery.erase("staff", subject, name)
    assert len(job_data.read) == reads


def test_an_export_has_all_of_one_person_and_nothing_of_others(gallery: Gallery) -> None:
    both = fake_photo(fake_face("ann", width=0.4), fake_face("bob", left=0.6, width=0.2))
    ann, bob = (face.record.face_id for face in gallery.index("staff", both).faces)
    gallery.create_user("staff", "ann", name="Ann Lee")
    gallery.create_user("staff", "bob", name="Bob Ray")
    gallery.associate_faces("staff", "ann", [ann])
    gallery.associate_faces("staff", "bob", [bob])
    gallery.rename_user("staff", "ann", "Ann Fox")
    gallery.merge_users("staff", "ann", "bob")
    gallery.split_user("staff", "ann", [bob], "bob-2", name="Robert")
    exported = gallery.export("staff", SubjectKind.FACE, ann).to_json()
    steps = [step for entry in exported["history"] for step in entry["steps"]]
    assert {"Ann Lee", "Ann Fox"} <= {step["name"] for step in steps}
    assert {name for entry in exported["history"] for name in entry["names"]} == {"ann"}
    assert all("ann" in (each["user_id"], each["other_id"]) for each in steps)
    text = json.dumps(exported)
    assert "Robert" not in text
    assert "Bob Ray" not in text


def test_an_export_does_not_name_an_earlier_person_after_a_later_one(
    gallery: Gallery, collaborators: Collaborators
) -> None:
    (face,) = gallery.index("staff", fake_photo(fake_face("ann"))).faces
    gallery.create_user("staff", "u1", name="Ann")
    gallery.associate_faces("staff", "u1", [face.record.face_id])
    gallery.create_user("staff", "u2", name="Eve")
    gallery.merge_users("staff", "u2", "u1")
    collaborators.clock.now += 60
    gallery.create_user("staff", "u1", name="Zoe")
    exported = gallery.export("staff", SubjectKind.FACE, face.record.face_id).to_json()
    assert "Zoe" not in json.dumps(exported)
