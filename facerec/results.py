"""The types of the results of ``Gallery``, for annotations in typed programs."""

from __future__ import annotations

from facerec.core.erasures import (
    ErasedJob,
    ErasureStatus,
    KeptByJob,
    Receipt,
    Selection,
    SubjectKind,
)
from facerec.core.faces import BoundingBox, CohortStats, Landmarks, Point, Pose, Quality
from facerec.core.history import Action, Cause, Entry, Step, StepKind
from facerec.core.photos import EmbeddedFace, PhotoFaces, RejectedFace, RejectionReason
from facerec.core.records import Collection, Correction, FaceRecord, StoredFace, User
from facerec.gallery.associations import (
    AssociationFailureReason,
    AssociationOutcome,
    FailedAssociation,
    UserStatus,
)
from facerec.gallery.cluster_faces import ClusteringResult
from facerec.gallery.cluster_results import ClusterPage, ClusterSummary
from facerec.gallery.collections import CollectionPage, CollectionSummary
from facerec.gallery.comparing import Comparison, FacePair
from facerec.gallery.correction_operations import CorrectionPage
from facerec.gallery.defaults import GalleryDefaults
from facerec.gallery.enrolling import CorrectedPhoto, Enrolment, EnrolmentProblem, UnnamedPhoto
from facerec.gallery.exported_collection import TransferredCollection
from facerec.gallery.exported_data import Export
from facerec.gallery.faces import (
    DeletionFailureReason,
    FaceDeletion,
    FacePage,
    FailedDeletion,
    ListedFace,
)
from facerec.gallery.found_faces import Doubt, FoundFace, FoundPage
from facerec.gallery.history_operations import HistoryPage
from facerec.gallery.importing import ImportedEmbeddings, ImportedPhoto
from facerec.gallery.indexing import IndexResult
from facerec.gallery.sampling import SampledFace
from facerec.gallery.search_results import FaceSearchResult, Match, SearchedFace, SearchResult
from facerec.gallery.stats_refresh import StatsRefresh
from facerec.gallery.user_search import PhotoUserSearchResult, UserMatch, UserPage, UserSearchResult

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
    "Enrolment",
    "EnrolmentProblem",
    "Entry",
    "ErasedJob",
    "ErasureStatus",
    "Export",
    "FaceDeletion",
    "FacePage",
    "FacePair",
    "FaceRecord",
    "FaceSearchResult",
    "FailedAssociation",
    "FailedDeletion",
    "FoundFace",
    "FoundPage",
    "GalleryDefaults",
    "HistoryPage",
    "ImportedEmbeddings",
    "ImportedPhoto",
    "IndexResult",
    "KeptByJob",
    "Landmarks",
    "ListedFace",
    "Match",
    "PhotoFaces",
    "PhotoUserSearchResult",
    "Point",
    "Pose",
    "Quality",
    "Receipt",
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
    "TransferredCollection",
    "UnnamedPhoto",
    "User",
    "UserMatch",
    "UserPage",
    "UserSearchResult",
    "UserStatus",
]
