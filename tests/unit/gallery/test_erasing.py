"""What an erasure asks of what jobs keep."""

from __future__ import annotations

from pathlib import Path

import pytest

from facerec.core.erasures import SubjectKind
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
