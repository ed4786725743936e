"""Photos that schemathesis sends to a server, since no schema says which bytes are a photo."""

from __future__ import annotations

from base64 import b64encode
from io import BytesIO
from pathlib import Path

import schemathesis
from hypothesis import strategies as st
from PIL import Image
from schemathesis.specs.openapi.formats import Binary

EXAMPLES = Path(__file__).parents[1] / "examples" / "photos"

LONGER_SIDE = 200
"""Longer side in pixels: small enough to find faces in milliseconds."""


def _small(path: Path) -> bytes:
    with Image.open(path) as photo:
        photo.thumbnail((LONGER_SIDE, LONGER_SIDE))
        content = BytesIO()
        photo.convert("RGB").save(content, "JPEG")
    return content.getvalue()


photos = st.sampled_from([_small(path) for path in sorted(EXAMPLES.glob("*.jpg"))[:4]])
schemathesis.openapi.format("binary", photos.map(Binary))
schemathesis.openapi.format("byte", photos.map(lambda photo: b64encode(photo).decode()))
