"""The server of a test of the page, and what is in its collection."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from facerec.gallery.gallery import Gallery
from facerec.testing.engine import FakeFace, fake_face
from tests.support.gallery import Collaborators
from tests.support.painted_photos import PaintedEngine, paint, painted_photo


@dataclass
class Site:
    """A server, its gallery and engine, and the folder that is its bucket ``photos``.

    Attributes:
        address: Where the server listens.
        gallery: Its gallery.
        engine: The engine of the gallery.
        bucket: The folder that is its bucket ``photos``.
        collaborators: What another gallery of the same store can be opened with.
    """

    address: str
    gallery: Gallery
    engine: PaintedEngine
    bucket: Path
    collaborators: Collaborators

    def index(self, name: str, *faces: FakeFace) -> list[str]:
        """Index a photo of the bucket; return the ids of its faces, largest first."""
        paint(self.bucket / name, *faces)
        result = self.gallery.index("staff", f"s3://photos/{name}")
        return [face.record.face_id for face in result.faces]

    def add_person(self, name: str, *, face: str | None = None, shots: int = 1) -> str:
        """Create a person from photos; return the id."""
        found = [
            face_id
            for shot in range(shots)
            for face_id in self.index(
                f"{face or name}-{shot}.png", fake_face(face or name, shot=shot, away=0.1)
            )
        ]
        person = self.gallery.create_user("staff", name=name)
        self.gallery.associate_faces("staff", person.user_id, found)
        return person.user_id

    def add_cluster(self, face: str, photos: int = 3) -> None:
        """Index photos of somebody unknown, and cluster them."""
        for shot in range(photos):
            self.index(f"{face}-unknown-{shot}.png", fake_face(face, shot=shot + 50, away=0.1))
        self.gallery.cluster_faces("staff", pair_threshold=0.9)

    def people(self) -> dict[str, int]:
        """Return the number of faces of each person by name or id."""
        users = self.gallery.list_users("staff").users
        return {user.name or user.user_id: len(user.face_ids) for user in users}

    def upload(self, *faces: FakeFace, name: str = "photo.png") -> dict[str, object]:
        """Return a file as playwright takes it."""
        return {"name": name, "mimeType": "image/png", "buffer": painted_photo(*faces)}
