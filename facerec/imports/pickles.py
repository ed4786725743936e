"""Reads pickles of dlib's embeddings with names, as programs with ``face_recognition`` write them.

A pickle is a program: loading a hostile one runs whatever functions it names. This reader accepts
only the few names that arrays of numpy need, and has its own functions for them. No function that a
file names is imported or called. Files with anything else are refused.
"""

from __future__ import annotations

import io
import pickle
import pickletools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import NDArray

from facerec.core.faces import EMBEDDING_SIZE
from facerec.core.input_files import read_input
from facerec.core.limits import MAX_PICKLE_BYTES
from facerec.errors import InvalidInputError
from facerec.gallery.transfer.importing import NamedEmbedding

_OPCODES = frozenset(
    (
        "PROTO",
        "FRAME",
        "STOP",
        "MARK",
        "POP",
        "POP_MARK",
        "DUP",
        "NONE",
        "NEWTRUE",
        "NEWFALSE",
        "INT",
        "BININT",
        "BININT1",
        "BININT2",
        "LONG",
        "LONG1",
        "FLOAT",
        "BINFLOAT",
        "STRING",
        "BINSTRING",
        "SHORT_BINSTRING",
        "UNICODE",
        "BINUNICODE",
        "SHORT_BINUNICODE",
        "BINUNICODE8",
        "BINBYTES",
        "SHORT_BINBYTES",
        "BINBYTES8",
        "BYTEARRAY8",
        "EMPTY_LIST",
        "APPEND",
        "APPENDS",
        "LIST",
        "EMPTY_TUPLE",
        "TUPLE",
        "TUPLE1",
        "TUPLE2",
        "TUPLE3",
        "EMPTY_DICT",
        "DICT",
        "SETITEM",
        "SETITEMS",
        "GET",
        "BINGET",
        "LONG_BINGET",
        "PUT",
        "BINPUT",
        "LONG_BINPUT",
        "MEMOIZE",
        "GLOBAL",
        "STACK_GLOBAL",
        "REDUCE",
        "BUILD",
    )
)
"""Opcodes of lists, dicts, text, numbers and arrays
(https://docs.python.org/3/library/pickletools.html)."""

_LAYOUTS = (
    '{"encodings": [...], "names": [...]}, {"name": encoding or list of encodings, ...}, '
    "[encodings, names] or [(name, encoding), ...]"
)

_NAMES = ("names", "labels", "known_face_names", "known_names", "name", "label")
_ENCODINGS = (
    "encodings",
    "embeddings",
    "known_face_encodings",
    "known_encodings",
    "encoding",
    "embedding",
)
"""Keys of the encodings in dicts of encodings and names."""


def read_face_recognition(path: Path) -> list[NamedEmbedding]:
    """Return the embeddings and names of a pickle.

    Args:
        path: A file with one of the usual layouts: a dict of ``encodings`` and ``names``; a dict
            with one or more encodings for each name; a pair of two lists; a list of pairs of a name
            and an encoding; or a list of dicts with both. Lists may be tuples or arrays. The pickle
            may have any protocol.

    Raises:
        InvalidInputError: The file cannot be read, is larger than ``MAX_PICKLE_BYTES``, is not a
            pickle of arrays, lists, dicts, text and numbers only, or has another layout. Or it
            contains no embeddings, or one without a valid name or without exactly 128 values.
        ReadTimedOutError: The file system does not answer.
    """
    found = []
    for name, values in _pairs(path, _load(path)):
        if not isinstance(name, str | int) or isinstance(name, bool):
            raise _unknown(path)
        _check_name(path, str(name))
        own = (_embedding(path, str(name), each) for each in _each(values))
        found += [NamedEmbedding(str(name), embedding) for embedding in own]
    if not found:
        raise InvalidInputError(f"{path} contains no face")
    return found


