"""Builds the galleries of a deployment on AWS from its settings, and the delivery of its events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from facerec.core.deferred import DeferredModule
from facerec.core.options import Recipe
from facerec.factory import engines
from facerec.factory.deployed_stores import open_job_objects, open_migrations, open_stores
from facerec.factory.erasures import open_erasures
from facerec.storage.objects import AccessPolicy, Objects

if TYPE_CHECKING:
    from collections.abc import Callable

    from facerec import config
    from facerec.config import Settings
    from facerec.core.events import MatchEvent
    from facerec.core.protocols.engine import FaceEngine
    from facerec.gallery.defaults import GalleryDefaults
    from facerec.gallery.gallery import Gallery
    from facerec.gallery.registered.delivering import EventDelivery
    from facerec.storage.event_bus import EventBus
    from facerec.storage.objects import ObjectStore
else:
    config = DeferredModule("facerec.config")


def open_deployed_gallery(
    settings: Settings, objects: ObjectStore, *, patience: float | None = None
) -> Gallery:
    """Open the gallery of a deployment on AWS.

    Args:
        settings: Settings of the deployment.
        objects: Reads the photos that callers may name.
        patience: Seconds after which a request to the store of vectors is given up, by default 60;
            SQLite ignores it.

    Raises:
        FacerecError: A setting is missing or wrong, or a store cannot be opened.
    """
    start = None
    if settings.erasure_function is not None:
        from facerec.jobs.aws.erasure_function import open_erasure_function

        start = open_erasure_function(settings.erasure_function, settings.region).start
    return _deployed_gallery(
        settings,
        {recipe.value: engines.open_deployed_engine(settings, recipe) for recipe in Recipe},
        objects,
        patience=patience,
        start=start,
    )


def open_eraser(settings: Settings, objects: ObjectStore | None = None) -> Gallery:
    """Open the gallery of the function that erases from job folders and migrates collections.

    It loads networks only when it needs them.

    Args:
        settings: Settings of the deployment.
        objects: Reads the photos that callers name; by default, it reads photos only of stored
            faces.

    Raises:
        FacerecError: A setting is missing or wrong, or a store cannot be opened.
    """
    objects = objects or Objects(AccessPolicy(buckets=frozenset()))
    # Exports contain thumbnails of stored faces; the role limits which photos can be read.
    return _deployed_gallery(
        settings,
        {recipe.value: engines.open_local_engine(recipe) for recipe in Recipe},
        objects,
        indexed_objects=Objects(),
    )


def open_clustering_gallery(settings: Settings) -> Gallery:
    """Open the gallery of the container that clusters faces; it loads no network.

    Raises:
        FacerecError: A setting is missing or wrong, or a store cannot be opened.
    """
    objects = Objects(AccessPolicy(buckets=frozenset()))
    recipes = {recipe.value: engines.open_local_engine(recipe) for recipe in Recipe}
    return _deployed_gallery(settings, recipes, objects)


def _deployed_gallery(
    settings: Settings,
    recipes: dict[str, FaceEngine],
    objects: ObjectStore,
    *,
    patience: float | None = None,
    start: Callable[[str], None] | None = None,
    indexed_objects: ObjectStore | None = None,
) -> Gallery:
    from facerec.gallery.gallery import Gallery
    from facerec.jobs.job_data import JobFolders

    jobs_root = settings.jobs_root
    faces, records, clusters = open_stores(settings, patience=patience)
    erasures = open_erasures(settings.erasures_root, start)
    return Gallery(
        recipes[Recipe.FAST],
        recipes=recipes,
        faces=faces,
        records=records,
        clusters=clusters,
        migrations=open_migrations(settings, faces, records),
        registrations=records,
        matches_registered=settings.event_bus is not None,
        objects=objects,
        indexed_objects=indexed_objects,
        job_data=JobFolders(open_job_objects(settings), jobs_root, erasures),
        erasures=erasures,
        defaults=gallery_defaults(settings),
        attributes=engines.open_attribute_networks(),
    )


def gallery_defaults(settings: Settings) -> GalleryDefaults:
    """Return the defaults of the operations in a deployment."""
    from facerec.core.options import FaceOptions
    from facerec.gallery.defaults import GalleryDefaults

    return GalleryDefaults(
        FaceOptions(max_faces=settings.max_faces, min_confidence=settings.min_confidence),
        settings.similarity_threshold,
    )


def open_event_delivery(settings: Settings) -> tuple[EventBus, EventDelivery]:
    """Open the event bus of a deployment, and the delivery of events to it.

    Raises:
        FacerecError: A setting is missing or wrong, or a store cannot be opened.
    """
    from facerec.gallery.registered.delivering import EventDelivery
    from facerec.storage.event_bus import MAX_ENTRIES, open_event_bus

    bus = open_event_bus(config.required_setting(settings.event_bus, "EVENT_BUS"))
    faces, records, _ = open_stores(settings)

    def is_stored(event: MatchEvent) -> bool:
        return bool(faces.get_faces(event.collection_id, [event.face_id]))

    return bus, EventDelivery(records, bus.send, at_once=MAX_ENTRIES, is_stored=is_stored)
