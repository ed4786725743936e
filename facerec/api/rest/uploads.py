"""Photos uploaded as files: the body of a request, or parts of a form.

The routes read a JSON document with the photo in base64. ``UploadRoute`` turns the other
two forms of a request into such a document before the route sees it:

- ``Content-Type: image/jpeg`` (or any other image): the body is the photo, and the query string
  has the other fields.
- ``Content-Type: multipart/form-data``: the parts are the fields. The photo's part is ``image``, or
  ``file``; ``/compare`` has ``source`` and ``target``. Fields may also be in the query string.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress
from email.message import Message
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from facerec.jobs.fields import JOB_FIELDS

MAX_PARTS = 32
"""Maximum number of parts of a form; no request has as many fields."""

_PHOTOS = {"image": "image", "file": "image", "source": "source", "target": "target"}
"""JSON field that receives the photo of each form part."""

_BASE64 = re.compile(rb"[A-Za-z0-9+/_=\s-]+")
"""Matches a photo sent as base64 text; no image file consists of these characters only."""

_NUMBERS = frozenset(
    {
        "doubtful_below",
        "face_number",
        "limit",
        "max_faces",
        "min_confidence",
        "smallest_face",
        "target_fmr",
        "threshold",
    }
)
"""Fields that are numbers in the document."""

_BOOLEANS = frozenset(
    {
        "attributes",
        "create_collection",
        "doubtful",
        "index",
        "repeat_people",
        "repeat_photo",
        "rotate",
    }
)
"""Fields that are true or false in the document."""

_AS_BOOLEAN = {
    **dict.fromkeys(("true", "True", "TRUE", "1"), True),
    **dict.fromkeys(("false", "False", "FALSE", "0"), False),
}
"""Texts for true and false in a form."""


_AS_A_PART = (
    "send the file as the part 'image', or two to compare as 'source' and 'target', as "
    "`curl -F image=@photo.jpg` does"
)

_NOT_IN_FORMS = frozenset({"bucket", "key", "manifest", "prefix", "version", *JOB_FIELDS})
"""Fields that an upload cannot have: addresses of photos, and fields of jobs."""


class JsonRoute(APIRoute):
    """A route whose body, if it has one, is a JSON document."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler, which refuses a body that is not JSON.

        The body of a GET request is ignored: it has no meaning (RFC 9110, section 9.3.1).
        """
        handle = super().get_route_handler()

        async def handle_json(request: Request) -> Response:
            if request.method != "GET":
                await _check_media_type(request, "send JSON with Content-Type: application/json")
            return await handle(request)

        return handle_json


class UploadRoute(APIRoute):
    """A route that also accepts a photo as the body or as a part of a form."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler, which converts uploads first."""
        handle = super().get_route_handler()
        # These are not fields of the document, such as the token of the next page.
        parameters = _query_parameters(self.dependant)

        async def handle_upload(request: Request) -> Response:
            content_type = request.headers.get("content-type", "")
            if not is_upload(content_type):
                await _check_media_type(
                    request,
                    "send JSON with Content-Type: application/json, a form as multipart/form-data, "
                    "or a photo with Content-Type: image/jpeg",
                )
                return await handle(request)
            body = await request.body()
            query = request.query_params.multi_items()
            fields: list[tuple[str, str | bytes]] = [
                (name, value) for name, value in query if name not in parameters
            ]
            if content_type.lower().startswith("multipart/"):
                fields += _form_fields(content_type, body)
            elif body:
                fields.append(("image", body))
            else:
                raise _malformed("the body is empty; send the bytes of a photo in it")
            query = [(name, value) for name, value in query if name in parameters]
            return await handle(_json_request(request, _document(fields), query))

        return handle_upload


def _query_parameters(dependant: Dependant) -> frozenset[str]:
    """Return the names of the query parameters of a route and its dependencies."""
    names = frozenset(parameter.alias for parameter in dependant.query_params)
    return names.union(*map(_query_parameters, dependant.dependencies))


def is_upload(content_type: str) -> bool:
    """Return whether the body of a request is a photo or a form, by its media type."""
    media_type = content_type.partition(";")[0].strip().lower()
    return media_type.startswith("image/") or media_type == "multipart/form-data"


def upload_bodies(model: type[BaseModel], *photos: str) -> dict[str, Any]:
    """Return the description of a route's uploads for the OpenAPI document.

    Args:
        model: The document that the route reads.
        photos: Names of the form's parts with photos.
    """
    document = model.model_json_schema()
    fields = {
        name: _in_form(name, field)
        for name, field in document["properties"].items()
        if name not in _NOT_IN_FORMS and name not in photos
    }
    binary = {"type": "string", "format": "binary"}
    form: dict[str, Any] = {
        "title": model.__name__.replace("Request", "Form"),
        "type": "object",
        "required": [*photos, *(name for name in document.get("required", ()) if name in fields)],
        "properties": dict.fromkeys(photos, binary) | fields,
        "additionalProperties": False,
    }
    if photos == ("image",):
        form["required"].remove("image")
        form["properties"]["file"] = {**binary, "description": "Another name of `image`."}
        form["allOf"] = [{"oneOf": [{"required": ["image"]}, {"required": ["file"]}]}]
    extra: dict[str, Any] = {"requestBody": {"content": {"multipart/form-data": {"schema": form}}}}
    if photos == ("image",):
        # OpenAPI cannot restrict parameters to one media type of the body
        extra["description"] = (
            "The body can also be the photo itself, with `Content-Type: image/jpeg` (or any other "
            "image) and the fields of the form in the query string."
        )
    return extra