def _load(path: Path) -> object:
    content = read_input(path, MAX_PICKLE_BYTES)
    try:
        for opcode, argument, _ in pickletools.genops(content):
            if opcode.name not in _OPCODES:
                raise _refused(path, f"the instruction {opcode.name}")
            # The memo is an array: a high index would use all memory of the machine.
            if opcode.name in ("PUT", "LONG_BINPUT") and int(argument or 0) > len(content):
                raise _refused(path, "a memo index that is too large")
        return _Reader(path, content).load()
    except InvalidInputError:
        raise
    except Exception as error:
        raise InvalidInputError(
            f"{path} is not a pickle of embeddings, or is damaged",
            "create the file again with pickle.dump",
        ) from error


class _Array:
    """An array while it is read: filled by ``__setstate__``, as numpy's own is."""

    values: Any

    def __setstate__(self, state: Sequence[Any]) -> None:
        _, shape, dtype, by_column, content = state
        self.values = _values(content, dtype, shape, "F" if by_column else "C")


class _Type:
    """A numpy dtype while it is unpickled; its byte order arrives in ``__setstate__``."""

    def __init__(self, name: str) -> None:
        if not re.fullmatch("f[48]|O8?|U[0-9]{1,4}", name):
            raise ValueError(name)
        self.name, self.order = name, "<"

    def __setstate__(self, state: Sequence[Any]) -> None:
        if state[1] not in ("<", ">", "=", "|"):
            raise ValueError(state[1])
        self.order = state[1]


def _values(content: Any, dtype: _Type, shape: Sequence[int], order: str) -> Any:  # noqa: ANN401
    """Return the content of an array: numbers as an array, texts or objects as a list."""
    if dtype.name.startswith("O"):
        return list(content)
    flat = np.frombuffer(bytes(content), np.dtype(dtype.order + dtype.name))
    values = flat.reshape(tuple(shape), order="F" if order == "F" else "C")
    return values.tolist() if dtype.name.startswith("U") else values.astype(np.float64)


class _Reader(pickle.Unpickler):
    """Reads numbers, text, lists, dicts and arrays."""

    def __init__(self, path: Path, content: bytes) -> None:
        super().__init__(io.BytesIO(content), encoding="latin-1")
        self._path = path

        # The functions are created for each file, since a pickle can set attributes of them.
        def encode(text: str, encoding: str) -> bytes:
            return text.encode({"latin1": "latin-1"}[encoding])

        def reconstruct(*_: object) -> _Array:
            return _Array()

        def new_type(name: str, *_: object) -> _Type:
            return _Type(name)

        def scalar(dtype: _Type, content: bytes) -> object:
            value = _values(content, dtype, (1,), "C")[0]
            return value if isinstance(value, str) else float(value)

        def no_bytes() -> bytes:
            return b""

        def new_dict(*_: object) -> dict[object, object]:
            return {}

        def ordered_dict(pairs: Iterable[tuple[object, object]] = ()) -> dict[object, object]:
            return dict(pairs)

        def from_buffer(content: bytes, dtype: _Type, shape: Sequence[int], order: str) -> object:
            return _values(content, dtype, shape, order)

        self._known: dict[tuple[str, str], Callable[..., object] | None] = {
            ("_codecs", "encode"): encode,
            # the content of an empty array, before protocol 3
            ("__builtin__", "bytes"): no_bytes,
            ("collections", "OrderedDict"): ordered_dict,
            ("collections", "defaultdict"): new_dict,
            # the factory of a defaultdict, which is called for a new name
            ("__builtin__", "list"): None,
            ("builtins", "list"): None,
            ("numpy", "ndarray"): None,
            ("numpy", "dtype"): new_type,
        }
        for core in ("numpy.core", "numpy._core"):
            self._known[f"{core}.multiarray", "_reconstruct"] = reconstruct
            self._known[f"{core}.multiarray", "scalar"] = scalar
            self._known[f"{core}.numeric", "_frombuffer"] = from_buffer

    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401 - as in pickle
        """Return the replacement for a function or class that a pickle names.

        Raises:
            InvalidInputError: There is no replacement for this name.
        """
        if (module, name) not in self._known:
            raise _refused(self._path, f"{module}.{name}")
        return self._known[module, name]


