"""The type of options for files and folders that commands write on this machine."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import click

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")


class LocalPath(click.Path):
    """A path on this machine; an address, such as the address of an object in S3, is refused."""

    def __init__(self, *, file_okay: bool = True, dir_okay: bool = True) -> None:
        super().__init__(file_okay=file_okay, dir_okay=dir_okay, path_type=Path)

    def convert(
        self,
        value: str | os.PathLike[str],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> Any:  # noqa: ANN401 - click's signature
        """Return the path of a text.

        Raises:
            BadParameter: The text is an address, or the path of a file or folder of the wrong kind.
        """
        if isinstance(value, str) and _SCHEME.match(value):
            self.fail(f"{value} is not a path on this machine.", param, ctx)
        return super().convert(value, param, ctx)
