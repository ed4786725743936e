"""Answers the requests of commands that read and change the people of a collection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from facerec.core.limits import MAX_FUNCTION_ANSWER
from facerec.core.recording import requested_by
from facerec.gallery.requests.answering import answer_request
from facerec.jobs.aws.erasure_function import pack

if TYPE_CHECKING:
    from facerec.gallery.gallery import Gallery


def answer(gallery: Gallery, event: dict[str, Any]) -> dict[str, Any]:
    """Answer the request of a command.

    Args:
        gallery: The gallery.
        event: The request (``facerec.gallery.requests``), and ``by`` and ``why``, for the history.

    Returns:
        ``packed``, the answer.

    Raises:
        FacerecError: See ``answer_request``.
        InvalidInputError: The answer is too large for one response.
    """
    with requested_by(event.get("by"), event.get("why")):
        answered = answer_request(gallery, event)
    return {"packed": pack(answered, MAX_FUNCTION_ANSWER, hint="request fewer entries at once")}
