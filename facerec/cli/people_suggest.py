"""`facerec people suggest` and the commands that name, ignore and correct its clusters."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from facerec.cli.change_options import change_options
from facerec.cli.data_folder import data_folder
from facerec.cli.deferred import factory
from facerec.cli.exit_codes import raise_first
from facerec.cli.faces_shown import stored_face_table
from facerec.cli.gallery_requests import ask_gallery, cluster_in_stack
from facerec.cli.options import (
    collection_option,
    data_option,
    json_option,
    page_options,
    probability,
    stack_option,
)
from facerec.cli.output import console, name_or_id, print_json, print_page, shortened, table
from facerec.core.counts import count
from facerec.core.limits import DEFAULT_CLUSTERS, MAX_CLUSTER_PAGE
from facerec.errors import error_from_json

if TYPE_CHECKING:
    from facerec.gallery.clusters.clustering import ClusteringResult

_SHOWN_SOURCES = 3


@click.command()
@collection_option
@data_option
@stack_option
@click.option(
    "--pair-threshold",
    type=probability,
    default=None,
    help="Minimum similarity of two faces that connect clusters (default: depends on the number of "
    "faces, 0.967 for a few thousand).",
)
@page_options("clusters", DEFAULT_CLUSTERS, MAX_CLUSTER_PAGE)
@json_option
def suggest(
    collection: str,
    data: Path | None,
    stack: str | None,
    pair_threshold: float | None,
    next_token: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """Suggest unknown people: clusters of faces that seem to show the same person.

    Faces that have been indexed since the last call join clusters or create them. Clusters keep
    their ids. A cluster that contains faces of a person suggests further faces of that person. On
    AWS, a job clusters the faces, and the command waits for its end; if the command is interrupted,
    the next call waits for the same job.

    \b
    Examples:
      facerec people suggest --collection party
      facerec people suggest --collection party --limit 100 --json
      facerec people suggest --collection party --stack facerec
    """
    result = None
    if next_token is None and stack is not None:
        cluster_in_stack(stack, collection, pair_threshold)
    elif next_token is None:
        with factory.open_gallery(data_folder(data)) as gallery:
            result = gallery.cluster_faces(collection, pair_threshold=pair_threshold)
    page = ask_gallery(stack, data, collection, "list_clusters", next_token=next_token, limit=limit)
    if as_json:
        print_json(page)
        return
    if result is not None and result.considered:
        _print_result(result)
    _print(page, first=next_token is None)


@click.command("cluster")
@collection_option
@click.argument("cluster_id", metavar="CLUSTER")
@data_option
@stack_option
@json_option
def show_cluster(
    collection: str, cluster_id: str, data: Path | None, stack: str | None, as_json: bool
) -> None:
    """Show a cluster with all its faces, even if it is ignored.

    \b
    Example:
      facerec people cluster --collection party c1
    """
    found = ask_gallery(stack, data, collection, "show_cluster", cluster_id=cluster_id)
    cluster = found["cluster"]
    if as_json:
        print_json(cluster)
        return
    whose = "" if cluster["user_id"] is None else f", perhaps of {_person(cluster)}"
    ignored = ", ignored" if cluster["ignored"] else ""
    faces = count(cluster["size"], "face")
    console().print(f"cluster {cluster['cluster_id']}: {faces}{whose}{ignored}")
    console().print(stored_face_table(found["faces"]))


@click.command()
@collection_option
@click.argument("cluster")
@click.argument("person")
@data_option
@stack_option
@change_options
@json_option
def name(
    collection: str, cluster: str, person: str, data: Path | None, stack: str | None, as_json: bool
) -> None:
    """Name a cluster: add its faces to PERSON, who is created if nobody has the id or name.

    \b
    Examples:
      facerec people name --collection party c1 ann
      facerec people name --collection party c2 "Zoë Müller"
    """
    named = ask_gallery(stack, data, collection, "name_cluster", cluster_id=cluster, person=person)
    if as_json:
        print_json(named["outcome"])
    else:
        console().print(f"{count(len(named['outcome']['changed']), 'face')} added to {person}")
        # A stack of an earlier release does not return it.
        if beyond := named.get("beyond"):
            console().print(
                f"{count(beyond, 'more face')} of the cluster not added: a person has at most 100 "
                "faces; the others count as this person's, and are not suggested again"
            )
    raise_first(map(error_from_json, named["errors"]))


@click.command()
@collection_option
@click.argument("cluster")
@data_option
@stack_option
@change_options
@click.option(
    "--lift", is_flag=True, help="Remove the statement instead: suggest the cluster again."
)
def ignore(collection: str, cluster: str, data: Path | None, stack: str | None, lift: bool) -> None:
    """Ignore a cluster from now on, with the faces that join it later.

    \b
    Examples:
      facerec people ignore --collection party c2
      facerec people ignore --collection party c2 --lift
    """
    ask_gallery(stack, data, collection, "ignore_cluster", cluster_id=cluster, ignored=not lift)
    console().print(f"cluster {cluster} is {'suggested again' if lift else 'ignored'}")


@click.command("not-a-face")
@collection_option
@click.argument("face_ids", nargs=-1, required=True, metavar="FACE_ID...")
@data_option
@stack_option
@change_options
@click.option("--lift", is_flag=True, help="Remove the statement instead.")
def not_a_face(
    collection: str, face_ids: tuple[str, ...], data: Path | None, stack: str | None, lift: bool
) -> None:
    """State that a stored face is not a face, so that no cluster contains it.

    \b
    Example:
      facerec people not-a-face --collection party 0f3c0ad5-54a4-8b4e-9c1d-2f5e6a7b8c9d
    """
    for face_id in face_ids:
        stated = ask_gallery(stack, data, collection, "not_a_face", face_id=face_id, lift=lift)
        if not lift:
            console().print(f"{face_id} is not a face")
        elif stated["changed"]:
            console().print(f"face {face_id} is suggested again")
        else:
            console().print(f"there was no statement that {face_id} is not a face")


@click.command("not-same")
@collection_option
@click.argument("cluster")
@click.argument("person")
@data_option
@stack_option
@change_options
def not_same(
    collection: str, cluster: str, person: str, data: Path | None, stack: str | None
) -> None:
    """State that the faces of a cluster do not show PERSON; later searches respect this.

    `facerec faces not-same` does the same for a single face, and can undo it.

    \b
    Example:
      facerec people not-same --collection party c3 ann
    """
    ask_gallery(stack, data, collection, "not_same_cluster", cluster_id=cluster, person=person)
    console().print(f"cluster {cluster} does not show {person}")


def _person(cluster: dict[str, Any]) -> str:
    # A stack of an earlier release returns no name.
    return name_or_id(cluster.get("person_name"), cluster["user_id"])


def _print_result(result: ClusteringResult) -> None:
    console(stderr=True).print(
        f"{count(result.considered, 'new face')}: {result.joined:,} joined clusters, "
        f"{count(result.created, 'new cluster')}, {result.merged:,} merged"
    )


def _print(page: dict[str, Any], *, first: bool) -> None:
    rows = table(
        "cluster",
        "faces",
        "person",
        "best face",
        "photos",
        right=("faces",),
        whole=("cluster", "best face"),
    )
    for each in page["clusters"]:
        sources = [shortened(source) for source in each["sources"][:_SHOWN_SOURCES]]
        if len(each["sources"]) > _SHOWN_SOURCES:
            sources.append("...")
        rows.add_row(
            each["cluster_id"],
            str(each["size"]),
            "-" if each["user_id"] is None else f"{_person(each)}?",
            each["best_face_id"],
            ", ".join(sources),
        )
    nothing = f"collection {page['collection_id']} has no clusters of unknown people"
    print_page(rows, page["next_token"], nothing=nothing if first else "no more clusters")
