"""An ``ObjectStore`` in memory."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from facerec.errors import ObjectChangedError, ObjectNotFoundError
from facerec.storage.objects.protocol import ObjectInfo


class MemoryObjects:
    """Keeps objects in a dictionary, and counts what it is asked for.

    Attributes:
        content: The objects by uri.
        reads: How many objects were read.
        delay: Seconds that each object takes to answer, as S3's do.
    """

    def __init__(self, delay: float = 0.0) -> None:
        self.content: dict[str, bytes] = {}
        self.reads = 0
        self.delay = delay

    def head(self, uri: str) -> ObjectInfo:
        content = self._find(uri)
        return ObjectInfo(uri, len(content), str(hash(content)))

    def read(
        self,
        uri: str,
        *,
        start: int = 0,
        end: int | None = None,
        version: str | None = None,
        version_id: str | None = None,
    ) -> bytes:
        self.reads += 1
        time.sleep(self.delay)
        content = self._find(uri)
        if version is not None and version != str(hash(content)):
            raise ObjectChangedError(uri)
        return content[start:end]

    def fetch(
        self, uri: str, *, end: int | None = None, version_id: str | None = None
    ) -> tuple[bytes, ObjectInfo]:
        return self.read(uri, end=end, version_id=version_id), self.head(uri)

    def write(self, uri: str, content: bytes, *, if_absent: bool = False) -> bool:
        if if_absent and uri in self.content:
            return False
        self.content[uri] = content
        return True

    def write_file(self, uri: str, path: Path) -> None:
        self.content[uri] = path.read_bytes()

    def replace(self, uri: str, content: bytes | Path, *, version: str) -> bool:
        if self.head(uri).version != version:
            return False
        self.content[uri] = content if isinstance(content, bytes) else content.read_bytes()
        return True

    def list(self, prefix: str, *, after: str = "") -> Iterator[ObjectInfo]:
        for uri in sorted(self.content):
            if uri.startswith(prefix) and uri > after:
                yield self.head(uri)

    def folders(self, prefix: str) -> Iterator[str]:
        found = (uri[len(prefix) :] for uri in self.content if uri.startswith(prefix))
        names = {rest.partition("/")[0] for rest in found if "/" in rest}
        yield from (f"{prefix}{name}/" for name in sorted(names))

    def delete(self, uri: str) -> None:
        self.content.pop(uri, None)

    def delete_folder(self, prefix: str) -> None:
        for uri in [uri for uri in self.content if uri.startswith(prefix)]:
            del self.content[uri]

    def _find(self, uri: str) -> bytes:
        try:
            return self.content[uri]
        except KeyError:
            raise ObjectNotFoundError(uri) from None
