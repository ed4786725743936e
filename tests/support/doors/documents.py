"""The documents of ``facerec/schemas`` as values that doors are compared by."""

from __future__ import annotations

from typing import Any

from tests.support.doors.base import (
    Change,
    Erased,
    Exported,
    Found,
    FoundUser,
    Migrated,
    Page,
    rounded,
)


def face_matches(matches: list[dict[str, Any]]) -> list[Found]:
    """Return the matches of a face."""
    return [
        Found(match["face"]["face_id"], match["similarity"], match["face"].get("user_id"))
        for match in matches
    ]


def similarities(document: dict[str, Any]) -> list[float]:
    """Return the similarities of the first face of the source in ``compare-result.json``."""
    return [pair["similarity"] for pair in document["pairs"] if pair["source"] == 0]


def confidences(document: dict[str, Any]) -> list[float]:
    """Return the confidence of each face of ``detect-result.json``."""
    return [face["confidence"] for face in document["faces"]]


def listed_faces(document: dict[str, Any]) -> list[tuple[str, str | None]]:
    """Return the ids of the faces of ``face-list.json`` with their users."""
    return [(face["face_id"], face.get("user_id")) for face in document["faces"]]


def face_page(document: dict[str, Any]) -> Page:
    """Return the page of ``face-list.json``."""
    return Page([face["face_id"] for face in document["faces"]], document["next_token"])


def rest_matches(document: dict[str, Any]) -> list[Found]:
    """Return the matches of the first face of ``match-result.json``."""
    return face_matches(document["faces"][0]["matches"])


def person_page(document: dict[str, Any]) -> Page:
    """Return the page of ``person-list.json``."""
    people = [(person["user_id"], person["status"]) for person in document["people"]]
    return Page(people, document["next_token"])


def change(document: dict[str, Any]) -> Change:
    """Return what ``association.json`` says."""
    failed = [
        (
            each["face_id"],
            each["reasons"],
            each.get("user_id"),
            rounded(each["similarity"]) if "similarity" in each else None,
        )
        for each in document["failed"]
    ]
    return Change(document["changed"], failed, document["status"])


def correction_page(document: dict[str, Any]) -> Page:
    """Return the page of ``correction-list.json``."""
    corrections = [(each["face_id"], each["person"]) for each in document["corrections"]]
    return Page(corrections, document["next_token"])


def history_entry(document: dict[str, Any]) -> tuple[object, ...]:
    """Return what ``history-entry.json`` says, without times and who made it."""
    steps = [
        (step["kind"], step["user_id"], step["other_id"], step["name"], step["face_ids"])
        for step in document["steps"]
    ]
    return document["action"], document["why"], document["erased"], steps


def event_page(document: dict[str, Any]) -> Page:
    """Return a page of events as a door shows it."""
    events = [
        (
            kept["event"]["face_id"],
            kept["event"]["user_id"],
            rounded(kept["event"]["similarity"]),
            kept["problem"],
        )
        for kept in document["events"]
    ]
    return Page(events, document["next_token"])


def history_page(document: dict[str, Any]) -> Page:
    """Return the page of ``history.json``."""
    entries = [(each["entry_id"], history_entry(each)) for each in document["entries"]]
    return Page(entries, document["next_token"])


def cluster(document: dict[str, Any]) -> tuple[str, list[str], str | None]:
    """Return what ``cluster.json`` says."""
    return document["cluster_id"], document["face_ids"], document["user_id"]


def cluster_page(document: dict[str, Any]) -> Page:
    """Return the page of ``cluster-list.json``."""
    return Page([cluster(each) for each in document["clusters"]], document["next_token"])


def erased(document: dict[str, Any]) -> Erased:
    """Return what ``receipt.json`` says."""
    return Erased(document["subject"], document["faces"], document["users"], document["erasure_id"])


def exported(document: dict[str, Any]) -> Exported:
    """Return what ``export.json`` says."""
    return Exported(
        [
            (each["face"]["face_id"], each["face"].get("user_id"), each["embedding"][:3])
            for each in document["faces"]
        ],
        [(person["user_id"], person["name"]) for person in document["people"]],
        [(each["face_id"], each["person"]) for each in document["corrections"]],
    )


def users_found(document: dict[str, Any]) -> list[FoundUser]:
    """Return the users of ``people-match-result.json``."""
    return [
        (match["person"]["user_id"], rounded(match["similarity"])) for match in document["matches"]
    ]


def migration(document: Any) -> Migrated:  # noqa: ANN401 - JSON
    """Return how far a migration is, from its document."""
    return document["state"], document["model_version"], document["ready"]
