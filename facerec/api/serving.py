"""Runs the server of one machine: the application in uvicorn, with the embedded store."""

from __future__ import annotations

import faulthandler
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import FrameType
from typing import IO

import uvicorn

from facerec.api.access_log import Access
from facerec.api.app import AppSettings, create_app
from facerec.api.auth.access import Guard
from facerec.api.auth.local import LOOPBACK_NAMES, LoopbackGuard, TokenGuard
from facerec.api.auth.sigv4 import SignatureGuard
from facerec.api.connections import BoundedProtocol
from facerec.api.limits import GRACE_SECONDS, KEEP_ALIVE_SECONDS, MAX_GRACE_SECONDS
from facerec.core.cores import available_cores
from facerec.core.protocols.engine import FaceEngine
from facerec.errors import InvalidInputError
from facerec.factory import (
    jobs_root_of,
    open_engine_pool,
    open_local_jobs,
    open_local_store,
    open_server_gallery,
    ordered_recipes,
)
from facerec.gallery.registered.delivering import EventDelivery, one_by_one
from facerec.storage.objects import AccessPolicy
from facerec.storage.sqlite import SqliteStore
from facerec.storage.webhook import Webhook


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Settings of a server.

    Attributes:
        host: The address to listen on.
        port: The port; 0 for a free one.
        data: The folder of faces and jobs.
        folders: Local folders that are served as buckets, by the bucket's name.
        s3_buckets: Buckets in S3 that can be read; None for all that the credentials allow.
        token: Token that requests without a signature must have, or None on loopback.
        origins: Origins of web pages that can call the API.
        keep_alive: Seconds after which an idle connection is closed.
        recipe: Recipe of new collections; None for ``fast``.
        webhook: Receives the events of registered people; None keeps them in the outbox.
        keep_thumbnails: Whether requests to index a photo keep thumbnails of its faces.
        placeholders: Whether to return placeholders for attributes of Rekognition that are unknown.
        attributes_note: Note to print below the address if age and gender cannot be estimated.
    """

    host: str
    port: int
    data: Path
    folders: Mapping[str, Path] = field(default_factory=dict)
    s3_buckets: frozenset[str] | None = None
    token: str | None = field(default=None, repr=False)
    origins: Sequence[str] = ()
    keep_alive: int = KEEP_ALIVE_SECONDS
    recipe: str | None = None
    placeholders: bool = False
    webhook: Webhook | None = None
    attributes_note: str = ""
    keep_thumbnails: bool = False


def run_server(settings: ServerSettings, engine: FaceEngine | None = None) -> None:
    """Serve until Ctrl-C or SIGTERM, then give running requests ``GRACE_SECONDS`` to finish.

    If they do not end, the process exits with code 1, without cleanup, at most
    ``MAX_GRACE_SECONDS`` after the signal.

    Args:
        settings: How to serve.
        engine: The only engine; by default a pool with one engine per core for each recipe.

    Raises:
        InvalidInputError: The server cannot listen on the address.
        FacerecError: The data folder, or an engine of a recipe, cannot be opened.
    """
    cores = available_cores()
    recipes: dict[str, FaceEngine] = {}
    if engine is None:
        recipes = {each: open_engine_pool(cores, each) for each in ordered_recipes(settings.recipe)}
        engine = next(iter(recipes.values()))
    policy = AccessPolicy(settings.folders, settings.s3_buckets, jobs_root_of(settings.data))
    with open_local_store(settings.data) as store:
        jobs = open_local_jobs(settings.data, workers=cores, policy=policy, recipe=settings.recipe)
        gallery = open_server_gallery(
            settings.data,
            store,
            engine,
            policy,
            recipes=recipes,
            keep_thumbnails=settings.keep_thumbnails,
        )
        app = create_app(
            gallery,
            AppSettings(
                _guard(settings, store),
                jobs=jobs,
                origins=settings.origins,
                placeholders=settings.placeholders,
                access_log=_print_access,
            ),
        )
        server = _Server(
            uvicorn.Config(
                app,
                host=settings.host,
                port=settings.port,
                log_level="warning",
                access_log=False,
                timeout_graceful_shutdown=GRACE_SECONDS,
                timeout_keep_alive=settings.keep_alive,
                http=BoundedProtocol,
                ws="none",
                server_header=False,
                lifespan="off",
            )
        )
        if not gallery.estimates_attributes:
            server.note = settings.attributes_note
        try:
            with _delivery(settings, store):
                server.run()
        except SystemExit as error:
            # uvicorn exits like this if it cannot listen; the reason is in its log
            raise InvalidInputError(
                f"cannot listen on {settings.host}:{settings.port}",
                "choose another port or address",
            ) from error
        finally:
            jobs.close()


class _Server(uvicorn.Server):
    """uvicorn's server; prints its address, and stops in limited time after a signal."""

    note = ""
    _is_ending = False

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        if not self._is_ending:
            self._is_ending = True
            # A thread cannot be ended, and the interpreter would wait for it. This timer ends the
            # process even while a C library holds the interpreter's lock, as decoders do for
            # seconds; a Python thread would wait for the lock.
            seconds = (GRACE_SECONDS + MAX_GRACE_SECONDS) / 2
            faulthandler.dump_traceback_later(seconds, exit=True, file=self._nowhere)

    @cached_property
    def _nowhere(self) -> IO[str]:
        """The null device, where ``faulthandler`` writes its traceback; it must stay open."""
        return Path(os.devnull).open("w", encoding="utf-8")

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            for server in self.servers:
                for listener in server.sockets:
                    host, port = listener.getsockname()[:2]
                    shown = f"[{host}]" if ":" in host else host
                    print(f"facerec serves http://{shown}:{port}", file=sys.stderr, flush=True)  # noqa: T201
            if self.note:
                print(self.note, file=sys.stderr, flush=True)  # noqa: T201

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        # uvicorn's own handler would raise the signal again at the end, and skip the caller's
        # cleanup.
        before = {
            number: signal.signal(number, self.handle_exit)
            for number in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _print_access(access: Access) -> None:
    """Print a line about a request; escape the collection id, which may contain any character."""
    collection = "" if access.collection_id is None else f" {access.collection_id!a}"
    print(  # noqa: T201
        f"{access.status} {access.operation or 'other'}{collection} {1000 * access.seconds:.0f} ms",
        file=sys.stderr,
        flush=True,
    )


def _delivery(settings: ServerSettings, store: SqliteStore) -> AbstractContextManager[object]:
    if settings.webhook is None:
        return nullcontext()
    return EventDelivery(store, one_by_one(settings.webhook.send))


def _guard(settings: ServerSettings, store: SqliteStore) -> Guard:
    if settings.token is None:
        origins = frozenset(settings.origins)
        return LoopbackGuard(LOOPBACK_NAMES | {settings.host.lower()}, origins)
    return TokenGuard(settings.token, SignatureGuard(store.get_access_key, time.time))
