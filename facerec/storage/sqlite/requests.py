"""The rows of answered requests that carried an idempotency token."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence

from facerec.core.records import AnsweredRequest


def get(connection: sqlite3.Connection, token: str, now: float) -> AnsweredRequest | None:
    """Return the answer to the request with a token; None if it is unknown or has expired."""
    row = connection.execute(
        "SELECT digest, answer, expires_at FROM request WHERE token = ? AND expires_at > ?",
        (token, now),
    ).fetchone()
    return None if row is None else AnsweredRequest(*row)


def keep(connection: sqlite3.Connection, token: str, request: AnsweredRequest, now: float) -> None:
    """Store an answer, unless the token has one already, and delete expired answers."""
    connection.execute("DELETE FROM request WHERE expires_at <= ?", (now,))
    connection.execute(
        "INSERT OR IGNORE INTO request (token, digest, answer, expires_at) VALUES (?, ?, ?, ?)",
        (token, request.digest, request.answer, request.expires_at),
    )


def get_answers(connection: sqlite3.Connection, ids: Sequence[str]) -> list[str]:
    """Return the stored answers that name a person or a face, ordered."""
    return sorted(answer for _, answer in _naming(connection, ids))


def forget_answers(connection: sqlite3.Connection, ids: Sequence[str]) -> int:
    """Delete the stored answers that name a person or a face; return their number."""
    tokens = [(token,) for token, _ in _naming(connection, ids)]
    connection.executemany("DELETE FROM request WHERE token = ?", tokens)
    return len(tokens)


def _naming(connection: sqlite3.Connection, ids: Sequence[str]) -> list[tuple[str, str]]:
    """Return the tokens and answers that name a person or a face."""
    return connection.execute(
        "SELECT token, answer FROM request WHERE EXISTS "
        "(SELECT 1 FROM json_each(?) AS named WHERE instr(answer, named.value))",
        (json.dumps([json.dumps(each) for each in ids]),),
    ).fetchall()
