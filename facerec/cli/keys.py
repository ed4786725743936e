"""`facerec keys`: access keys for clients that sign their requests."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from facerec.cli.data_folder import data_folder
from facerec.cli.deferred import access_keys, factory, names
from facerec.cli.lazy_group import SummaryGroup
from facerec.cli.options import data_option, json_option
from facerec.cli.output import console, print_json, say, table

if TYPE_CHECKING:
    from facerec.storage.access_keys import AccessKey


@click.group(cls=SummaryGroup)
def keys() -> None:
    """Create, list and revoke access keys for the API.

    Rekognition clients sign their requests with a key pair. These key pairs are valid for the API
    of `facerec serve` only, and can be limited to some collections or to reading. On AWS, callers
    have IAM credentials instead.
    """


@keys.command()
@click.option(
    "--collection",
    "collections",
    multiple=True,
    metavar="NAME",
    help="Name of the collection, to limit the key to it; can be repeated (default: all).",
)
@click.option("--read-only", is_flag=True, help="Create a read-only key.")
@click.option("--note", default="", metavar="TEXT", help="Note that describes the key.")
@data_option
@json_option
def create(
    collections: tuple[str, ...],
    read_only: bool,
    note: str,
    data: Path | None,
    as_json: bool,
) -> None:
    """Create a key pair and print its secret, which is not shown again.

    \b
    Example:
      facerec keys create --note "the door camera" --collection staff --read-only
    """
    allowed = tuple(names.checked_collection_id(name) for name in collections)
    key = access_keys.new_access_key(allowed, writes=not read_only, note=note)
    factory.open_local_store(data_folder(data, new=True)).put_access_key(key)
    if as_json:
        print_json({**_to_json(key), "secret_access_key": key.secret})
        return
    say(f"export AWS_ACCESS_KEY_ID={key.access_key_id}")
    say(f"export AWS_SECRET_ACCESS_KEY={key.secret}")
    say("the secret is not shown again", err=True)


@keys.command("list")
@data_option
@json_option
def list_command(data: Path | None, as_json: bool) -> None:
    """List the keys, without their secrets.

    \b
    Example:
      facerec keys list
    """
    access_keys = factory.open_local_store(data_folder(data)).list_access_keys()
    if as_json:
        print_json({"keys": [_to_json(key) for key in access_keys]})
        return
    columns = ("access key id", "collections", "access", "created", "note")
    rows = table(*columns, whole=("access key id",))
    for key in access_keys:
        collections = ", ".join(key.collections) or "all"
        access = "read and write" if key.writes else "read"
        rows.add_row(key.access_key_id, collections, access, _created(key), key.note)
    console().print(rows if access_keys else "no keys yet; create one with `facerec keys create`")


@keys.command()
@click.argument("access_key_id")
@data_option
def revoke(access_key_id: str, data: Path | None) -> None:
    """Revoke a key permanently.

    \b
    Example:
      facerec keys revoke FREC0123456789ABCDEF
    """
    factory.open_local_store(data_folder(data)).delete_access_key(access_key_id)
    say(f"{access_key_id} is revoked")


def _to_json(key: AccessKey) -> dict[str, object]:
    return {
        "access_key_id": key.access_key_id,
        "collections": list(key.collections),
        "writes": key.writes,
        "note": key.note,
        "created_at": _created(key),
    }


def _created(key: AccessKey) -> str:
    return datetime.fromtimestamp(key.created_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
