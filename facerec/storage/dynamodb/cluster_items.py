"""The items of clusters in a DynamoDB table, and the shards that contain the faces of a collection.

All items of a collection are in one partition. A shard contains the faces whose ids begin with the
same digits, each with the number of its cluster: 24 bytes per face, so that a million faces are
read with 24 requests. A face whose number is 0 was compared with all others, and is in no cluster.
A face that is in no shard is clustered by the next clustering.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from secrets import token_hex
from typing import Any

from facerec.core.ids import ID_BYTES, id_bytes, id_of_bytes
from facerec.storage.dynamodb.items import Item, clusters_partition, key

HEAD = "head"
"""Sort key of the head (``cluster_head``)."""

IGNORED = "ignored#"
"""Beginning of the sort keys of ignored clusters."""

NOT_A_FACE = "not#"
"""Beginning of the sort keys of marks as not a face."""

SHARD = "shard#"
"""Beginning of the sort keys of shards."""

_SHARD_DIGITS = 3
"""Number of leading digits of face ids that name a shard. An item has up to 400 KB, enough for
17,000 faces, so that 4,096 shards contain 70 million faces."""

_FACE_BYTES = ID_BYTES + 8


def shard_of(face_id: str) -> str:
    """Return the sort key of the shard of a face."""
    return SHARD + face_id[:_SHARD_DIGITS]


def by_shard(face_ids: Iterable[str]) -> dict[str, list[str]]:
    """Return face ids by the sort keys of their shards."""
    shards: dict[str, list[str]] = {}
    for face_id in face_ids:
        shards.setdefault(shard_of(face_id), []).append(face_id)
    return shards


def cluster_key(collection_id: str, sort: str) -> Item:
    """Return the key of an item of clusters."""
    return key(clusters_partition(collection_id), sort)


def ignored_key(collection_id: str, number: int) -> Item:
    """Return the key of the item of an ignored cluster."""
    return cluster_key(collection_id, f"{IGNORED}{number:018}")


def not_face_key(collection_id: str, face_id: str) -> Item:
    """Return the key of the mark that a detection is not a face."""
    return cluster_key(collection_id, NOT_A_FACE + face_id)


def shard_item(collection_id: str, sort: str, members: Mapping[str, int]) -> dict[str, Any]:
    """Return a shard as an item.

    Args:
        collection_id: The collection.
        sort: Sort key of the shard.
        members: Numbers of clusters, or 0, by face id.
    """
    faces = b"".join(
        id_bytes(face_id) + number.to_bytes(_FACE_BYTES - ID_BYTES, "big")
        for face_id, number in sorted(members.items())
    )
    return {
        **cluster_key(collection_id, sort),
        "faces": {"B": faces},
        # The version is random, since a shard may be deleted and created again.
        "version": {"S": token_hex(8)},
    }


def members_of(item: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """Yield the ids of the faces of a shard, in order, with the numbers of their clusters or 0."""
    faces = bytes(item["faces"]["B"])
    for start in range(0, len(faces), _FACE_BYTES):
        face = faces[start : start + _FACE_BYTES]
        yield id_of_bytes(face[:ID_BYTES]), int.from_bytes(face[ID_BYTES:], "big")
