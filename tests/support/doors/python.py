"""The public Python API as a door."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from facerec import errors
from facerec.core.erasures import SubjectKind
from facerec.core.options import FaceOptions, QualityFilter
from facerec.gallery.migrating.migration_results import MigrationStatus
from facerec.gallery.people.associations import AssociationOutcome, status_of
from facerec.gallery.people.person_search import UserSearchResult
from facerec.gallery.presenting.history import history_entry_json, history_page_json
from facerec.gallery.presenting.people import event_page_json, person_json
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
    rounded,
)
from tests.support.doors.documents import erased, event_page, exported, history_entry, history_page


class PythonDoor(Door):
    """The public Python API."""

    errors: ClassVar = {kind: kind for kind in vars(errors).values() if isinstance(kind, type)}

    def create_collection(self, name: str) -> str:
        return self._run(lambda: self.gallery.create_collection(name).model_version)

    def list_collections(self) -> list[str]:
        return [collection.collection_id for collection in self.gallery.all_collections()]

    def describe_collection(self, name: str) -> tuple[int, int]:
        summary = self._run(lambda: self.gallery.describe_collection(name))
        return summary.face_count, summary.user_count

    def delete_collection(self, name: str) -> None:
        self._run(lambda: self.gallery.delete_collection(name))

    def list_faces(self, name: str, user_id: str | None = None) -> list[tuple[str, str | None]]:
        page = self._run(lambda: self.gallery.list_faces(name, user_id=user_id))
        return [(face.record.face_id, face.user_id) for face in page.faces]

    def delete_face(self, name: str, face_id: str) -> None:
        for failure in self._run(lambda: self.gallery.delete_faces(name, [face_id])).failed:
            raise DoorError(
                errors.FaceInUseError if failure.user_id else errors.FaceNotFoundError, ""
            )

    def delete_faces(self, name: str, face_ids: list[str]) -> list[str]:
        return sorted(self._run(lambda: self.gallery.delete_faces(name, face_ids)).deleted)

    def delete_face_of_user(self, name: str, face_id: str) -> None:
        self._run(lambda: self.gallery.delete_faces(name, [face_id], disassociate=True))

    def index(self, name: str, photo: bytes, quality_filter: str | None = None) -> list[str]:
        chosen = None if quality_filter is None else QualityFilter(quality_filter)
        options = FaceOptions(quality_filter=chosen)
        result = self._run(
            lambda: self.gallery.index(name, photo, external_image_id="photo", options=options)
        )
        return [face.record.face_id for face in result.faces]

    def search(
        self,
        name: str,
        photo: bytes,
        threshold: float | None = None,
        limit: int | None = None,
        quality_filter: str | None = None,
        target_fmr: float | None = None,
    ) -> list[Found]:
        options = self._probe_options(quality_filter)
        result = self._run(
            lambda: self.gallery.search(
                name,
                photo,
                threshold=threshold,
                target_fmr=target_fmr,
                limit=limit,
                options=options,
            )
        )
        return [
            Found(match.face.face_id, match.similarity, match.user_id)
            for match in result.faces[0].matches
        ]

    def compare(
        self, source: bytes, target: bytes, quality_filter: str | None = None
    ) -> list[float]:
        options = self._probe_options(quality_filter)
        comparison = self._run(lambda: self.gallery.compare(source, target, options=options))
        return [pair.similarity for pair in comparison.pairs if pair.source == 0]

    def detect(self, photo: bytes, detector: str | None = None) -> list[float]:
        found = self._run(
            lambda: self.gallery.detect(photo, options=FaceOptions(detector=detector))
        )
        return [face.confidence for face in found.faces]

    def page_of_collections(self, limit: int, next_token: str | None) -> Page:
        page = self._run(lambda: self.gallery.list_collections(limit=limit, next_token=next_token))
        return Page([each.collection_id for each in page.collections], page.next_token)

    def page_of_faces(self, name: str, limit: int, next_token: str | None) -> Page:
        page = self._run(lambda: self.gallery.list_faces(name, limit=limit, next_token=next_token))
        return Page([face.record.face_id for face in page.faces], page.next_token)

    def page_of_users(self, name: str, limit: int, next_token: str | None) -> Page:
        page = self._run(lambda: self.gallery.list_users(name, limit=limit, next_token=next_token))
        return Page([(user.user_id, status_of(user)) for user in page.users], page.next_token)

    def get_tags(self, name: str) -> dict[str, str]:
        return self._run(lambda: self.gallery.get_tags(name))

    def set_tags(self, name: str, tags: dict[str, str]) -> None:
        self._run(lambda: self.gallery.set_tags(name, tags))

    def remove_tags(self, name: str, keys: list[str]) -> None:
        self._run(lambda: self.gallery.remove_tags(name, keys))

    def refresh_stats(self, name: str) -> None:
        self._run(lambda: self.gallery.refresh_stats(name))

    def migration_status(self, name: str) -> Migrated:
        return migrated(self._run(lambda: self.gallery.migration_status(name)))

    def migrate(self, name: str, recipe: str, *, drop_missing: bool = False) -> Migrated:
        return migrated(
            self._run(lambda: self.gallery.migrate(name, recipe, drop_missing=drop_missing)).status
        )

    def roll_back_migration(self, name: str) -> Migrated:
        return migrated(self._run(lambda: self.gallery.roll_back_migration(name)).status)

    def prepare_migration(self, name: str, recipe: str) -> list[str]:
        page = self._run(lambda: self.gallery.prepare_migration(name, recipe, dry_run=True))
        return sorted(str(face.reason) for face in page.missing)

    def switch_version(self, name: str) -> Migrated:
        return migrated(self._run(lambda: self.gallery.switch_version(name)))

    def finish_migration(self, name: str) -> Migrated:
        return migrated(self._run(lambda: self.gallery.finish_migration(name)).status)

    def cancel_migration(self, name: str) -> Migrated:
        return migrated(self._run(lambda: self.gallery.cancel_migration(name)).status)

    def search_face(
        self, name: str, face_id: str, limit: int | None = None, target_fmr: float | None = None
    ) -> list[Found]:
        found = self._run(
            lambda: self.gallery.search_face(name, face_id, limit=limit, target_fmr=target_fmr)
        )
        return [
            Found(match.face.face_id, match.similarity, match.user_id) for match in found.matches
        ]

    def thumbnail(self, name: str, face_id: str) -> bytes:
        return self._run(lambda: self.gallery.thumbnail(name, face_id))

    def set_threshold(self, name: str, threshold: float | None) -> None:
        self._run(lambda: self.gallery.set_threshold(name, threshold))

    def not_same(self, name: str, face_id: str, person: str) -> None:
        self._run(lambda: self.gallery.not_same(name, face_id, person))

    def lift_correction(self, name: str, face_id: str, person: str) -> None:
        self._run(lambda: self.gallery.lift_correction(name, face_id, person))

    def page_of_corrections(self, name: str, limit: int, next_token: str | None) -> Page:
        page = self._run(
            lambda: self.gallery.list_corrections(name, limit=limit, next_token=next_token)
        )
        return Page([(each.face_id, each.person) for each in page.corrections], page.next_token)

    def page_of_history(
        self, name: str, limit: int | None, next_token: str | None, person: str | None = None
    ) -> Page:
        chosen = {} if limit is None else {"limit": limit}
        page = self._run(
            lambda: self.gallery.list_history(name, person=person, next_token=next_token, **chosen)
        )
        return history_page(history_page_json(page))

    def undo(self, name: str, entry_id: str) -> tuple[object, ...]:
        with self.gallery.requested_by("zoe", why="wrong"):
            done = self._run(lambda: self.gallery.undo(name, entry_id))
        return history_entry(history_entry_json(done, {}))

    def cluster_faces(self, name: str) -> None:
        self._run(lambda: self.gallery.cluster_faces(name))

    def page_of_clusters(self, name: str, limit: int, next_token: str | None) -> Page:
        page = self._run(
            lambda: self.gallery.list_clusters(name, limit=limit, next_token=next_token)
        )
        clusters = [(each.cluster_id, list(each.face_ids), each.user_id) for each in page.clusters]
        return Page(clusters, page.next_token)

    def describe_cluster(self, name: str, cluster_id: str) -> tuple[str, list[str], str | None]:
        found = self._run(lambda: self.gallery.describe_cluster(name, cluster_id))
        return found.cluster_id, list(found.face_ids), found.user_id

    def name_cluster(self, name: str, cluster_id: str, user_id: str) -> Change:
        return self._change(lambda: self.gallery.name_cluster(name, cluster_id, user_id))

    def ignore_cluster(self, name: str, cluster_id: str) -> None:
        self._run(lambda: self.gallery.ignore_cluster(name, cluster_id))

    def not_same_cluster(self, name: str, cluster_id: str, person: str) -> None:
        self._run(lambda: self.gallery.not_same_cluster(name, cluster_id, person))

    def not_a_face(self, name: str, face_id: str) -> None:
        self._run(lambda: self.gallery.not_a_face(name, face_id))

    def erase(self, name: str, kind: SubjectKind, subject: str) -> Erased:
        return erased(self._run(lambda: self.gallery.erase(name, kind, subject)).to_json())

    def export(self, name: str, kind: SubjectKind, subject: str) -> Exported:
        return exported(self._run(lambda: self.gallery.export(name, kind, subject)).to_json())

    def set_retention(self, name: str, days: int | None) -> None:
        self._run(lambda: self.gallery.set_retention(name, days))

    def get_retention(self, name: str) -> int | None:
        return self._run(lambda: self.gallery.get_retention(name))

    def list_erasures(self, name: str, limit: int | None = None) -> list[Erased]:
        chosen = {} if limit is None else {"limit": limit}
        receipts = self._run(lambda: self.gallery.list_erasures(name, **chosen))
        return [erased(receipt.to_json()) for receipt in receipts]

    def get_erasure(self, name: str, erasure_id: str) -> Erased:
        return erased(self._run(lambda: self.gallery.get_erasure(name, erasure_id)).to_json())

    def create_user(self, name: str, user_id: str) -> None:
        self._run(lambda: self.gallery.create_user(name, user_id))

    def create_named_user(self, name: str, user_id: str | None, displayed: str) -> str:
        return self._run(lambda: self.gallery.create_user(name, user_id, name=displayed).user_id)

    def rename_user(self, name: str, user_id: str, displayed: str | None) -> str | None:
        return self._run(lambda: self.gallery.rename_user(name, user_id, displayed).name)

    def register_user(self, name: str, user_id: str, consent: str, expires: str) -> object:
        user = self._run(
            lambda: self.gallery.register_user(name, user_id, consent=consent, expires=expires)
        )
        return person_json(user)["registration"]

    def unregister_user(self, name: str, user_id: str) -> object:
        return person_json(self._run(lambda: self.gallery.unregister_user(name, user_id)))[
            "registration"
        ]

    def page_of_events(self, name: str, limit: int | None, next_token: str | None) -> Page:
        chosen = {} if limit is None else {"limit": limit}
        page = self._run(lambda: self.gallery.list_events(name, next_token=next_token, **chosen))
        return event_page(event_page_json(page))

    def retry_events(self, name: str) -> None:
        self._run(lambda: self.gallery.retry_events(name))

    def merge_users(self, name: str, user_id: str, other_id: str) -> list[str]:
        merged = self._run(lambda: self.gallery.merge_users(name, user_id, other_id))
        return list(merged.face_ids)

    def split_user(
        self, name: str, user_id: str, face_ids: list[str], new_user_id: str
    ) -> list[str]:
        new = self._run(lambda: self.gallery.split_user(name, user_id, face_ids, new_user_id))
        return list(new.face_ids)

    def create_user_once(self, name: str, user_id: str, token: str) -> None:
        def create() -> dict[str, Any]:
            self.gallery.create_user(name, user_id)
            return {}

        self._run(lambda: self.gallery.answer_once(token, {"user": user_id}, create))

    def describe_user(self, name: str, user_id: str) -> tuple[str, list[str]]:
        user = self._run(lambda: self.gallery.describe_user(name, user_id))
        return status_of(user), list(user.face_ids)

    def delete_user(self, name: str, user_id: str) -> None:
        self._run(lambda: self.gallery.delete_user(name, user_id))

    def users_named(self, name: str, text: str) -> list[object]:
        users = self._run(lambda: self.gallery.list_users(name, name_contains=text).users)
        return [(user.user_id, status_of(user)) for user in users]

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
        page = self._run(
            lambda: self.gallery.find(
                name,
                photo,
                user_id=user_id,
                face_number=face_number,
                doubtful=doubtful,
                doubtful_below=doubtful_below,
            )
        )
        matches = [each.match for each in page.found]
        return [Found(each.face.face_id, each.similarity, each.user_id) for each in matches]

    def associate_faces(
        self, name: str, user_id: str, face_ids: list[str], min_similarity: float | None = None
    ) -> Change:
        chosen = {} if min_similarity is None else {"min_similarity": min_similarity}
        return self._change(lambda: self.gallery.associate_faces(name, user_id, face_ids, **chosen))

    def disassociate_faces(self, name: str, user_id: str, face_ids: list[str]) -> Change:
        return self._change(lambda: self.gallery.disassociate_faces(name, user_id, face_ids))

    def search_users_by_face(
        self, name: str, face_id: str, threshold: float | None = None
    ) -> list[FoundUser]:
        return self._users(
            lambda: self.gallery.search_users_by_face(name, face_id, threshold=threshold)
        )

    def search_users_by_user(
        self, name: str, user_id: str, threshold: float | None = None
    ) -> list[FoundUser]:
        return self._users(
            lambda: self.gallery.search_users_by_user(name, user_id, threshold=threshold)
        )

    def search_users_by_photo(
        self, name: str, photo: bytes, threshold: float | None = None
    ) -> list[FoundUser]:
        return self._users(
            lambda: self.gallery.search_users_by_photo(name, photo, threshold=threshold)
        )

    def _probe_options(self, quality_filter: str | None) -> FaceOptions:
        chosen = None if quality_filter is None else QualityFilter(quality_filter)
        return FaceOptions(quality_filter=chosen)

    def _change(self, operation: Callable[[], AssociationOutcome]) -> Change:
        outcome = self._run(operation)
        failed = [
            (
                each.face_id,
                [str(reason) for reason in each.reasons],
                each.user_id,
                None if each.similarity is None else rounded(each.similarity),
            )
            for each in outcome.failed
        ]
        return Change(list(outcome.changed), failed, str(outcome.status))

    def _users(self, operation: Callable[[], UserSearchResult]) -> list[FoundUser]:
        found = self._run(operation)
        return [(match.user.user_id, rounded(match.similarity)) for match in found.matches]

    @staticmethod
    def _run(operation: Callable[[], Any]) -> Any:  # noqa: ANN401 - the operation's own
        try:
            return operation()
        except errors.FacerecError as error:
            raise DoorError(type(error), f"{error.message} {error.hint}") from error


def migrated(status: MigrationStatus) -> Migrated:
    """Return how far a migration is."""
    state = None if status.state is None else str(status.state)
    return state, status.model_version, status.ready
