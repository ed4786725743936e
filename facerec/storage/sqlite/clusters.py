"""The rows of clusters."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from facerec.core.history import Step, StepKind
from facerec.storage.sqlite import collections, history

if TYPE_CHECKING:
    from facerec.core import clusters as core_clusters
    from facerec.core.clusters import Cluster, ClusterChanges
else:
    from facerec.core.deferred import DeferredModule

    core_clusters = DeferredModule("facerec.core.clusters")


def last_clustered(connection: sqlite3.Connection, collection_id: str) -> tuple[int, int] | None:
    """Return the numbers of the namespace and of its last clustered write.

    The result is None before the first clustering.
    """
    row: tuple[int, int] | None = connection.execute(
        "SELECT namespace, write FROM clustering WHERE collection_id = ?", (collection_id,)
    ).fetchone()
    return row


def of_faces(
    connection: sqlite3.Connection, collection_id: str, face_ids: Sequence[str]
) -> dict[str, int]:
    """Return the numbers of clusters by face id."""
    rows = connection.execute(
        "SELECT face_id, number FROM cluster_member "
        "WHERE collection_id = ? AND face_id IN (SELECT value FROM json_each(?))",
        (collection_id, json.dumps(list(face_ids))),
    )
    return dict(rows.fetchall())


def with_data(
    connection: sqlite3.Connection, collection_id: str, face_ids: Sequence[str]
) -> set[str]:
    """Return the ids of faces that a table of clusters contains."""
    rows = connection.execute(
        "WITH sought AS (SELECT value AS face_id FROM json_each(?2)) "
        "SELECT face_id FROM sought JOIN cluster_member USING (face_id) WHERE collection_id = ?1 "
        "UNION SELECT face_id FROM sought JOIN not_a_face USING (face_id) WHERE collection_id = ?1 "
        "UNION SELECT face_id FROM sought JOIN face_to_cluster USING (face_id) "
        "WHERE collection_id = ?1",
        (collection_id, json.dumps(list(face_ids))),
    )
    return {face_id for (face_id,) in rows}


def members(
    connection: sqlite3.Connection, collection_id: str, numbers: Sequence[int]
) -> dict[int, list[str]]:
    """Return the faces of clusters, ordered by id."""
    found: dict[int, list[str]] = {}
    rows = connection.execute(
        "SELECT number, face_id FROM cluster_member INDEXED BY cluster_member_by_number "
        "WHERE collection_id = ? AND number IN (SELECT value FROM json_each(?)) "
        "ORDER BY number, face_id",
        (collection_id, json.dumps(list(numbers))),
    )
    for number, face_id in rows:
        found.setdefault(number, []).append(face_id)
    return found


def mixed(connection: sqlite3.Connection, collection_id: str) -> list[int]:
    """Return the numbers of clusters with faces of several people, in order."""
    # Without CROSS, SQLite reads all members of clusters, even if no face has a person.
    rows = connection.execute(
        "SELECT number FROM association CROSS JOIN cluster_member USING (collection_id, face_id) "
        "WHERE collection_id = ? GROUP BY number "
        "HAVING count(DISTINCT user_id) > 1 ORDER BY number",
        (collection_id,),
    )
    return [number for (number,) in rows]


def ignored(connection: sqlite3.Connection, collection_id: str) -> set[int]:
    """Return the numbers of ignored clusters."""
    rows = connection.execute(
        "SELECT number FROM ignored_cluster WHERE collection_id = ?", (collection_id,)
    )
    return {number for (number,) in rows}


def list_after(
    connection: sqlite3.Connection,
    collection_id: str,
    after: tuple[int, int] | None,
    limit: int,
    max_faces: int | None,
) -> list[int]:
    """Return the numbers of clusters to show, largest first; see ``ClusterStore.list_clusters``."""
    size, last = (-1, 0) if after is None else after
    rows = connection.execute(
        "SELECT number, sum(user_id IS NULL) AS free "
        "FROM cluster_member LEFT JOIN association USING (collection_id, face_id) "
        "WHERE collection_id = ?1 AND number NOT IN "
        "(SELECT number FROM ignored_cluster WHERE collection_id = ?1) "
        "AND number NOT IN (SELECT number FROM association JOIN cluster_member "
        "USING (collection_id, face_id) WHERE collection_id = ?1 AND user_id IN "
        "(SELECT user_id FROM association WHERE collection_id = ?1 GROUP BY user_id "
        "HAVING count(*) >= ?5)) "
        "GROUP BY number HAVING free > 0 AND count(*) > 1 "
        "AND (?2 < 0 OR free < ?2 OR (free = ?2 AND number > ?3)) "
        "ORDER BY free DESC, number LIMIT ?4",
        (collection_id, size, last, limit, max_faces),
    )
    return [number for number, _ in rows]


def get_many(
    connection: sqlite3.Connection, collection_id: str, numbers: Sequence[int]
) -> list[Cluster]:
    """Return the clusters that have faces without a person, in the order of ``numbers``."""
    hidden = ignored(connection, collection_id)
    free: dict[int, list[str]] = {}
    owners: dict[int, str] = {}
    rows = connection.execute(
        "SELECT number, face_id, user_id "
        "FROM cluster_member LEFT JOIN association USING (collection_id, face_id) "
        "WHERE collection_id = ? AND number IN (SELECT value FROM json_each(?)) "
        "ORDER BY number, face_id",
        (collection_id, json.dumps(list(numbers))),
    )
    for number, face_id, user_id in rows:
        if user_id is None:
            free.setdefault(number, []).append(face_id)
        else:
            owners[number] = user_id
    return [
        core_clusters.Cluster(number, tuple(free[number]), owners.get(number), number in hidden)
        for number in numbers
        if number in free
    ]


def version(connection: sqlite3.Connection, collection_id: str) -> str:
    """Return the version of clusters; see ``ClusterStore.read_version``.

    It includes the last number in ``face_to_cluster``, which faces of other collections increase
    too.
    """
    clustered = connection.execute(
        "SELECT namespace, write, last_number FROM clustering WHERE collection_id = ?",
        (collection_id,),
    ).fetchone()
    last_entry = connection.execute(
        "SELECT seq FROM sqlite_sequence WHERE name = 'face_to_cluster'"
    ).fetchone()
    hidden = sorted(ignored(connection, collection_id))
    return json.dumps([clustered, last_entry, hidden, not_faces(connection, collection_id)])


def save(
    connection: sqlite3.Connection,
    collection_id: str,
    changes: ClusterChanges,
    state: tuple[int, int, int] | None,
    known: str | None,
) -> list[int]:
    """Change clusters; see ``ClusterStore.save_clusters``.

    Raises:
        CollectionNotFoundError: The collection does not exist.
        ConflictError: The version is no longer ``known``.
    """
    collections.get(connection, collection_id)
    if known is not None and known != version(connection, collection_id):
        raise core_clusters.clusters_changed()
    if state is None:
        clustered = last_clustered(connection, collection_id)
        if clustered is None:
            return []
        state = (*clustered, 0)
    namespace, write, entry = state
    connection.execute(
        "DELETE FROM face_to_cluster WHERE collection_id = ? AND entry <= ?", (collection_id, entry)
    )
    connection.execute(
        "INSERT INTO clustering (collection_id, namespace, write, last_number) "
        "VALUES (?, ?, ?, 0) ON CONFLICT (collection_id) DO UPDATE "
        "SET namespace = excluded.namespace, write = excluded.write",
        (collection_id, namespace, write),
    )
    connection.executemany(
        "UPDATE cluster_member SET number = ? WHERE collection_id = ? AND number = ?",
        ((into, collection_id, number) for number, into in changes.merged.items()),
    )
    _add(connection, collection_id, namespace, changes.joined.items())
    (last,) = connection.execute(
        "UPDATE clustering SET last_number = last_number + ? WHERE collection_id = ? "
        "RETURNING last_number",
        (len(changes.created), collection_id),
    ).fetchone()
    numbers = list(range(last - len(changes.created) + 1, last + 1))
    _add(
        connection,
        collection_id,
        namespace,
        (
            (face_id, number)
            for number, face_ids in zip(numbers, changes.created, strict=True)
            for face_id in face_ids
        ),
    )
    return numbers


def leave(connection: sqlite3.Connection, collection_id: str, face_ids: Sequence[str]) -> None:
    """Remove faces from their clusters, so that they are clustered again."""
    _cluster_again(connection, collection_id, face_ids)
    connection.execute(
        "DELETE FROM cluster_member "
        "WHERE collection_id = ? AND face_id IN (SELECT value FROM json_each(?))",
        (collection_id, json.dumps(list(face_ids))),
    )


def set_ignored(
    connection: sqlite3.Connection, collection_id: str, number: int, *, is_ignored: bool
) -> None:
    """Write or delete the row of an ignored cluster."""
    changed = connection.execute(
        "INSERT OR IGNORE INTO ignored_cluster (collection_id, number) VALUES (?, ?)"
        if is_ignored
        else "DELETE FROM ignored_cluster WHERE collection_id = ? AND number = ?",
        (collection_id, number),
    ).rowcount
    if changed:
        kind = StepKind.IGNORED if is_ignored else StepKind.IGNORED_LIFTED
        history.note(connection, collection_id, Step(kind, cluster=number))


def set_not_faces(
    connection: sqlite3.Connection, collection_id: str, face_ids: Sequence[str], *, lift: bool
) -> tuple[str, ...]:
    """Write or delete marks of detections as not a face; return the ids whose marks changed."""
    statement = (
        "DELETE FROM not_a_face WHERE collection_id = ? AND face_id = ?"
        if lift
        else "INSERT OR IGNORE INTO not_a_face (collection_id, face_id) VALUES (?, ?)"
    )
    changed = tuple(
        face_id
        for face_id in face_ids
        if connection.execute(statement, (collection_id, face_id)).rowcount
    )
    if changed:
        if lift:
            _cluster_again(connection, collection_id, changed)
        kind = StepKind.NOT_A_FACE_LIFTED if lift else StepKind.NOT_A_FACE
        history.note(connection, collection_id, Step(kind, face_ids=changed))
    return changed


def not_faces(connection: sqlite3.Connection, collection_id: str) -> list[str]:
    """Return the ids of detections that somebody marked as not a face, ordered."""
    rows = connection.execute(
        "SELECT face_id FROM not_a_face WHERE collection_id = ? ORDER BY face_id", (collection_id,)
    )
    return [face_id for (face_id,) in rows]


def to_cluster(connection: sqlite3.Connection, collection_id: str) -> tuple[int, set[str]]:
    """Return the faces to cluster again, and the number of the last entry in their table."""
    rows = connection.execute(
        "SELECT entry, face_id FROM face_to_cluster WHERE collection_id = ?", (collection_id,)
    ).fetchall()
    return max((entry for entry, _ in rows), default=0), {face_id for _, face_id in rows}


def _cluster_again(
    connection: sqlite3.Connection, collection_id: str, face_ids: Sequence[str]
) -> None:
    connection.executemany(
        "INSERT INTO face_to_cluster (collection_id, face_id) VALUES (?, ?)",
        ((collection_id, face_id) for face_id in face_ids),
    )


def _add(
    connection: sqlite3.Connection,
    collection_id: str,
    namespace: int,
    members: Iterable[tuple[str, int]],
) -> None:
    """Write members, except faces that were deleted or clustered concurrently."""
    connection.executemany(
        "INSERT OR IGNORE INTO cluster_member (collection_id, face_id, number) "
        "SELECT ?1, id, ?3 FROM vector_slot WHERE namespace = ?4 AND id = ?2",
        ((collection_id, face_id, number, namespace) for face_id, number in members),
    )