def _in_form(name: str, field: dict[str, Any]) -> dict[str, Any]:
    """Return the description of a field as part of a form."""
    if name not in _BOOLEANS:
        return field
    return {
        **{key: value for key, value in field.items() if key not in ("anyOf", "type")},
        "type": "string",
        # An enumeration would make generators of clients use one name for true and TRUE.
        "pattern": f"^({'|'.join(_AS_BOOLEAN)})$",
    }


async def _check_media_type(request: Request, instead: str) -> None:
    """Refuse a body that is not JSON.

    Raises:
        HTTPException: The body has another media type.
    """
    content_type = request.headers.get("content-type", "")
    media_type = content_type.partition(";")[0].strip().lower()
    is_json = media_type == "application/json" or media_type.endswith("+json")
    if not is_json and await request.body():
        given = f"{media_type!r} is not supported" if media_type else "the body has no Content-Type"
        raise HTTPException(415, f"{given}; {instead}")


def _form_fields(content_type: str, body: bytes) -> Iterator[tuple[str, str | bytes]]:
    """Yield name and content of each part of a form (RFC 7578); photos stay bytes.

    Raises:
        RequestValidationError: The form is malformed.
    """
    header = Message()
    header["Content-Type"] = content_type
    given = header.get_param("boundary")
    if isinstance(given, str):
        boundary = given.encode("latin-1", "replace")
    else:
        # Some generated clients send no boundary in the media type: the first line shows it.
        dashes, _, boundary = body.partition(b"\r\n")[0].partition(b"--")
        boundary = b"" if dashes else boundary
    if not boundary:
        raise _malformed(f"the form has no boundary and no parts; {_AS_A_PART}")
    delimiter = b"\r\n--" + boundary
    sections = (b"\r\n" + body).split(delimiter, MAX_PARTS + 1)
    if len(sections) < 2 or not sections[-1].startswith(b"--"):
        raise _malformed(
            f"the form is incomplete, or has more than {MAX_PARTS} parts; {_AS_A_PART}"
        )
    for section in sections[1:-1]:
        head, _, content = section.partition(b"\r\n\r\n")
        name, is_file = _name_of(head)
        if is_file and name not in _PHOTOS:
            raise _malformed(f"the part {name[:100]!r} of the form has a file; {_AS_A_PART}")
        if is_file and not content:
            raise _malformed(f"the file of {name!r} is empty; send the bytes of a photo")
        is_text = content.startswith(b"data:") or (not is_file and _BASE64.fullmatch(content))
        yield name, content if name in _PHOTOS and not is_text else _text(content)


def _name_of(head: bytes) -> tuple[str, bool]:
    """Return the name of a part, and whether it is a file."""
    for line in head.split(b"\r\n"):
        key, _, value = line.partition(b":")
        if key.strip().lower() == b"content-disposition":
            header = Message()
            header["Content-Disposition"] = value.strip().decode("latin-1")
            name = header.get_param("name", header="Content-Disposition")
            if isinstance(name, str):
                filename = header.get_param("filename", header="Content-Disposition")
                return name, filename is not None
    raise _malformed(f"a part of the form has no name; {_AS_A_PART}")


def _document(fields: list[tuple[str, str | bytes]]) -> dict[str, Any]:
    """Return the JSON document that has the fields of an upload."""
    document: dict[str, Any] = {}
    for name, value in fields:
        field = _PHOTOS.get(name, name)
        if field in document and name in _PHOTOS:
            raise _malformed(
                f"several files for {field!r}; send one photo per request, or two to compare as "
                "'source' and 'target', or index many as a job with a prefix or manifest"
            )
        if field in document:
            raise _malformed(f"the field {field[:100]!r} appears twice")
        if name in _PHOTOS:
            encoded = base64.b64encode(value).decode() if isinstance(value, bytes) else value
            document[field] = encoded if field == "image" else {"image": encoded}
        elif name in _NUMBERS and isinstance(value, str):
            document[field] = _number(name, value)
        elif name in _BOOLEANS and isinstance(value, str):
            document[field] = _boolean(name, value)
        else:
            document[field] = value
    return document


def _number(name: str, text: str) -> float:
    with suppress(ValueError):
        number = json.loads(text[:100])
        if isinstance(number, int | float) and not isinstance(number, bool):
            return number
    raise _wrong(name, "give a number in digits")


def _boolean(name: str, text: str) -> bool:
    value = _AS_BOOLEAN.get(text)
    if value is None:
        raise _wrong(name, "give true or false, or 1 or 0")
    return value


def _text(content: bytes) -> str:
    return content.decode("utf-8", "replace")


def _json_request(
    request: Request, document: dict[str, Any], query: list[tuple[str, str]]
) -> Request:
    """Return a request for the same route with a JSON document and query parameters."""
    headers = [
        (name, value)
        for name, value in request.scope["headers"]
        if name.lower() not in (b"content-type", b"content-length")
    ]
    headers.append((b"content-type", b"application/json"))
    scope = {**request.scope, "headers": headers, "query_string": urlencode(query).encode()}
    converted = Request(scope, request.receive)
    converted._body = json.dumps(document).encode()
    return converted


def _malformed(message: str) -> RequestValidationError:
    return RequestValidationError([{"loc": ("body",), "msg": message, "type": "value_error"}])


def _wrong(name: str, message: str) -> RequestValidationError:
    return RequestValidationError([{"loc": ("body", name), "msg": message, "type": "value_error"}])
