"""``Gallery``: the operations on collections of faces, one method each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from facerec.gallery.operations.collections import CollectionOperations
from facerec.gallery.operations.corrections import CorrectionOperations
from facerec.gallery.operations.enrolment import EnrolOperations
from facerec.gallery.operations.erasures import ErasureOperations
from facerec.gallery.operations.exports import ExportOperations
from facerec.gallery.operations.faces import FaceOperations
from facerec.gallery.operations.find import FindOperations
from facerec.gallery.operations.history import HistoryOperations
from facerec.gallery.operations.idempotency import answer_by_token
from facerec.gallery.operations.imports import ImportOperations
from facerec.gallery.operations.indexing import IndexOperations
from facerec.gallery.operations.merging import MergeOperations
from facerec.gallery.operations.registrations import RegistrationOperations
from facerec.gallery.operations.retention import RetentionOperations
from facerec.gallery.operations.search import SearchOperations
from facerec.gallery.operations.sweeping import SweepOperations
from facerec.gallery.operations.transfers import TransferOperations
from facerec.gallery.operations.user_search import UserSearchOperations
from facerec.gallery.operations.users import UserOperations
from facerec.gallery.operations.whole_migrations import WholeMigrationOperations


class Gallery(
    WholeMigrationOperations,
    CollectionOperations,
    FindOperations,
    SearchOperations,
    IndexOperations,
    FaceOperations,
    ImportOperations,
    UserSearchOperations,
    HistoryOperations,
    RegistrationOperations,
    CorrectionOperations,
    EnrolOperations,
    MergeOperations,
    UserOperations,
    ExportOperations,
    TransferOperations,
    ErasureOperations,
    RetentionOperations,
    SweepOperations,
):
    """Collections of faces: one method per operation, called by every interface.

    The command line, REST, Rekognition's protocol and Python programs call these methods and
    nothing below them, so that they always agree. Jobs index many photos at a time: they find faces
    and derive records by the same functions as ``index``, and store many photos in one write. Safe
    to share between threads if the collaborators are.

    Besides the errors that it names, any operation may raise InvalidInputError if an id is not
    valid; StoreUnavailableError, StoreDamagedError or AccessDeniedError if a store cannot be used;
    ConflictError if the collection is switched to another model version concurrently; and
    WeightsError if a file of network weights is needed and is missing or cannot be used.

    ``GalleryBase`` documents the constructor. The operations, by the module of
    ``facerec.gallery`` that defines them:

    - ``operations.collections``: ``create_collection``, ``describe_collection``,
      ``list_collections``, ``all_collections``, ``set_threshold``, ``delete_collection``,
      ``find_deletable``, ``get_tags``, ``set_tags``, ``remove_tags``;
    - ``operations.indexing``: ``index``;
    - ``operations.search``: ``search``, ``search_face``;
    - ``operations.find``: ``find``, for all photos of somebody;
    - ``inspection``, without a collection: ``detect``, ``compare``, ``estimates_attributes``,
      ``model_version``, ``defaults``;
    - ``operations.faces``: ``list_faces``, ``delete_faces``, ``thumbnail``, and for measurements
      and maintenance ``sample_faces`` and ``refresh_stats``;
    - ``operations.imports``, of faces from other services: ``import_faces``, ``import_embeddings``,
      ``deleted_imports``, ``erased_people``;
    - ``operations.users``, of people, which are users in Rekognition: ``create_user``,
      ``describe_user``, ``rename_user``, ``resolve_user``, ``delete_user``, ``list_users``,
      ``associate_faces``, ``disassociate_faces``;
    - ``operations.merging``: ``merge_users``, ``split_user``;
    - ``operations.enrolment``: ``enrol_people``, from the names of photos;
    - ``operations.user_search``: ``search_users_by_face``, ``search_users_by_user``,
      ``search_users_by_photo``;
    - ``operations.clusters``, for unknown people: ``cluster_faces``, ``check_clustering``,
      ``list_clusters``, ``describe_cluster``, ``name_cluster``, ``ignore_cluster``,
      ``not_same_cluster``, ``not_a_face``;
    - ``operations.registrations``, of people who are matched against new photos:
      ``register_user``, ``unregister_user``, ``list_events``, ``retry_events``;
    - ``operations.corrections``: ``not_same``, ``lift_correction``, ``list_corrections``,
      ``is_corrected``, ``is_name_of_face``;
    - ``operations.history``: ``list_history``, ``undo``, ``requested_by``, ``display_names``;
    - ``operations.erasures``: ``erase``, ``get_erasure``, ``list_erasures``,
      ``person_being_erased``, ``resume_erasure``, ``resume_erasures``, ``restore_if_lost``;
    - ``operations.selections``: ``select``;
    - ``operations.sweeping``: ``sweep``;
    - ``operations.exports``: ``export``, for a subject access request;
    - ``operations.transfers``, of whole collections: ``export_collection``, ``import_collection``;
    - ``operations.whole_migrations``, to another model version: ``migrate``,
      ``roll_back_migration``, ``resume_migrations``;
    - ``operations.preparations``, the first steps of a migration: ``migration_status``,
      ``begin_migration``, ``prepare_migration``, ``prepare_range``;
    - ``operations.migrations``, the last steps of a migration: ``switch_version``,
      ``finish_migration``, ``cancel_migration``;
    - ``operations.retention``: ``get_retention``, ``set_retention``, ``list_expired``, ``expire``.

    ``operations.clusters`` comes with ``HistoryOperations``, ``operations.selections`` with
    ``ErasureOperations``, and ``operations.preparations`` and ``operations.migrations`` with
    ``WholeMigrationOperations``, which extend them.

    The helpers of several operations are in two base classes: ``Inspector`` (``inspection``) loads
    a photo and finds its faces (``_detect``). ``GalleryBase`` (``base``) reads a collection
    (``_get``, ``_get_comparable``), chooses its engine and threshold (``_engine_of``,
    ``_threshold``), reads a person (``_get_user``), and reads and writes page tokens (``_after``,
    ``_token``).

    ``answer_once`` repeats the answer to a request that was sent twice, and ``close`` releases the
    resources of the gallery.
    """

    def answer_once(
        self,
        token: str,
        request: dict[str, Any],
        answer: Callable[[], dict[str, Any]],
        *,
        collection_id: str | None = None,
    ) -> dict[str, Any]:
        """Answer a request once: a repeated idempotency token returns the stored answer.

        An answer is kept for 8 hours; see ``facerec.gallery.operations.idempotency``.

        Args:
            token: Idempotency token, chosen by the caller.
            request: JSON values that identify the request; using the token for another request is
                an error.
            answer: Performs the request and returns its answer as JSON values.
            collection_id: The collection that the request changes: a token expires with the
                collection, so that it can be used again in a new one of the same id. None if the
                request changes no collection.

        Raises:
            CollectionNotFoundError: The collection does not exist.
            RequestMismatchError: The token was used with another request before.
        """
        if collection_id is not None:
            collection = self._records.get_collection(collection_id)
            token = f"{token}:{collection_id}:{collection.created_at}"
        return answer_by_token(token, request, answer, records=self._records, clock=self._clock)