def _pairs(path: Path, document: object) -> Iterator[tuple[object, object]]:
    """Yield names with one or more encodings."""
    document = _plain(document)
    if isinstance(document, Mapping):
        names, encodings = _of(document, _NAMES), _of(document, _ENCODINGS)
        if names is not None and encodings is not None:
            yield from (
                [(names, encodings)] if isinstance(names, str) else _zipped(path, encodings, names)
            )
        else:
            for name, values in document.items():
                own = _of(values, _ENCODINGS) if isinstance(values, Mapping) else values
                yield name, own
    elif _is_list(document) and len(document) == 2 and any(map(_are_names, document)):
        first, second = document
        yield from _zipped(path, *((second, first) if _are_names(first) else (first, second)))
    elif _is_list(document):
        for entry in map(_plain, document):
            if isinstance(entry, Mapping):
                yield _of(entry, _NAMES), _of(entry, _ENCODINGS)
            elif _is_list(entry) and len(entry) == 2:
                name, values = entry if isinstance(entry[0], str) else reversed(entry)
                yield name, values
            else:
                raise _unknown(path)
    else:
        raise _unknown(path)


def _of(document: Mapping[Any, Any], keys: Sequence[str]) -> Any:  # noqa: ANN401
    """Return the value of the first of several keys that a dict has, or None."""
    return next((document[key] for key in keys if document.get(key) is not None), None)


def _zipped(path: Path, encodings: object, names: object) -> Iterator[tuple[object, object]]:
    encodings, names = _plain(encodings), _plain(names)
    if not _is_list(encodings) or not _is_list(names):
        raise _unknown(path)
    if len(encodings) != len(names):
        raise InvalidInputError(
            f"{path} does not have a name for each encoding",
            "save as many names as encodings, in the same order",
        )
    yield from zip(names, encodings, strict=True)


def _plain(value: object) -> Any:  # noqa: ANN401
    """Return the contents of an array, and any other value unchanged."""
    return getattr(value, "values", None) if isinstance(value, _Array) else value


def _is_list(value: object) -> TypeGuard[Sequence[Any]]:
    return isinstance(value, list | tuple | np.ndarray)


def _are_names(value: object) -> bool:
    """Return whether a value is a list that contains only texts."""
    value = _plain(value)
    if not isinstance(value, list | tuple):
        return False
    return bool(value) and all(isinstance(each, str) for each in value)


def _each(values: object) -> Iterable[object]:
    """Return the encodings of a name: none, one or several."""
    values = _plain(values)
    if isinstance(values, np.ndarray):
        return values if values.ndim == 2 or not values.size else (values,)
    if isinstance(values, list | tuple) and not (values and _is_number(values[0])):
        return values
    return (values,)


def _embedding(path: Path, name: str, values: Any) -> NDArray[np.float32]:  # noqa: ANN401
    values = _plain(values)
    try:
        with np.errstate(over="ignore"):  # the embeddings of dlib's network are checked later
            embedding = np.asarray(values, dtype=np.float32)
    except (TypeError, ValueError, RecursionError) as error:
        raise _unknown(path) from error
    if embedding.shape != (EMBEDDING_SIZE,):
        numbers = "x".join(map(str, embedding.shape)) or "1"
        raise InvalidInputError(
            f"{path}: the encoding of {name!r} must have 128 numbers, got {numbers}",
            "embeddings of other networks cannot be compared; index the photos instead",
        )
    return embedding


def _check_name(path: Path, name: str) -> None:
    """Refuse a name that is never valid, before any face is stored.

    Raises:
        InvalidInputError: The name is empty, or contains half of a UTF-16 surrogate pair.
    """
    if not name.strip() or any("\ud800" <= letter <= "\udfff" for letter in name):
        raise InvalidInputError(
            f"{path} contains a name that is empty or not valid Unicode: {name[:100]!a}",
            "correct the name in the program that writes the file",
        )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float)


def _refused(path: Path, what: str) -> InvalidInputError:
    return InvalidInputError(
        f"{path} is refused: it contains {what}",
        "only arrays, lists, dicts, text and numbers are read; no code in the file was run",
    )


def _unknown(path: Path) -> InvalidInputError:
    return InvalidInputError(f"{path} has an unknown layout", f"supported layouts: {_LAYOUTS}")
