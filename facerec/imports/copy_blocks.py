"""Reads rows of tables in a plain dump of PostgreSQL, with a part of a row in memory at a time.

A dump has the rows of a table as a block of COPY, in the text format of
https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.2
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from facerec.errors import InvalidInputError

MAX_START = 1 << 20
"""Maximum number of bytes of a line in memory; the rest of a line is read in pieces and
discarded."""

_COPY = re.compile(rb'COPY (?:"?[\w$]+"?\.)?"?([\w$]+)"? \(([^)]*)\) FROM stdin;')
_END = rb"\."
_NULL = rb"\N"
_ESCAPE = re.compile(r"\\([0-7]{1,3}|x[0-9A-Fa-f]{1,2}|.)", re.DOTALL)
_LETTERS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table.

    Attributes:
        table: Name of the table.
        fields: Raw text of each column by name, of at most the first ``MAX_START`` bytes of the
            row.
        is_whole: Whether the fields are the whole row.
        last_offset: Offset in the file of the raw text of the last column, in bytes.
        last_length: Length of the raw text of the last column, in bytes.
    """

    table: str
    fields: dict[str, bytes]
    is_whole: bool
    last_offset: int
    last_length: int

    def text(self, column: str) -> str | None:
        """Return the text of a column, or None for NULL.

        Raises:
            InvalidInputError: The table has no such column, or the row is too long or not UTF-8
                text.
        """
        raw = self.fields.get(column)
        if raw is None or not self.is_whole:
            raise InvalidInputError(f"a row of the table {self.table} has no readable {column}")
        if raw == _NULL:
            return None
        try:
            return _ESCAPE.sub(_unescaped, raw.decode())
        except UnicodeDecodeError as error:
            raise InvalidInputError(
                f"a row of the table {self.table} is not UTF-8 text",
                "dump the database again with pg_dump -E UTF8",
            ) from error


def copied_rows(file: BinaryIO, tables: Container[str]) -> Iterator[Row]:
    """Yield the rows of the tables with these names, in the order of a dump.

    Raises:
        InvalidInputError: The dump ends within a table, or has two tables of one of these names.
        ReadTimedOutError: The file system does not answer.
    """
    seen: set[str] = set()
    while (line := _read_line(file)) is not None:
        match = _COPY.fullmatch(line.start)
        if match is None:
            continue
        table = match[1].decode("ascii", "replace")
        if table in tables and table in seen:
            raise InvalidInputError(
                f"the dump has two tables named {table}",
                "dump only the database of CompreFace, with pg_dump",
            )
        seen.add(table)
        columns = [name.strip(b' "').decode("utf-8", "replace") for name in match[2].split(b",")]
        yield from _block(file, table, columns, wanted=table in tables)


def _block(file: BinaryIO, table: str, columns: list[str], *, wanted: bool) -> Iterator[Row]:
    while (line := _read_line(file)) is not None:
        if line.start == _END:
            return
        if not line.is_complete:
            break
        if not wanted:
            continue
        fields = line.start.split(b"\t", len(columns) - 1)
        before = len(line.start) - len(fields[-1])
        yield Row(
            table,
            dict(zip(columns, fields, strict=False)),
            line.length == len(line.start),
            line.offset + before,
            line.length - before,
        )
    raise InvalidInputError(
        f"the dump is truncated: it ends within the table {table}", "dump the database again"
    )


@dataclass(frozen=True, slots=True)
class _Line:
    """The start of a line, its offset in the file, its length, and whether it has a line end."""

    start: bytes
    offset: int
    length: int
    is_complete: bool


def _read_line(file: BinaryIO) -> _Line | None:
    offset = file.tell()
    start = piece = file.readline(MAX_START)
    if not start:
        return None
    length, end = len(start), start[-2:]
    while not piece.endswith(b"\n") and (piece := file.readline(MAX_START)):
        length += len(piece)
        end = (end + piece)[-2:]
    # a terminal, as of `docker exec -t`, ends lines with \r\n; text has no raw \r
    length -= 2 if end == b"\r\n" else end.endswith(b"\n")
    return _Line(start[:length], offset, length, end.endswith(b"\n"))


def _unescaped(match: re.Match[str]) -> str:
    code = match[1]
    if code[0] in "01234567":
        return chr(int(code, 8))
    if code[0] == "x" and len(code) > 1:
        return chr(int(code[1:], 16))
    return _LETTERS.get(code, code)
