"""Creates the HTML of self-contained pages that present measurements."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

_STYLE = """
:root{color-scheme:light dark}
body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;margin:1rem 0}
th,td{padding:.25rem .75rem;border-bottom:1px solid #8884;text-align:right}
th:first-child,td:first-child{text-align:left}
svg{max-width:100%;background:#fff;color:#222}
svg text{font:12px system-ui,sans-serif;fill:#222}
svg .across{text-anchor:middle}svg .up{text-anchor:end}svg .grid{stroke:#ddd}
.pairs{display:flex;flex-wrap:wrap;gap:1rem}
figure{margin:0;width:12.5rem}figcaption{font-size:12px;overflow-wrap:anywhere}
img{width:96px;height:96px;object-fit:cover}
"""


def paragraph(text: str) -> str:
    """Return an HTML paragraph; the text is escaped."""
    return f"<p>{escape(text)}</p>"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return an HTML table; its texts are escaped."""
    head = "".join(f"<th>{escape(cell)}</th>" for cell in header)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def document(title: str, sections: Iterable[str]) -> str:
    """Return an HTML page; the title is escaped, and the sections are HTML."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>facerec: {escape(title)}</title><style>{_STYLE}</style></head>"
        f"<body><h1>{escape(title)}</h1>{''.join(sections)}</body></html>\n"
    )
