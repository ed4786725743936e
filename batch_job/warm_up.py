"""``python -m batch_job.warm_up PHOTO VERSION``: fills the cache of an image while it is built."""

from __future__ import annotations

import sys
from pathlib import Path

from facerec.core.options import FaceOptions
from facerec.core.photos import PhotoFaces
from facerec.engine.detect.detectors import DETECTORS
from facerec.engine.engine import open_engine


def main() -> int:
    """Convert all networks, and process a photo that shows a face with each detector.

    Returns:
        0 if each detector finds a face and the model version is the given one, else 1.
    """
    path, version = sys.argv[1:]
    photo = Path(path).read_bytes()
    engine = open_engine(threads=1)
    if engine.model_version != version:
        sys.stderr.write(f"the model version is {engine.model_version}, not {version}\n")
        return 1
    for detector in DETECTORS:
        (seen,) = engine.analyse([photo], FaceOptions(detector=detector))
        if not isinstance(seen, PhotoFaces) or not seen.faces:
            sys.stderr.write(f"{detector} finds no face in {path}\n")
            return 1
    sys.stdout.write(f"{engine.model_version}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
