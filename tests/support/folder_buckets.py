"""Buckets that are folders: ``s3://`` addresses for jobs whose folder is far away."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from facerec.storage.objects.local import LocalObjects
from facerec.storage.objects.protocol import ObjectInfo


class FolderBuckets(LocalObjects):
    """Answers for ``s3://`` addresses from a folder, each request after a delay, as S3 would."""

    def __init__(self, folder: Path, delay: float = 0.0) -> None:
        """Keep buckets as folders below ``folder``; each request takes ``delay`` seconds more."""
        super().__init__()
        self._root, self._delay = f"{folder}/", delay

    def head(self, uri: str) -> ObjectInfo:
        """Answer a HEAD."""
        time.sleep(self._delay)
        return self._remote(super().head(self._local(uri)))

    def read(self, uri: str, **options: Any) -> bytes:  # noqa: ANN401 - those of the protocol
        """Answer a GET."""
        time.sleep(self._delay)
        return super().read(self._local(uri), **options)

    def fetch(
        self, uri: str, *, end: int | None = None, version_id: str | None = None
    ) -> tuple[bytes, ObjectInfo]:
        """Answer a GET, with the facts that come with it."""
        time.sleep(self._delay)
        content, info = super().fetch(self._local(uri), end=end, version_id=version_id)
        return content, self._remote(info)

    def write(self, uri: str, content: bytes, *, if_absent: bool = False) -> bool:
        """Answer a PUT."""
        time.sleep(self._delay)
        return super().write(self._local(uri), content, if_absent=if_absent)

    def replace(self, uri: str, content: bytes | Path, *, version: str) -> bool:
        """Answer a PUT with a condition."""
        return super().replace(self._local(uri), content, version=version)

    def list(self, prefix: str, *, after: str = "") -> Iterator[ObjectInfo]:
        """Answer a LIST."""
        time.sleep(self._delay)
        for found in super().list(self._local(prefix), after=after and self._local(after)):
            yield self._remote(found)

    def delete(self, uri: str) -> None:
        """Answer a DELETE."""
        time.sleep(self._delay)
        super().delete(self._local(uri))

    def _local(self, uri: str) -> str:
        return self._root + uri.removeprefix("s3://")

    def _remote(self, info: ObjectInfo) -> ObjectInfo:
        return ObjectInfo(f"s3://{info.uri.removeprefix(self._root)}", info.size, info.version)
