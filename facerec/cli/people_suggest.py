"""`facerec people suggest` and the other commands about clusters of faces without a person."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from facerec.cli.change_options import change_options
from facerec.cli.data_folder import data_folder
from facerec.cli.deferred import factory, presenting_people
from facerec.cli.exit_codes import raise_first
from facerec.cli.faces_shown import face_table
from facerec.cli.options import (
    collection_option,
    data_option,
    json_option,
    page_options,
    probability,
)
from facerec.cli.output import console, count, print_json, print_page, shortened, table
from facerec.cli.person_argument import known_name, new_or_known
from facerec.core.deferred import DeferredModule
from facerec.core.limits import DEFAULT_CLUSTERS, MAX_CLUSTER_PAGE, MAX_PAGE

if TYPE_CHECKING:
    from facerec.gallery.clusters.cluster_results import ClusterPage
    from facerec.gallery.presenting import clusters
else:
    clusters = DeferredModule("facerec.gallery.presenting.clusters")

_SHOWN_SOURCES = 3


@click.command()
@collection_option
@data_option
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
    pair_threshold: float | None,
    next_token: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """Suggest unknown people: clusters of faces that seem to show the same person.

    Faces that were indexed since the last call join clusters or create them. Clusters keep their
    ids. A cluster that contains faces of a person suggests further faces of that person.

    \b
    Examples:
      facerec people suggest --collection party
      facerec people suggest --collection party --limit 100 --json
    """
    with factory.open_gallery(data_folder(data)) as gallery:
        result = None
        if next_token is None:
            result = gallery.cluster_faces(collection, pair_threshold=pair_threshold)
        page = gallery.list_clusters(collection, next_token=next_token, limit=limit)
    if as_json:
        print_json(clusters.cluster_page_json(page))
        return
    if result is not None and result.considered:
        console(stderr=True).print(
            f"{count(result.considered, 'new face')}: {result.joined:,} joined clusters, "
            f"{count(result.created, 'new cluster')}, {result.merged:,} merged"
        )
    _print(collection, page, first=next_token is None)


@click.command("cluster")
@collection_option
@click.argument("cluster_id", metavar="CLUSTER")
@data_option
@json_option
def show_cluster(collection: str, cluster_id: str, data: Path | None, as_json: bool) -> None:
    """Show a cluster with all its faces, even if it is ignored.

    \b
    Example:
      facerec people cluster --collection party c1
    """
    with factory.open_gallery(data_folder(data)) as gallery:
        cluster = gallery.describe_cluster(collection, cluster_id)
        page = gallery.list_faces(collection, face_ids=cluster.face_ids, limit=MAX_PAGE)
    if as_json:
        print_json(clusters.cluster_json(cluster))
        return
    whose = "" if cluster.user_id is None else f", perhaps of {cluster.user_id}"
    ignored = ", ignored" if cluster.ignored else ""
    faces = count(len(cluster.face_ids), "face")
    console().print(f"cluster {cluster.cluster_id}: {faces}{whose}{ignored}")
    console().print(face_table(page.faces))


@click.command()
@collection_option
@click.argument("cluster")
@click.argument("person")
@data_option
@change_options
@json_option
def name(collection: str, cluster: str, person: str, data: Path | None, as_json: bool) -> None:
    """Name a cluster: add its faces to PERSON, who is created if nobody has the id or name.

    \b
    Examples:
      facerec people name --collection party c1 ann
      facerec people name --collection party c2 "Zoë Müller"
    """
    with factory.open_gallery(data_folder(data)) as gallery:
        user_id, new_name = new_or_known(gallery, collection, person)
        outcome = gallery.name_cluster(collection, cluster, user_id, name=new_name)
    if as_json:
        print_json(presenting_people.association_json(outcome))
    else:
        console().print(f"{count(len(outcome.changed), 'face')} added to {person}")
    raise_first(failure.to_error() for failure in outcome.failed)


@click.command()
@collection_option
@click.argument("cluster")
@data_option
@change_options
@click.option(
    "--lift", is_flag=True, help="Remove the statement instead: suggest the cluster again."
)
def ignore(collection: str, cluster: str, data: Path | None, lift: bool) -> None:
    """Ignore a cluster from now on, with the faces that join it later.

    \b
    Examples:
      facerec people ignore --collection party c2
      facerec people ignore --collection party c2 --lift
    """
    with factory.open_gallery(data_folder(data)) as gallery:
        gallery.ignore_cluster(collection, cluster, ignored=not lift)
    console().print(f"cluster {cluster} is {'suggested again' if lift else 'ignored'}")


@click.command("not-a-face")
@collection_option
@click.argument("face_ids", nargs=-1, required=True, metavar="FACE_ID...")
@data_option
@change_options
@click.option("--lift", is_flag=True, help="Remove the statement instead.")
def not_a_face(collection: str, face_ids: tuple[str, ...], data: Path | None, lift: bool) -> None:
    """State that a stored face is not a face, so that no cluster contains it.

    \b
    Example:
      facerec people not-a-face --collection party 0f3c0ad5-54a4-8b4e-9c1d-2f5e6a7b8c9d
    """
    with factory.open_gallery(data_folder(data)) as gallery:
        for face_id in face_ids:
            changed = gallery.not_a_face(collection, face_id, lift=lift)
            if not lift:
                console().print(f"{face_id} is not a face")
            elif changed:
                console().print(f"face {face_id} is suggested again")
            else:
                console().print(f"there was no statement that {face_id} is not a face")


@click.command("not-same")
@collection_option
@click.argument("cluster")
@click.argument("person")
@data_option
@change_options
def not_same(collection: str, cluster: str, person: str, data: Path | None) -> None:
    """State that the faces of a cluster do not show PERSON; later searches respect this.

    `facerec faces not-same` does the same for a single face, and can undo it.

    \b
    Example:
      facerec people not-same --collection party c3 ann
    """
    with factory.open_gallery(data_folder(data)) as gallery:
        gallery.not_same_cluster(collection, cluster, known_name(gallery, collection, person))
    console().print(f"cluster {cluster} does not show {person}")


def _print(collection: str, page: ClusterPage, *, first: bool) -> None:
    rows = table(
        "cluster",
        "faces",
        "person",
        "best face",
        "photos",
        right=("faces",),
        whole=("cluster", "best face"),
    )
    for each in page.clusters:
        sources = [shortened(source) for source in each.sources[:_SHOWN_SOURCES]]
        if len(each.sources) > _SHOWN_SOURCES:
            sources.append("...")
        rows.add_row(
            each.cluster_id,
            str(len(each.face_ids)),
            "-" if each.user_id is None else f"{each.user_id}?",
            each.best.face_id,
            ", ".join(sources),
        )
    nothing = f"collection {collection} has no clusters of unknown people"
    print_page(rows, page.next_token, nothing=nothing if first else "no more clusters")
