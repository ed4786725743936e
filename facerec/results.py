"""Types of the arguments and results of ``Gallery``, for annotations in typed programs.

``name_by_folder`` and ``name_by_pattern`` create the rules that ``Gallery.enrol_people`` takes.
"""

from __future__ import annotations

from facerec.core.erasures import (
    ErasedJob,
    ErasureStatus,
    KeptByJob,
    Receipt,
    Selection,
    SubjectKind,
    Swept,
)
from facerec.core.events import KeptEvent, MatchEvent
from facerec.core.faces import BoundingBox, CohortStats, Landmarks, Point, Pose, Quality
from facerec.core.history import Action, Cause, Entry, Step, StepKind
from facerec.core.migrations import MigrationState
from facerec.core.photos import EmbeddedFace, PhotoFaces, RejectedFace, RejectionReason
from facerec.core.records import Collection, Correction, FaceRecord, StoredFace, User
from facerec.core.registrations import Registration
from facerec.gallery.clusters.cluster_results import ClusterPage, ClusterSummary
from facerec.gallery.clusters.clustering import ClusteringResult
from facerec.gallery.collection_results import (
    CollectionPage,
    CollectionSummary,
    CorrectionPage,
    DeletionFailureReason,
    EventPage,
    FaceDeletion,
    FacePage,
    FailedDeletion,
    HistoryPage,
    ListedFace,
)
from facerec.gallery.defaults import GalleryDefaults
from facerec.gallery.indexing.records import IndexResult
from facerec.gallery.indexing.stats_refresh import StatsRefresh
from facerec.gallery.migrating.migration_results import (
    FinishedMigration,
    MigratedCollection,
    MigrationListener,
    MigrationPage,
    MigrationStatus,
    MissingFace,
    MissingReason,
)
from facerec.gallery.people.associations import (
    AssociationFailureReason,
    AssociationOutcome,
    FailedAssociation,
    UserStatus,
)
from facerec.gallery.people.enrolling import (
    CorrectedPhoto,
    EndedRegistration,
    Enrolment,
    EnrolmentProblem,
    UnnamedPhoto,
)
from facerec.gallery.people.enrolment_rules import NameOf, name_by_folder, name_by_pattern
from facerec.gallery.people.names import Identity
from facerec.gallery.people.person_search import (
    PhotoUserSearchResult,
    UserMatch,
    UserPage,
    UserSearchResult,
)
from facerec.gallery.photos import Photo
from facerec.gallery.search.comparing import Comparison, FacePair
from facerec.gallery.search.found_faces import Doubt, FoundFace, FoundPage
from facerec.gallery.search.sampling import SampledFace
from facerec.gallery.search.search_results import (
    FaceSearchResult,
    Match,
    SearchedFace,
    SearchResult,
)
from facerec.gallery.transfer.exported_collection import TransferredCollection
from facerec.gallery.transfer.exported_data import Export
from facerec.gallery.transfer.importing import (
    ImportedEmbeddings,
    ImportedPhoto,
    KnownFace,
    NamedEmbedding,
)

__all__ = [
    "Action",
    "AssociationFailureReason",
    "AssociationOutcome",
    "BoundingBox",
    "Cause",
    "ClusterPage",
    "ClusterSummary",
    "ClusteringResult",
    "CohortStats",
    "Collection",
    "CollectionPage",
    "CollectionSummary",
    "Comparison",
    "CorrectedPhoto",
    "Correction",
    "CorrectionPage",
    "DeletionFailureReason",
    "Doubt",
    "EmbeddedFace",
    "EndedRegistration",
    "Enrolment",
    "EnrolmentProblem",
    "Entry",
    "ErasedJob",
    "ErasureStatus",
    "EventPage",
    "Export",
    "FaceDeletion",
    "FacePage",
    "FacePair",
    "FaceRecord",
    "FaceSearchResult",
    "FailedAssociation",
    "FailedDeletion",
    "FinishedMigration",
    "FoundFace",
    "FoundPage",
    "GalleryDefaults",
    "HistoryPage",
    "Identity",
    "ImportedEmbeddings",
    "ImportedPhoto",
    "IndexResult",
    "KeptByJob",
    "KeptEvent",
    "KnownFace",
    "Landmarks",
    "ListedFace",
    "Match",
    "MatchEvent",
    "MigratedCollection",
    "MigrationListener",
    "MigrationPage",
    "MigrationState",
    "MigrationStatus",
    "MissingFace",
    "MissingReason",
    "NameOf",
    "NamedEmbedding",
    "Photo",
    "PhotoFaces",
    "PhotoUserSearchResult",
    "Point",
    "Pose",
    "Quality",
    "Receipt",
    "Registration",
    "RejectedFace",
    "RejectionReason",
    "SampledFace",
    "SearchResult",
    "SearchedFace",
    "Selection",
    "StatsRefresh",
    "Step",
    "StepKind",
    "StoredFace",
    "SubjectKind",
    "Swept",
    "TransferredCollection",
    "UnnamedPhoto",
    "User",
    "UserMatch",
    "UserPage",
    "UserSearchResult",
    "UserStatus",
    "name_by_folder",
    "name_by_pattern",
]
