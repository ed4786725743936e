"""Golden folders in one file each."""

from __future__ import annotations

import io
import json
import os
import tarfile
from pathlib import Path
from typing import Any

GOLDEN = Path(__file__).parents[2] / "data" / "golden"
"""Where golden folders are kept, for good."""

FORMATS = "formats.json"
"""The versions of the formats in a golden folder."""

_TIME = "facerec.mtime_ns"
"""When a file was written, in nanoseconds: the version of a local file."""


def golden_folders() -> list[Path]:
    """Return all golden folders."""
    return sorted(GOLDEN.glob("*.tar.xz"))


def pack(folder: Path, target: Path) -> None:
    """Write the files of a folder to one file, without their owners."""
    with tarfile.open(target, "w:xz", preset=9) as archive:
        for path in sorted(each for each in folder.rglob("*") if each.is_file()):
            member = tarfile.TarInfo(str(path.relative_to(folder)))
            content = path.read_bytes()
            member.size, member.mode = len(content), 0o600
            member.pax_headers = {_TIME: str(path.stat().st_mtime_ns)}
            archive.addfile(member, io.BytesIO(content))


def unpack(golden: Path, folder: Path) -> None:
    """Extract a golden folder to a folder."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tarfile.open(golden) as archive:
        archive.extractall(folder, filter="data")
        for member in archive.getmembers():
            # A float, as ``tarfile`` sets it, is not exact.
            time = int(member.pax_headers[_TIME])
            os.utime(folder / member.name, ns=(time, time))
    # Data of faces is for its owner alone.
    for path in (each for each in folder.rglob("*") if each.is_dir()):
        path.chmod(0o700)


def read_packed(golden: Path, name: str) -> Any:  # noqa: ANN401 - JSON
    """Return a file of JSON in a golden folder."""
    with tarfile.open(golden) as archive:
        member = archive.extractfile(name)
        assert member is not None
        return json.load(member)
