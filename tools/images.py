"""Builds both images without a container engine: ``python -m tools.images FOLDER``.

Needs root, buildah and debootstrap; ``make e2e`` runs children and the API from what it builds.
Each image becomes a folder with its root file system, and a file of JSON with its configuration.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]

TARGETS = ("batch", "api")
TOOLS = ("buildah", "debootstrap", "unshare", "chroot")
SUITE = "bookworm"
"""The release of Debian of the Dockerfile's base."""

INCLUDED = "python3,python3-venv,python3-pip,ca-certificates"
"""Packages of the base besides the smallest Debian: all that the Dockerfile expects."""

BASE = "localhost/python-base"
"""Name of the base image in the storage."""

DIGEST = "digest"
"""File in the folder of the images, with the digest of what they are built from."""

CANNOT_BUILD = 3
"""Exit code if this machine cannot build images."""

CONTEXT = ("Dockerfile", "facerec", "batch_job", "lambdas", "examples/probe.jpg")
"""What images are built from; see ``.dockerignore``."""


class CannotBuildError(Exception):
    """This machine cannot build images; the message says why."""


def build_images(folder: Path) -> None:
    """Build both images, unless the folder has them as they would be.

    Args:
        folder: Receives ``TARGET/`` and ``TARGET.json`` for each target, and the layers that the
            next build can use again.

    Raises:
        CannotBuildError: This machine cannot build images.
        CalledProcessError: A build fails; its output has been shown.
    """
    if are_built(folder):
        return
    require_tools()
    folder = folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / DIGEST).unlink(missing_ok=True)
    digest = content_digest()
    storage = _Storage(folder)
    storage.make_base()
    for target in TARGETS:
        storage.build(target)
        storage.extract(target)
    (folder / DIGEST).write_text(digest, "utf-8")


def are_built(folder: Path) -> bool:
    """Return whether a folder has both images as they would be built now."""
    noted = folder / DIGEST
    return noted.exists() and noted.read_text("utf-8") == content_digest()


