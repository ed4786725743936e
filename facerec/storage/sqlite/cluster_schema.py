"""The tables of clusters.

``clustering.write`` is the number of the last write of a namespace whose faces were clustered: only
blocks written later can contain faces that were not clustered. Other faces to cluster again, such
as those that left a cluster, are in ``face_to_cluster``. The rows of a face are deleted with the
face, and the rows of a collection with the collection.

``face_summary`` contains the data that clustering needs about the faces of a block, besides their
embeddings (``face_arrays``). The row of a block is deleted when a face of it is deleted or its
metadata changes.
"""

from __future__ import annotations

SUMMARY_STATEMENTS = (
    """CREATE TABLE face_summary (
        block INTEGER PRIMARY KEY,
        written INTEGER NOT NULL,
        version TEXT NOT NULL,
        faces BLOB NOT NULL
    )""",
    """CREATE TRIGGER summarised_face_deleted AFTER DELETE ON vector_slot BEGIN
        DELETE FROM face_summary WHERE block = old.slot / 1024;
    END""",
    """CREATE TRIGGER summarised_face_changed AFTER UPDATE ON vector BEGIN
        DELETE FROM face_summary WHERE block = new.slot / 1024;
    END""",
)

CLUSTER_STATEMENTS = (
    """CREATE TABLE clustering (
        collection_id TEXT PRIMARY KEY,
        namespace INTEGER NOT NULL,
        write INTEGER NOT NULL,
        last_number INTEGER NOT NULL
    ) WITHOUT ROWID""",
    """CREATE TABLE cluster_member (
        collection_id TEXT NOT NULL,
        face_id TEXT NOT NULL,
        number INTEGER NOT NULL,
        PRIMARY KEY (collection_id, face_id)
    ) WITHOUT ROWID""",
    "CREATE INDEX cluster_member_by_number ON cluster_member (collection_id, number, face_id)",
    """CREATE TABLE ignored_cluster (
        collection_id TEXT NOT NULL,
        number INTEGER NOT NULL,
        PRIMARY KEY (collection_id, number)
    ) WITHOUT ROWID""",
    """CREATE TABLE not_a_face (
        collection_id TEXT NOT NULL,
        face_id TEXT NOT NULL,
        PRIMARY KEY (collection_id, face_id)
    ) WITHOUT ROWID""",
    """CREATE TABLE face_to_cluster (
        entry INTEGER PRIMARY KEY AUTOINCREMENT,
        collection_id TEXT NOT NULL,
        face_id TEXT NOT NULL
    )""",
    "CREATE INDEX face_to_cluster_by_face ON face_to_cluster (collection_id, face_id)",
    """CREATE TRIGGER clustered_collection_deleted AFTER DELETE ON collection BEGIN
        DELETE FROM clustering WHERE collection_id = old.collection_id;
        DELETE FROM cluster_member WHERE collection_id = old.collection_id;
        DELETE FROM ignored_cluster WHERE collection_id = old.collection_id;
        DELETE FROM not_a_face WHERE collection_id = old.collection_id;
        DELETE FROM face_to_cluster WHERE collection_id = old.collection_id;
    END""",
    """CREATE TRIGGER clustered_face_deleted AFTER DELETE ON vector_slot BEGIN
        DELETE FROM cluster_member WHERE face_id = old.id
            AND collection_id = (SELECT name FROM namespace WHERE namespace = old.namespace);
        DELETE FROM not_a_face WHERE face_id = old.id
            AND collection_id = (SELECT name FROM namespace WHERE namespace = old.namespace);
        DELETE FROM face_to_cluster WHERE face_id = old.id
            AND collection_id = (SELECT name FROM namespace WHERE namespace = old.namespace);
    END""",
)
