"""Rekognition's operations by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from facerec.api.rekognition import collections, faces, photos, users
from facerec.api.rekognition.requests import Request
from facerec.api.rekognition.shapes import Shape
from facerec.gallery.gallery import Gallery

Answer: TypeAlias = Callable[[Gallery, Request], Shape]


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation of the protocol.

    Attributes:
        answer: Returns the answer to a validated request, or raises a ``RekognitionError`` or the
            error of the gallery's operation.
        writes: Whether the operation changes anything.
        cpu_bound: Whether the operation occupies a processor, as finding faces in photos does.
    """

    answer: Answer
    writes: bool = False
    cpu_bound: bool = False


OPERATIONS = {
    "AssociateFaces": Operation(users.associate_faces, writes=True),
    "CompareFaces": Operation(photos.compare_faces, cpu_bound=True),
    "CreateCollection": Operation(collections.create_collection, writes=True),
    "CreateUser": Operation(users.create_user, writes=True),
    "DeleteCollection": Operation(collections.delete_collection, writes=True),
    "DeleteFaces": Operation(faces.delete_faces, writes=True),
    "DeleteUser": Operation(users.delete_user, writes=True),
    "DescribeCollection": Operation(collections.describe_collection),
    "DetectFaces": Operation(photos.detect_faces, cpu_bound=True),
    "DisassociateFaces": Operation(users.disassociate_faces, writes=True),
    "IndexFaces": Operation(faces.index_faces, writes=True, cpu_bound=True),
    "ListCollections": Operation(collections.list_collections),
    "ListFaces": Operation(faces.list_faces),
    "ListTagsForResource": Operation(collections.list_tags_for_resource),
    "ListUsers": Operation(users.list_users),
    "SearchFaces": Operation(faces.search_faces),
    "SearchFacesByImage": Operation(faces.search_faces_by_image, cpu_bound=True),
    "SearchUsers": Operation(users.search_users),
    "SearchUsersByImage": Operation(users.search_users_by_image, cpu_bound=True),
    "TagResource": Operation(collections.tag_resource, writes=True),
    "UntagResource": Operation(collections.untag_resource, writes=True),
}
