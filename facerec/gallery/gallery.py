"""``Gallery``: the operations on collections of faces, one method each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from facerec.gallery.cluster_operations import ClusterOperations
from facerec.gallery.collections import CollectionOperations
from facerec.gallery.exporting import ExportOperations
from facerec.gallery.faces import FaceOperations
from facerec.gallery.find_operations import FindOperations
from facerec.gallery.idempotency import answer_by_token
from facerec.gallery.importing import ImportOperations
from facerec.gallery.retention import RetentionOperations


class Gallery(
    CollectionOperations,
    FindOperations,
    FaceOperations,
    ClusterOperations,
    ExportOperations,
    RetentionOperations,
    ImportOperations,
):
    """Collections of faces: one method per operation, called by every door.

    The command line, REST, Rekognition's protocol and Python programs call these methods and
    nothing below them, so that they cannot disagree. Jobs use the functions that the methods
    consist of, since they index many photos at once. Safe to share between threads if the
    collaborators are.

    ``GalleryBase`` documents the constructor. The operations are grouped as they are below:

    - collections: ``create_collection``, ``describe_collection``, ``list_collections``,
      ``set_threshold``, ``delete_collection``, and tags;
    - photos: ``index``, ``search``, ``search_face``, ``find``, and without a collection
      ``compare`` and ``detect``;
    - faces of another service: ``import_faces``;
    - stored faces: ``list_faces``, ``delete_faces``, ``thumbnail``;
    - corrections: ``not_same``, ``lift_correction``, ``list_corrections``;
    - people, by Rekognition's name of users: ``create_user``, ``describe_user``,
      ``rename_user``, ``merge_users``, ``split_user``, ``delete_user``, ``list_users``,
      ``resolve_user``, ``associate_faces``, ``disassociate_faces``, and the searches
      ``search_users_by_face``, ``search_users_by_user`` and ``search_users_by_photo``;
    - unknown people: ``cluster``, ``list_clusters``, ``describe_cluster``, ``name_cluster``,
      ``ignore_cluster``, ``not_same_cluster`` and ``not_a_face``;
    - erasures: ``erase``, ``select``, ``get_erasure``, ``list_erasures``, ``resume_erasure`` and
      ``resume_erasures``, and ``export`` of what would be erased;
    - retention: ``get_retention``, ``set_retention``, ``find_expired`` and ``expire``.
    """

    def answer_once(
        self, token: str, request: dict[str, Any], answer: Callable[[], dict[str, Any]]
    ) -> dict[str, Any]:
        """Answer a request unless its idempotency token was answered before.

        See ``facerec.gallery.idempotency.answer_by_token``.
        """
        return answer_by_token(token, request, answer, requests=self._records, clock=self._clock)
