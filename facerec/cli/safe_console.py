"""A console that escapes control characters and line breaks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Console

from facerec.cli.printable import printable

if TYPE_CHECKING:
    from rich.text import Text


class SafeConsole(Console):
    """A console of rich that prints texts without control characters, each in one line."""

    def render_str(self, text: str, **options: Any) -> Text:  # noqa: ANN401 - rich's own options
        """Return a text as it is printed, with control characters and line breaks escaped."""
        return super().render_str(printable(text), **options)
