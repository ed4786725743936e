"""`facerec keys`: access keys for clients that sign their requests."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from facerec.cli.options import data_option, json_option

if TYPE_CHECKING:
    from facerec.storage.access_keys import AccessKey, AccessKeyStore

aws_option = click.option(
    "--aws",
    "secrets_prefix",
    metavar="PREFIX",
    help="Keep the keys in Secrets Manager under this name, as the stack's output says, and not "
    "in the data folder.",
)


@click.group()
def keys() -> None:
    """Make, list and revoke access keys for the API.

    Rekognition clients sign their requests with a key pair. A key of facerec's own is good for
    facerec's API only, and for as much of it as its maker says.
    """


@keys.command()
@click.option(
    "--collection",
    "collections",
    multiple=True,
    metavar="NAME",
    help="Allow this collection only; may be given several times. By default all.",
)
@click.option("--read-only", is_flag=True, help="Allow nothing that changes anything.")
@click.option("--note", default="", help="Your own words about it.")
@aws_option
@data_option
@json_option
def create(
    collections: tuple[str, ...],
    read_only: bool,
    note: str,
    secrets_prefix: str | None,
    data: Path | None,
    as_json: bool,
) -> None:
    """Make a key pair; its secret is shown this once.

    \b
    Examples:
      facerec keys create --note "the door camera" --collection staff --read-only
      facerec keys create --aws facerec/access-keys
    """  # noqa: D301 - \b is click's mark for a paragraph that keeps its lines
    from facerec.cli.output import print_json
    from facerec.core.names import checked_collection_id
    from facerec.storage.access_keys import new_access_key

    names = tuple(checked_collection_id(name) for name in collections)
    key = new_access_key(names, writes=not read_only, note=note)
    _store(secrets_prefix, data).put_access_key(key)
    if as_json:
        print_json({**_shown(key), "secret_access_key": key.secret})
        return
    click.echo(f"export AWS_ACCESS_KEY_ID={key.access_key_id}")
    click.echo(f"export AWS_SECRET_ACCESS_KEY={key.secret}")
    click.echo("the secret is not shown again", err=True)


@keys.command("list")
@aws_option
@data_option
@json_option
def list_command(secrets_prefix: str | None, data: Path | None, as_json: bool) -> None:
    """List the keys, without their secrets.

    \b
    Example:
      facerec keys list
    """  # noqa: D301 - \b is click's mark for a paragraph that keeps its lines
    from facerec.cli.output import console, print_json, table

    found = _store(secrets_prefix, data).list_access_keys()
    if as_json:
        print_json([_shown(key) for key in found])
        return
    shown = table("access key id", "collections", "may", "created", "note")
    for key in found:
        allowed = ", ".join(key.collections) or "all"
        may = "read and write" if key.writes else "read"
        shown.add_row(key.access_key_id, allowed, may, _created(key), key.note)
    console().print(shown if found else "no keys yet; `facerec keys create` makes one")


@keys.command()
@click.argument("access_key_id")
@aws_option
@data_option
def revoke(access_key_id: str, secrets_prefix: str | None, data: Path | None) -> None:
    """Revoke the key ACCESS_KEY_ID for good; on AWS within a minute.

    \b
    Example:
      facerec keys revoke FREC0123456789ABCDEF
    """  # noqa: D301 - \b is click's mark for a paragraph that keeps its lines
    _store(secrets_prefix, data).delete_access_key(access_key_id)
    click.echo(f"{access_key_id} is revoked")


def _store(secrets_prefix: str | None, data: Path | None) -> AccessKeyStore:
    if secrets_prefix is not None:
        from facerec.storage.secrets import open_secrets_manager_keys

        return open_secrets_manager_keys(secrets_prefix)
    from facerec.cli.parts import data_folder, open_store

    return open_store(data_folder(data))


def _shown(key: AccessKey) -> dict[str, object]:
    return {
        "access_key_id": key.access_key_id,
        "collections": list(key.collections),
        "writes": key.writes,
        "note": key.note,
        "created_at": _created(key),
    }


def _created(key: AccessKey) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(key.created_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
