"""Whoever sees a person sees the current display name, not one that the id was derived from."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from facerec.cli.deferred import factory
from facerec.cli.main import main
from facerec.core.schemas import violation
from facerec.gallery.gallery import Gallery
from facerec.testing.engine import fake_face, fake_photo
from tests.support.gallery import Collaborators

Facerec = Callable[..., str]
NOW = "Zoë Miller"


def index(gallery: Gallery, person: str, shot: int) -> str:
    (face,) = gallery.index("club", fake_photo(fake_face(person, away=0.1, shot=shot))).faces
    return face.record.face_id


@pytest.fixture
def gallery(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Gallery:
    """Zoë Müller, who is Zoë Miller now, with a correction, a cluster and an event."""
    gallery = Collaborators.in_folder(tmp_path).gallery()
    gallery.create_collection("club")
    monkeypatch.setattr(factory, "open_gallery", lambda *_: gallery)
    zoe = gallery.create_user("club", name="Zoë Müller").user_id
    gallery.associate_faces("club", zoe, [index(gallery, "zoe", shot) for shot in (0, 1)])
    gallery.register_user("club", zoe, consent="2023-11-14", expires="2099-11-14")
    index(gallery, "zoe", 2)
    gallery.cluster_faces("club")
    gallery.not_same("club", index(gallery, "bob", 0), zoe)
    gallery.rename_user("club", zoe, NOW)
    return gallery


@pytest.fixture
def facerec(gallery: Gallery) -> Facerec:
    del gallery

    def run(*words: str) -> str:
        result = CliRunner().invoke(main, [*words, "--collection", "club"])
        assert result.exit_code == 0, result.output
        return result.stdout

    return run


LISTINGS = {
    "face-list": ("faces", "list"),
    "correction-list": ("faces", "corrections"),
    "cluster-list": ("people", "suggest"),
    "cluster": ("people", "cluster", "c1"),
    "match-event-list": ("people", "events"),
    "history": ("people", "history"),
}


def test_a_renamed_person_is_shown_by_the_current_name(facerec: Facerec) -> None:
    for schema, words in LISTINGS.items():
        shown = facerec(*words)
        assert NOW in shown, schema
        earlier = [line for line in shown.splitlines() if "Zoë Müller" in line]
        # The history says what the name was.
        assert all("created" in line or "renamed to" in line for line in earlier), schema
        document = json.loads(facerec(*words, "--json"))
        assert violation(schema, document) is None
        assert NOW in json.dumps(document, ensure_ascii=False), schema


def test_a_person_who_has_no_name_any_more_is_shown_by_the_id(
    facerec: Facerec, gallery: Gallery
) -> None:
    (user,) = gallery.list_users("club").users
    gallery.rename_user("club", user.user_id, None)
    assert "Zoë Müller" in facerec("faces", "list")
    assert json.loads(facerec("people", "cluster", "c1", "--json"))["person_name"] is None


def test_an_undone_change_is_shown_with_the_current_name(
    facerec: Facerec, gallery: Gallery
) -> None:
    (face, _) = gallery.list_users("club").users[0].face_ids
    gallery.disassociate_faces("club", gallery.list_users("club").users[0].user_id, [face])
    entry = gallery.list_history("club", limit=1).entries[0].cause.entry_id
    assert f"1 face added to {NOW}" in facerec("people", "undo", entry)


def test_the_names_of_a_page_are_read_at_once(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    records: Any = gallery._records
    read, asked = records.get_users, []

    def counted(collection_id: str, user_ids: list[str]) -> object:
        asked.append(list(user_ids))
        return read(collection_id, user_ids)

    monkeypatch.setattr(records, "get_users", counted)
    (user,) = gallery.list_users("club").users
    names = [face.person_name for face in gallery.list_faces("club").faces]
    assert sorted(names, key=str) == [None, None, NOW, NOW]
    assert asked == [[user.user_id]]
