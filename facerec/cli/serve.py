"""`facerec serve`: the API on this machine."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import click

from facerec.cli.options import data_option
from facerec.errors import InvalidInputError


def _parse_bucket(
    _context: click.Context, _option: click.Parameter, given: tuple[str, ...]
) -> dict[str, Path]:
    folders = {}
    for text in given:
        name, equals, folder = text.partition("=")
        if not name or not equals or not folder:
            raise click.BadParameter(f"{text!r} is not NAME=DIR")
        path = Path(folder).expanduser()
        if not path.is_dir():
            raise click.BadParameter(f"{folder!r} is no folder")
        folders[name] = path.absolute()
    return folders


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True)
@click.option(
    "--bucket",
    "folders",
    multiple=True,
    callback=_parse_bucket,
    metavar="NAME=DIR",
    help="Let a folder stand in for the S3 bucket NAME; may be given several times.",
)
@click.option(
    "--s3-bucket",
    "s3_buckets",
    multiple=True,
    metavar="NAME",
    help="Read photos from this bucket in S3, with the environment's credentials. By default all "
    "that the credentials allow, and on other addresses than loopback none.",
)
@click.option(
    "--token",
    envvar="FACEREC_TOKEN",
    show_envvar=True,
    metavar="TOKEN",
    help="What `Authorization: Bearer TOKEN` must say; needed on other addresses than loopback.",
)
@click.option(
    "--allow-origin",
    "origins",
    multiple=True,
    envvar="ALLOWED_ORIGINS",
    metavar="ORIGIN",
    help="Let web pages of this origin call the API; may be given several times.",
)
@data_option
def serve(
    host: str,
    port: int,
    folders: dict[str, Path],
    s3_buckets: tuple[str, ...],
    token: str | None,
    origins: tuple[str, ...],
    data: Path | None,
) -> None:
    """Answer HTTP requests: a page, REST routes, and Amazon Rekognition's protocol.

    Ctrl-C lets running requests finish. On loopback, every program of this machine may call the
    server; on other addresses a request needs the token, or a key of `facerec keys create`.

    \b
    Examples:
      facerec serve
      facerec serve --port 9000 --bucket photos=/data/photos
      AWS_ENDPOINT_URL_REKOGNITION=http://127.0.0.1:8000 aws rekognition list-collections
      FACEREC_TOKEN=$(openssl rand -hex 20) facerec serve --host 0.0.0.0
    """  # noqa: D301 - \b is click's mark for a paragraph that keeps its lines
    from facerec.api.serving import ServerSettings, run_server
    from facerec.cli.parts import data_folder

    loopback = _is_loopback(host)
    if not loopback and not token:
        raise InvalidInputError(
            f"{host} can be reached from other machines, so requests need a token",
            "set FACEREC_TOKEN to a long random text, or listen on 127.0.0.1",
        )
    run_server(
        ServerSettings(
            host=host,
            port=port,
            data=data_folder(data),
            folders=folders,
            s3_buckets=frozenset(s3_buckets) if s3_buckets or not loopback else None,
            token=token,
            origins=origins,
        )
    )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
