"""Lists of the children of a job that are not complete."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from facerec.core.limits import MAX_JSON_BYTES
from facerec.core.stored_json import stored_json
from facerec.errors import InvalidInputError

if TYPE_CHECKING:
    from facerec.storage.objects.protocol import ObjectStore


def incomplete_uri(job_folder: str, number: int) -> str:
    """Return the address of the list of children that are incomplete after a submission."""
    return f"{job_folder}incomplete/{number}.json"


def write_numbers(objects: ObjectStore, uri: str, numbers: Sequence[int]) -> None:
    """Store a list of child numbers."""
    objects.write(uri, json.dumps(list(numbers)).encode())


def read_numbers(objects: ObjectStore, uri: str) -> list[int]:
    """Read a list of child numbers.

    Raises:
        ObjectNotFoundError: There is no such list.
        InvalidInputError: The object is not a list of child numbers.
    """
    try:
        numbers = stored_json(objects.read(uri, end=MAX_JSON_BYTES), uri)
    except ValueError as error:
        raise InvalidInputError(f"{uri} is not JSON") from error
    if not isinstance(numbers, list) or not all(isinstance(number, int) for number in numbers):
        raise InvalidInputError(f"{uri} is not a list of child numbers")
    return numbers
