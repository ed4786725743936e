"""Opens the stores of a deployed stack from this machine, with the credentials of the caller."""

from __future__ import annotations

from typing import TYPE_CHECKING

from facerec.errors import NotFoundError
from facerec.factory.deployed import open_eraser
from facerec.storage.objects import Objects

if TYPE_CHECKING:
    from facerec.config import Settings
    from facerec.gallery.gallery import Gallery
    from facerec.jobs.aws.stack import Stack


def open_stack_gallery(stack: Stack) -> Gallery:
    """Open the gallery of a stack; it reads any photo that the caller's credentials allow.

    Raises:
        NotFoundError: The stack was deployed from an earlier release and does not name its stores.
        FacerecError: A store cannot be opened.
    """
    return open_eraser(stack_settings(stack), Objects())


def stack_settings(stack: Stack) -> Settings:
    """Return the settings with which the functions of a stack open its stores.

    Raises:
        NotFoundError: The stack was deployed from an earlier release and does not name its stores.
    """
    from facerec.config import read_settings

    if stack.table is None or (stack.uses_s3_vectors and stack.vector_bucket is None):
        raise NotFoundError(
            f"the stack {stack.name!r} does not name its stores", "update the stack to this release"
        )
    parameters = stack.parameters
    environment = {
        "AWS_REGION": stack.region,
        "AWS_S3_BUCKET": stack.bucket,
        "FACEREC_TABLE": stack.table,
        "VECTOR_BUCKET": stack.vector_bucket or "",
        **{variable: parameters.get(name, "") for variable, name in _PARAMETERS.items()},
    }
    return read_settings(environment)


_PARAMETERS = {
    "MAX_FACES_PER_IMAGE": "MaxFacesPerImage",
    "MIN_FACE_CONFIDENCE": "MinFaceConfidence",
    "SIMILARITY_THRESHOLD": "SimilarityThreshold",
    "EVENT_BUS": "EventBusArn",
    "PINECONE_SECRET_ARN": "PineconeSecretArn",
    "PINECONE_INDEX_NAME": "PineconeIndexName",
    "PINECONE_INDEX_HOST": "PineconeIndexHost",
}
"""Parameters of a stack, by the environment variables with which its functions receive them."""