def content_digest() -> str:
    """Return a digest of all that the images are built from."""
    digest = hashlib.sha256()
    for path in sorted(_files()):
        digest.update(f"{path.relative_to(ROOT)}\n".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _files() -> Iterator[Path]:
    for name in CONTEXT:
        path = ROOT / name
        if path.is_file():
            yield path
            continue
        for file in path.rglob("*"):
            if file.is_file() and file.suffix != ".pyc":
                yield file


def require_tools() -> None:
    """Check that this machine can build images, and run programs in them.

    Raises:
        CannotBuildError: The machine cannot do this.
    """
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        raise CannotBuildError(f"these tools are missing: {', '.join(missing)}")
    if os.geteuid() != 0:
        raise CannotBuildError("only root can make the file system of an image")
    allowed = subprocess.run(["unshare", "--mount", "true"], check=False, capture_output=True)
    if allowed.returncode:
        raise CannotBuildError("this machine does not allow mounts")


def _mirror() -> str:
    """Return the mirror in the sources of apt, or Debian's own."""
    apt = Path("/etc/apt")
    for path in [*apt.glob("sources.list.d/*"), apt / "sources.list"]:
        if path.exists():
            found = re.search(
                r"^\s*(?:URIs:|deb)\s+(?:\[[^\]]*\]\s+)?(https?://\S*debian/?)(?:\s|$)",
                path.read_text("utf-8"),
                re.MULTILINE,
            )
            if found:
                return found[1]
    return "http://deb.debian.org/debian"


class _Storage:
    """Buildah's storage in the folder of the images, so that none of the machine's is touched."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._command = [
            *("buildah", "--root", str(folder / "storage"), "--runroot", str(folder / "run")),
            *("--storage-driver", _storage_driver()),
        ]

    def make_base(self) -> None:
        """Create the smallest Debian with Python from this machine's mirror, unless it exists."""
        if self._output("images", "--quiet", "--filter", f"reference={BASE}"):
            return
        with tempfile.TemporaryDirectory(dir=self._folder) as root:
            _run(
                *("debootstrap", "--variant=minbase", f"--include={INCLUDED}"),
                *(SUITE, root, _mirror()),
            )
            Path(root).chmod(0o755)
            container = self._output("from", "scratch")
            _run(*self._command, "copy", "--quiet", container, root, "/")
            _run(*self._command, "commit", "--quiet", container, BASE)
            _run(*self._command, "rm", container)

    def build(self, target: str) -> None:
        _run(
            *(*self._command, "bud", "--isolation", "chroot", "--network", "host"),
            *("--build-arg", f"BASE_IMAGE={BASE}", "--layers"),
            *(f"--volume={volume}" for volume in _volumes(self._folder / "pip.conf")),
            *("--target", target, "--tag", f"localhost/{target}", str(ROOT)),
        )

    def extract(self, target: str) -> None:
        """Copy the file system of an image, and note its configuration."""
        root = self._folder / target
        shutil.rmtree(root, ignore_errors=True)
        container = self._output("from", f"localhost/{target}")
        mounted = self._output("mount", container)
        _run("cp", "--archive", mounted, str(root))
        _run(*self._command, "umount", container)
        _run(*self._command, "rm", container)
        inspected = json.loads(self._output("inspect", "--type", "image", f"localhost/{target}"))
        configuration = inspected["OCIv1"]["config"]
        root.with_suffix(".json").write_text(json.dumps(configuration, indent=1), "utf-8")

    def _output(self, *arguments: str) -> str:
        return subprocess.run(
            [*self._command, *arguments], check=True, stdout=subprocess.PIPE, text=True
        ).stdout.strip()


def _storage_driver() -> str:
    """Return overlay where the machine allows it: the other driver copies each layer."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("lower", "upper", "work", "merged"):
            (Path(folder) / name).mkdir()
        layers = ",".join(f"{name}dir={folder}/{name}" for name in ("lower", "upper", "work"))
        mount = f"mount -t overlay overlay -o {layers} {folder}/merged"
        tried = subprocess.run(
            ["unshare", "--mount", "sh", "-c", mount], check=False, capture_output=True
        )
    return "vfs" if tried.returncode else "overlay"


def _volumes(configuration: Path) -> list[str]:
    """Return what pip needs of this machine while an image is built, which no image keeps.

    These are the certificates, pip's configuration, and the local folders that it names.
    """
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout
    settings: dict[str, Any] = {}
    for line in listed.splitlines():
        name, _, value = line.partition("=")
        settings[name.rpartition(".")[2]] = value.strip("'\"")
    lines = "".join(f"{name} = {value}\n" for name, value in sorted(settings.items()))
    configuration.write_text(f"[global]\n{lines}", "utf-8")
    words = [word for value in settings.values() for word in value.split()]
    paths = {word for word in words if word.startswith("/") and Path(word).exists()}
    # A local index links to the files beside it.
    paths |= {str(Path(word[7:]).parent) for word in words if word.startswith("file:///")}
    paths |= {path for path in ("/etc/ssl/certs", "/etc/resolv.conf") if Path(path).exists()}
    # A path in another one that is given needs no mount of its own.
    outer = {
        path for path in paths if not any(Path(path).is_relative_to(p) for p in paths - {path})
    }
    return [f"{configuration}:/etc/pip.conf:ro", *(f"{path}:{path}:ro" for path in sorted(outer))]


def _run(*command: str) -> None:
    subprocess.run(command, check=True, stdout=sys.stderr)


def main() -> int:
    """Build the images into the folder that the arguments name.

    Returns:
        0 if they are built, ``CANNOT_BUILD`` if this machine cannot build them.
    """
    try:
        build_images(Path(sys.argv[1]))
    except CannotBuildError as error:
        sys.stderr.write(f"images cannot be built here: {error}\n")
        return CANNOT_BUILD
    return 0


if __name__ == "__main__":
    sys.exit(main())
