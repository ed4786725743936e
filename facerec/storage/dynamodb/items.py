"""Converts records to items of a DynamoDB table and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypeAlias

from facerec.core.records import Collection, Correction, User
from facerec.core.registrations import Registration

Item: TypeAlias = dict[str, Any]

COLLECTIONS = "collections"
"""The partition key of all collections."""

REQUESTS = "requests"
"""The partition key of all answered requests, so that an erasure can find the answers that name
somebody. A partition accepts 1,000 writes per second, far more than the requests with a token:
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html."""


SWEPT = "swept"
"""Attribute of collections without an item that names a person who does not exist. Collections that
earlier releases created get it from a sweep (``unowned``)."""

SWEPT_TO = "swept_to"
"""Attribute of collections in which a sweep stopped: the position at which it continues."""

OUTBOX = "outbox"
"""The partition key of the undelivered events of all collections. Matches are far fewer than the
writes that a partition accepts."""


def key(partition: str, sort: str) -> Item:
    """Return a primary key."""
    return {"pk": {"S": partition}, "sk": {"S": sort}}


def collection_key(collection_id: str) -> Item:
    """Return the key of a collection."""
    return key(COLLECTIONS, collection_id)


def users_partition(collection_id: str) -> str:
    """Return the partition key of the people of a collection."""
    return f"users#{collection_id}"


def user_key(collection_id: str, user_id: str) -> Item:
    """Return the key of a person."""
    return key(users_partition(collection_id), user_id)


def user_names_partition(collection_id: str) -> str:
    """Return the partition key of the display names of a collection's people."""
    return f"names#{collection_id}"


def user_name_key(collection_id: str, name: str) -> Item:
    """Return the key of the person who has a display name."""
    return key(user_names_partition(collection_id), name)


def associations_partition(collection_id: str) -> str:
    """Return the partition key of the people of a collection's faces."""
    return f"faces#{collection_id}"


def association_key(collection_id: str, face_id: str) -> Item:
    """Return the key of the item with the person of a face."""
    return key(associations_partition(collection_id), face_id)


def face_corrections_partition(collection_id: str) -> str:
    """Return the partition key of the people that faces of a collection do not show."""
    return f"corrections#{collection_id}"


def face_corrections_key(collection_id: str, face_id: str) -> Item:
    """Return the key of the item with the people that a face does not show."""
    return key(face_corrections_partition(collection_id), face_id)


def person_corrections_partition(collection_id: str) -> str:
    """Return the partition key of the faces that do not show people of a collection."""
    return f"corrected#{collection_id}"


def person_corrections_key(collection_id: str, person: str) -> Item:
    """Return the key of the item with the faces that do not show a person."""
    return key(person_corrections_partition(collection_id), person)


def to_corrections(item: Mapping[str, Any]) -> list[Correction]:
    """Return the corrections of an item with the key of a face or of a person."""
    own = item["sk"]["S"]
    return [
        *(Correction(own, person) for person in item.get("people", {"SS": []})["SS"]),
        *(Correction(face_id, own) for face_id in item.get("faces", {"SS": []})["SS"]),
    ]


def history_partition(collection_id: str) -> str:
    """Return the partition key of the history of a collection's people."""
    return f"history#{collection_id}"


def history_key(collection_id: str, sort: str) -> Item:
    """Return the key of a step of the history."""
    return key(history_partition(collection_id), sort)


def tombstones_partition(collection_id: str) -> str:
    """Return the partition key of the tombstones of a collection, and of their key."""
    return f"deleted#{collection_id}"


def tombstone_item_key(collection_id: str, photo: str) -> Item:
    """Return the key of the tombstones of a photo."""
    return key(tombstones_partition(collection_id), photo)


def request_key(token: str) -> Item:
    """Return the key of an answered request."""
    return key(REQUESTS, token)


def registered_partition(collection_id: str) -> str:
    """Return the partition key of the registered people of a collection."""
    return f"registered#{collection_id}"


def registered_key(collection_id: str, user_id: str) -> Item:
    """Return the key of the mark that a person is registered."""
    return key(registered_partition(collection_id), user_id)


def events_partition(collection_id: str) -> str:
    """Return the partition key of the events of a collection."""
    return f"events#{collection_id}"


def matched_partition(collection_id: str) -> str:
    """Return the partition key of the faces and people of events."""
    return f"matched#{collection_id}"


def clusters_partition(collection_id: str) -> str:
    """Return the partition key of the clusters of a collection."""
    return f"clusters#{collection_id}"


def consent_item(registration: Registration | None) -> Item:
    """Return the days of a registration as attributes; an empty item for None."""
    if registration is None:
        return {}
    return {"consent_day": {"S": registration.consent}, "expiry_day": {"S": registration.expires}}


def numbers(values: Mapping[str, float]) -> Item:
    """Return numbers as attributes. ``repr`` preserves all digits of a float."""
    return {name: {"N": repr(value)} for name, value in values.items()}


def collection_item(collection: Collection, tags: Mapping[str, str]) -> Item:
    """Return a new collection as an item, without numbers of sides."""
    return {
        **collection_key(collection.collection_id),
        "model_version": {"S": collection.model_version},
        "tags": {"S": json.dumps(dict(tags))},
        SWEPT: {"BOOL": True},
        **numbers({"created_at": collection.created_at}),
        **({} if collection.threshold is None else numbers({"threshold": collection.threshold})),
        **({"generation": {"S": collection.generation}} if collection.generation else {}),
        **({"first_version": {"S": collection.first_version}} if collection.first_version else {}),
    }


def side_in(item: Mapping[str, Any], name: str) -> int | None:
    """Return a number about sides from the item of a collection; None if the item has none."""
    return int(item[name]["N"]) if name in item else None


def to_collection(item: Mapping[str, Any]) -> Collection:
    """Return the collection of an item."""
    return Collection(
        item["sk"]["S"],
        item["model_version"]["S"],
        float(item["created_at"]["N"]),
        float(item["threshold"]["N"]) if "threshold" in item else None,
        item.get("generation", {"S": ""})["S"],
        item["first_version"]["S"] if "first_version" in item else None,
        side_in(item, "served_side") or 0,
        side_in(item, "standby_side"),
        side_in(item, "next_side"),
        side_in(item, "sides") or 1,
    )


def user_item(collection_id: str, user: User) -> Item:
    """Return a person as an item."""
    return {
        **user_key(collection_id, user.user_id),
        "face_ids": {"L": [{"S": face_id} for face_id in user.face_ids]},
        **numbers(
            {
                "created_at": user.created_at,
                "version": user.version,
                "vector_version": user.vector_version,
            }
        ),
        **({} if user.name is None else {"display_name": {"S": user.name}}),
        **consent_item(user.registration),
    }


def to_user(item: Mapping[str, Any]) -> User:
    """Return the person of an item."""
    return User(
        user_id=item["sk"]["S"],
        created_at=float(item["created_at"]["N"]),
        face_ids=tuple(face_id["S"] for face_id in item["face_ids"]["L"]),
        version=int(item["version"]["N"]),
        vector_version=int(item["vector_version"]["N"]),
        name=item["display_name"]["S"] if "display_name" in item else None,
        registration=Registration(item["consent_day"]["S"], item["expiry_day"]["S"])
        if "consent_day" in item
        else None,
    )
