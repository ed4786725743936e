"""The exceptions of Rekognition's protocol."""

from __future__ import annotations


class RekognitionError(Exception):
    """What the service answers instead of a result.

    Attributes:
        kind: the exception's name, which SDKs turn into a class of theirs.
        message: one line for a person.
        status: of the HTTP response.
    """

    def __init__(self, kind: str, message: str, status: int = 400) -> None:
        super().__init__(f"{kind}: {message}")
        self.kind = kind
        self.message = message
        self.status = status


def malformed(message: str) -> RekognitionError:
    """Return the fault for a request that does not have the shape of the model."""
    return RekognitionError("SerializationException", message)


def invalid_parameter(message: str) -> RekognitionError:
    """Return the fault for a request whose values do not go together."""
    return RekognitionError("InvalidParameterException", message)
