"""The command line as a door."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar

from click.testing import CliRunner

from facerec import errors
from facerec.cli.main import main
from facerec.core.erasures import SubjectKind
from tests.support.doors.base import (
    Change,
    Door,
    DoorError,
    Erased,
    Exported,
    Found,
    FoundUser,
    Migrated,
    Page,
)
from tests.support.doors.documents import (
    change,
    cluster,
    cluster_page,
    confidences,
    correction_page,
    erased,
    event_page,
    exported,
    face_matches,
    face_page,
    history_entry,
    history_page,
    listed_faces,
    migration,
    person_page,
    rest_matches,
    similarities,
    users_found,
)


class CommandLineDoor(Door):
    """The command line, which prints JSON and ends with an exit code."""

    errors: ClassVar = {
        # options outside their bounds are wrong usage
        errors.InvalidInputError: {2, 4},
        errors.ConflictError: 1,
        errors.MigrationError: 4,
        errors.ErasureNotFoundError: 3,
        errors.HistoryEntryNotFoundError: 3,
        errors.InvalidPageTokenError: 3,
        errors.NotFoundError: 3,
        errors.ObjectNotFoundError: 3,
        errors.UserExistsError: 4,
        errors.ClusterNotFoundError: 3,
        errors.UserNameExistsError: 4,
        errors.PersonChangeError: 4,
        errors.UserNotFoundError: 3,
        errors.CollectionExistsError: 4,
        errors.CollectionNotFoundError: 3,
        errors.FaceInUseError: 4,
        errors.FaceNotFoundError: 3,
        errors.ModelMismatchError: 6,
        errors.NoFaceError: 5,
        errors.PhotoTooLargeError: 4,
        errors.UnreadablePhotoError: 4,
    }

    def create_collection(self, name: str) -> str:
        return str(self._run("collections", "create", name, "--json")["model_version"])

    def list_collections(self) -> list[str]:
        listed = self._run("collections", "list", "--json")["collections"]
        return [collection["collection_id"] for collection in listed]

    def describe_collection(self, name: str) -> tuple[int, int]:
        described = self._run("collections", "describe", name, "--json")
        return described["face_count"], described["user_count"]

    def delete_collection(self, name: str) -> None:
        self._run("collections", "delete", name, "--yes")

    def list_faces(self, name: str, user_id: str | None = None) -> list[tuple[str, str | None]]:
        words = _given(person=user_id)
        listed = self._run("faces", "list", "--collection", name, "--json", *words)
        return listed_faces(listed)

    def delete_face(self, name: str, face_id: str) -> None:
        self._run("faces", "delete", "--collection", name, face_id)

    def delete_faces(self, name: str, face_ids: list[str]) -> list[str]:
        words = ("--collection", name, *face_ids, "--json")
        return sorted(self._run("faces", "delete", *words)["deleted"])

    def delete_face_of_user(self, name: str, face_id: str) -> None:
        self._run("faces", "delete", "--collection", name, face_id, "--disassociate")

    def search(
        self,
        name: str,
        photo: bytes,
        threshold: float | None = None,
        limit: int | None = None,
        quality_filter: str | None = None,
        target_fmr: float | None = None,
    ) -> list[Found]:
        words = _given(
            threshold=threshold,
            target_fmr=target_fmr,
            limit=limit,
            quality_filter=quality_filter,
        )
        matched = self._run("match", self._file(photo), "--collection", name, "--json", *words)
        return rest_matches(matched)

    def compare(
        self, source: bytes, target: bytes, quality_filter: str | None = None
    ) -> list[float]:
        photos = self._file(source), self._file(target, "b")
        words = _given(quality_filter=quality_filter)
        compared = self._run("compare", *photos, "--json", *words)
        return similarities(compared)

    def detect(self, photo: bytes, detector: str | None = None) -> list[float]:
        words = _given(detector=detector)
        detected = self._run("detect", self._file(photo), "--json", *words)
        return confidences(detected)

    def page_of_collections(self, limit: int, next_token: str | None) -> Page:
        words = _given(limit=limit, next_token=next_token)
        page = self._run("collections", "list", "--json", *words)
        return Page([each["collection_id"] for each in page["collections"]], page["next_token"])

    def page_of_faces(self, name: str, limit: int, next_token: str | None) -> Page:
        words = _given(limit=limit, next_token=next_token)
        page = self._run("faces", "list", "--collection", name, "--json", *words)
        return face_page(page)

    def page_of_users(self, name: str, limit: int, next_token: str | None) -> Page:
        words = _given(limit=limit, next_token=next_token)
        return person_page(self._run("people", "list", "--collection", name, "--json", *words))

    def refresh_stats(self, name: str) -> None:
        self._run("collections", "refresh-stats", name)

    def migration_status(self, name: str) -> Migrated:
        return migration(self._run("collections", "migrate", name, "--status", "--json"))

    def migrate(self, name: str, recipe: str, *, drop_missing: bool = False) -> Migrated:
        words = ("--recipe", recipe, *(("--drop-missing", "--yes") if drop_missing else ()))
        return migration(self._run("collections", "migrate", name, *words, "--json"))

    def roll_back_migration(self, name: str) -> Migrated:
        return migration(self._run("collections", "migrate", name, "--rollback", "--json"))

    def prepare_migration(self, name: str, recipe: str) -> list[str]:
        words = ("--recipe", recipe, "--dry-run", "--json")
        found = self._run("collections", "migrate", name, *words)
        return sorted(face["reason"] for face in found["missing"])

    def finish_migration(self, name: str) -> Migrated:
        return migration(self._run("collections", "migrate", name, "--finish", "--json"))

    def search_face(
        self, name: str, face_id: str, limit: int | None = None, target_fmr: float | None = None
    ) -> list[Found]:
        given = _given(limit=limit, target_fmr=target_fmr)
        words = ("faces", "match", "--collection", name, face_id, "--json", *given)
        return face_matches(self._run(*words)["matches"])

    def thumbnail(self, name: str, face_id: str) -> bytes:
        output = self.data / "face.jpg"
        self._run("faces", "thumbnail", "--collection", name, face_id, output)
        return output.read_bytes()

    def set_threshold(self, name: str, threshold: float | None) -> None:
        self._run(
            "collections", "set-threshold", name, "--default" if threshold is None else threshold
        )

    def not_same(self, name: str, face_id: str, person: str) -> None:
        self._run("faces", "not-same", "--collection", name, face_id, person)

    def lift_correction(self, name: str, face_id: str, person: str) -> None:
        self._run("faces", "not-same", "--collection", name, face_id, person, "--lift")

    def page_of_corrections(self, name: str, limit: int, next_token: str | None) -> Page:
        words = _given(limit=limit, next_token=next_token)
        page = self._run("faces", "corrections", "--collection", name, "--json", *words)
        return correction_page(page)

    def page_of_history(
        self, name: str, limit: int | None, next_token: str | None, person: str | None = None
    ) -> Page:
        words = _given(limit=limit, next_token=next_token)
        named = () if person is None else (person,)
        command = ("people", "history", "--collection", name, *named, "--json", *words)
        return history_page(self._run(*command))

    def undo(self, name: str, entry_id: str) -> tuple[object, ...]:
        words = ("people", "undo", "--collection", name, entry_id, "--why", "wrong", "--json")
        return history_entry(self._run(*words))

    def cluster_faces(self, name: str) -> None:
        self._people("suggest", name)

    def page_of_clusters(self, name: str, limit: int, next_token: str | None) -> Page:
        words = _given(limit=limit, next_token=next_token)
        return cluster_page(self._people("suggest", name, "--json", *words))

    def describe_cluster(self, name: str, cluster_id: str) -> tuple[str, list[str], str | None]:
        return cluster(self._people("cluster", name, cluster_id, "--json"))

    def name_cluster(self, name: str, cluster_id: str, user_id: str) -> Change:
        return change(self._people("name", name, cluster_id, user_id, "--json"))

    def ignore_cluster(self, name: str, cluster_id: str) -> None:
        self._people("ignore", name, cluster_id)

    def not_same_cluster(self, name: str, cluster_id: str, person: str) -> None:
        self._people("not-same", name, cluster_id, person)

    def not_a_face(self, name: str, face_id: str) -> None:
        self._people("not-a-face", name, face_id)

    def erase(self, name: str, kind: SubjectKind, subject: str) -> Erased:
        words = ("--collection", name, _option(kind), subject, "--yes", "--json")
        return erased(self._run("erase", *words))

    def export(self, name: str, kind: SubjectKind, subject: str) -> Exported:
        option, folder = _option(kind), self.data / "export"
        words = ("--collection", name, option, subject, "--output", folder)
        self._run("export", *words)
        return exported(json.loads((folder / "export.json").read_text()))

    def set_retention(self, name: str, days: int | None) -> None:
        kept = "never" if days is None else f"{days}d"
        self._run("collections", "update", name, "--expire-after", kept)

    def get_retention(self, name: str) -> int | None:
        described = self._run("collections", "describe", name, "--json")
        days: int | None = described["retention_days"]
        return days

    def list_erasures(self, name: str, limit: int | None = None) -> list[Erased]:
        words = _given(limit=limit)
        listed = self._run("erasures", "list", "--collection", name, "--json", *words)["erasures"]
        return [erased(receipt) for receipt in listed]

    def get_erasure(self, name: str, erasure_id: str) -> Erased:
        return erased(self._run("erasures", "show", erasure_id, "--collection", name, "--json"))

    def create_user(self, name: str, user_id: str) -> None:
        self._people("create", name, user_id, "--json")

    def create_named_user(self, name: str, user_id: str | None, displayed: str) -> str:
        own = () if user_id is None else (user_id,)
        person = self._people("create", name, *own, "--name", displayed, "--json")
        return str(person["user_id"])

    def rename_user(self, name: str, user_id: str, displayed: str | None) -> str | None:
        words = ("--remove",) if displayed is None else (displayed,)
        return self._people("rename", name, user_id, *words, "--json")["name"]

    def register_user(self, name: str, user_id: str, consent: str, expires: str) -> object:
        days = ("--consent", consent, "--expires", expires)
        return self._people("register", name, user_id, *days, "--json")["registration"]

    def unregister_user(self, name: str, user_id: str) -> object:
        return self._people("unregister", name, user_id, "--json")["registration"]

    def page_of_events(self, name: str, limit: int | None, next_token: str | None) -> Page:
        words = _given(limit=limit, next_token=next_token)
        return event_page(self._people("events", name, "--json", *words))

    def merge_users(self, name: str, user_id: str, other_id: str) -> list[str]:
        return self._people("merge", name, user_id, other_id, "--json")["face_ids"]

    def split_user(
        self, name: str, user_id: str, face_ids: list[str], new_user_id: str
    ) -> list[str]:
        return self._people("split", name, user_id, new_user_id, *face_ids, "--json")["face_ids"]

    def describe_user(self, name: str, user_id: str) -> tuple[str, list[str]]:
        person = self._people("show", name, user_id, "--json")
        return person["status"], person["face_ids"]

    def delete_user(self, name: str, user_id: str) -> None:
        self._people("delete", name, user_id, "--yes")

    def users_named(self, name: str, text: str) -> list[object]:
        return person_page(self._people("list", name, "--name-contains", text, "--json")).entries

    def find(
        self,
        name: str,
        photo: bytes | None = None,
        *,
        user_id: str | None = None,
        face_number: int | None = None,
        doubtful: bool = False,
        doubtful_below: float | None = None,
    ) -> list[Found]:
        probe = user_id if photo is None else self._file(photo)
        words = _given(face_number=face_number, doubtful_below=doubtful_below)
        found = self._run("find", probe, "--collection", name, *words, "--json")
        return face_matches(found["doubtful_matches" if doubtful else "matches"])

    def associate_faces(
        self, name: str, user_id: str, face_ids: list[str], min_similarity: float | None = None
    ) -> Change:
        words = _given(min_similarity=min_similarity)
        return change(self._people("add", name, user_id, *face_ids, "--json", *words))

    def disassociate_faces(self, name: str, user_id: str, face_ids: list[str]) -> Change:
        return change(self._people("remove", name, user_id, *face_ids, "--json"))

    def search_users_by_face(
        self, name: str, face_id: str, threshold: float | None = None
    ) -> list[FoundUser]:
        words = _given(face=face_id, threshold=threshold)
        return users_found(self._people("match", name, *words, "--json"))

    def search_users_by_user(
        self, name: str, user_id: str, threshold: float | None = None
    ) -> list[FoundUser]:
        words = _given(person=user_id, threshold=threshold)
        return users_found(self._people("match", name, *words, "--json"))

    def search_users_by_photo(
        self, name: str, photo: bytes, threshold: float | None = None
    ) -> list[FoundUser]:
        words = (self._file(photo), *_given(threshold=threshold))
        return users_found(self._people("match", name, *words, "--json"))

    def _people(self, command: str, name: str, *words: object) -> Any:  # noqa: ANN401 - JSON
        return self._run("people", command, "--collection", name, *words)

    def _file(self, photo: bytes, name: str = "a") -> Path:
        path = self.data / f"{name}.jpg"
        path.write_bytes(photo)
        return path

    def _run(self, *words: object) -> Any:  # noqa: ANN401 - JSON
        runner = CliRunner(env={"FACEREC_DATA": str(self.data)})
        result = runner.invoke(main, [str(word) for word in words])
        if result.exit_code and not result.stdout.startswith("{"):
            raise DoorError(result.exit_code, result.output)
        # a command that fails in part prints what it did
        return json.loads(result.stdout) if "--json" in words else None


def _option(kind: SubjectKind) -> str:
    """Return the option that names what a command is about."""
    return {SubjectKind.USER: "--person"}.get(kind, f"--{kind.lower().replace('_', '-')}")


def _given(**options: object) -> list[object]:
    """Return the words of the options that are given."""
    return [
        word
        for name, value in options.items()
        if value is not None
        for word in (f"--{name.replace('_', '-')}", value)
    ]
