"""A contact sheet: an HTML file with all found faces that loads nothing from other servers."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable
from html import escape
from typing import TYPE_CHECKING, TextIO

from facerec.cli.output import shortened, shown_name

if TYPE_CHECKING:
    from facerec.gallery.search.found_faces import FoundFace

Thumbnail = Callable[[str], bytes | None]
"""Returns a JPEG file of a stored face, or None if there is none."""

REASONS = {
    "LESS_SIMILAR": "less similar",
    "AMBIGUOUS": "somebody else is about as similar",
    "OTHER_PERSON": "named as another person",
}
"""Texts that explain why a face is doubtful."""

_STYLE = """
:root{color-scheme:light dark}
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;padding:0 1rem;max-width:80rem}
ul{display:grid;grid-template-columns:repeat(auto-fill,minmax(9rem,1fr));gap:1rem;padding:0}
li{list-style:none;overflow-wrap:anywhere;font-size:12px}
img,.none{display:flex;width:100%;aspect-ratio:1;object-fit:cover;border-radius:4px}
.none{align-items:center;justify-content:center;background:#8883}
"""


def write_contact_sheet(
    file: TextIO,
    title: str,
    certain: Iterable[FoundFace],
    doubtful: Iterable[FoundFace],
    thumbnail: Thumbnail,
) -> tuple[int, int]:
    """Write a contact sheet; return the numbers of certain and of doubtful faces.

    Args:
        file: The file to write to, face by face.
        title: Name of the person whom the faces show.
        certain: Faces that are not doubtful.
        doubtful: Doubtful faces.
        thumbnail: Returns the thumbnail of a face.
    """
    file.write(
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>"
        f"<body><h1>{escape(title)}</h1>"
    )
    numbers = []
    for heading, faces in (("Photos", certain), ("Doubtful", doubtful)):
        number = 0
        file.write(f"<h2>{heading}</h2><ul>")
        for each in faces:
            file.write(_card(each, thumbnail))
            number += 1
        file.write("</ul>" if number else "</ul><p>None.</p>")
        numbers.append(number)
    file.write("</body></html>\n")
    return numbers[0], numbers[1]


def _card(each: FoundFace, thumbnail: Thumbnail) -> str:
    match = each.match
    content = thumbnail(match.face.face_id)
    if content is None:
        picture = '<span class="none">no photo</span>'
    else:
        data = base64.b64encode(content).decode()
        picture = f'<img loading="lazy" src="data:image/jpeg;base64,{data}" alt="">'
    where = shortened(match.face.source) or shown_name(match.face.external_image_id)
    lines = [f"{match.similarity:.3f}", where, match.person_name or match.user_id or ""]
    if each.doubt is not None:
        lines.append(REASONS[each.doubt])
    text = "<br>".join(escape(line) for line in lines if line)
    return f"<li>{picture}{text}</li>"
