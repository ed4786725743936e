"""``Gallery``: the operations on collections of faces, one method each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from facerec.gallery.collections import CollectionOperations
from facerec.gallery.correction_operations import CorrectionOperations
from facerec.gallery.enrol_operations import EnrolOperations
from facerec.gallery.erasure_operations import ErasureOperations
from facerec.gallery.exporting import ExportOperations
from facerec.gallery.faces import FaceOperations
from facerec.gallery.find_operations import FindOperations
from facerec.gallery.history_operations import HistoryOperations
from facerec.gallery.idempotency import answer_by_token
from facerec.gallery.import_operations import ImportOperations
from facerec.gallery.merging import MergeOperations
from facerec.gallery.recognition import RecognitionOperations
from facerec.gallery.retention import RetentionOperations
from facerec.gallery.transfer_operations import TransferOperations
from facerec.gallery.user_operations import UserOperations
from facerec.gallery.user_search_operations import UserSearchOperations


class Gallery(
    CollectionOperations,
    FindOperations,
    RecognitionOperations,
    FaceOperations,
    ImportOperations,
    UserSearchOperations,
    HistoryOperations,
    CorrectionOperations,
    EnrolOperations,
    MergeOperations,
    UserOperations,
    ExportOperations,
    TransferOperations,
    ErasureOperations,
    RetentionOperations,
):
    """Collections of faces: one method per operation, called by every door.

    The command line, REST, Rekognition's protocol and Python programs call these methods and
    nothing below them, so that they always agree. Jobs index many photos at a time, so they call
    the functions that these methods are built from. Safe to share between threads if the
    collaborators are.

    ``GalleryBase`` documents the constructor. The operations, by the module that defines them:

    - ``collections``: ``create_collection``, ``describe_collection``, ``list_collections``,
      ``all_collections``, ``set_threshold``, ``delete_collection``, ``get_tags``, ``set_tags``,
      ``remove_tags``;
    - ``recognition``: ``index``, ``search``, ``search_face``;
    - ``find_operations``: ``find``, for all photos of somebody;
    - ``inspection``, without a collection: ``detect``, ``compare``, ``estimates_attributes``,
      ``model_version``, ``defaults``;
    - ``faces``: ``list_faces``, ``delete_faces``, ``thumbnail``, and for measurements and
      maintenance ``sample_faces`` and ``refresh_stats``;
    - ``import_operations``, of faces from other services: ``import_faces``, ``import_embeddings``,
      ``deleted_imports``, ``erased_people``;
    - ``user_operations``, of people, which are users in Rekognition: ``create_user``,
      ``describe_user``, ``rename_user``, ``resolve_user``, ``delete_user``, ``list_users``,
      ``associate_faces``, ``disassociate_faces``;
    - ``merging``: ``merge_users``, ``split_user``;
    - ``enrol_operations``: ``enrol_people``, from the names of photos;
    - ``user_search_operations``: ``search_users_by_face``, ``search_users_by_user``,
      ``search_users_by_photo``;
    - ``cluster_operations``, for unknown people: ``cluster_faces``, ``list_clusters``,
      ``describe_cluster``, ``name_cluster``, ``ignore_cluster``, ``not_same_cluster``,
      ``not_a_face``;
    - ``correction_operations``: ``not_same``, ``lift_correction``, ``list_corrections``;
    - ``history_operations``: ``list_history``, ``undo``, ``requested_by``;
    - ``erasure_operations``: ``erase``, ``select``, ``get_erasure``, ``list_erasures``,
      ``person_being_erased``, ``resume_erasure``, ``resume_erasures``;
    - ``exporting``: ``export``, for a subject access request;
    - ``transfer_operations``, of whole collections: ``export_collection``, ``import_collection``;
    - ``retention``: ``get_retention``, ``set_retention``, ``list_expired``, ``expire``.

    ``answer_once`` repeats the answer to a request that was sent twice, and ``close`` releases
    what the gallery owns.
    """

    def answer_once(
        self,
        token: str,
        request: dict[str, Any],
        answer: Callable[[], dict[str, Any]],
        *,
        collection_id: str | None = None,
    ) -> dict[str, Any]:
        """Answer a request, or return the earlier answer to its idempotency token.

        See ``facerec.gallery.idempotency.answer_by_token``.

        Args:
            token: As there.
            request: As there.
            answer: As there.
            collection_id: The collection that the request changes: a token ends with it, so that
                it can be used again in a new collection of the same id.

        Raises:
            CollectionNotFoundError: The collection does not exist.
        """
        if collection_id is not None:
            collection = self._records.get_collection(collection_id)
            token = f"{token}:{collection_id}:{collection.created_at}"
        return answer_by_token(token, request, answer, records=self._records, clock=self._clock)
