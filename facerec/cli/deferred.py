"""Modules that commands import on first use, so that ``--help`` is fast."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import platformdirs

    from facerec import factory
    from facerec.core import erasures, names
    from facerec.estimate import estimating
    from facerec.estimate import prices as price_tables
    from facerec.gallery import subjects
    from facerec.gallery.migrating import migration_results
    from facerec.gallery.operations import retention
    from facerec.gallery.presenting import collections as presenting_collections
    from facerec.gallery.presenting import faces as presenting_faces
    from facerec.gallery.presenting import migrations as presenting_migrations
    from facerec.gallery.presenting import people as presenting_people
    from facerec.gallery.presenting import search as presenting_search
    from facerec.jobs import service as job_service
    from facerec.storage import access_keys
    from facerec.storage.objects import protocol as objects
else:
    from facerec.core.deferred import DeferredModule

    access_keys = DeferredModule("facerec.storage.access_keys")
    erasures = DeferredModule("facerec.core.erasures")
    estimating = DeferredModule("facerec.estimate.estimating")
    factory = DeferredModule("facerec.factory")
    job_service = DeferredModule("facerec.jobs.service")
    migration_results = DeferredModule("facerec.gallery.migrating.migration_results")
    names = DeferredModule("facerec.core.names")
    objects = DeferredModule("facerec.storage.objects.protocol")
    platformdirs = DeferredModule("platformdirs")
    presenting_collections = DeferredModule("facerec.gallery.presenting.collections")
    presenting_faces = DeferredModule("facerec.gallery.presenting.faces")
    presenting_migrations = DeferredModule("facerec.gallery.presenting.migrations")
    presenting_people = DeferredModule("facerec.gallery.presenting.people")
    presenting_search = DeferredModule("facerec.gallery.presenting.search")
    price_tables = DeferredModule("facerec.estimate.prices")
    retention = DeferredModule("facerec.gallery.operations.retention")
    subjects = DeferredModule("facerec.gallery.subjects")

__all__ = [
    "access_keys",
    "erasures",
    "estimating",
    "factory",
    "job_service",
    "migration_results",
    "names",
    "objects",
    "platformdirs",
    "presenting_collections",
    "presenting_faces",
    "presenting_migrations",
    "presenting_people",
    "presenting_search",
    "price_tables",
    "retention",
    "subjects",
]
