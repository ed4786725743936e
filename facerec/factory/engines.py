"""Builds the engines, and the estimator of attributes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from facerec.config import Settings
    from facerec.core.protocols.engine import AttributeEstimator, FaceEngine
    from facerec.engine.pool import EnginePool


def open_local_engine() -> FaceEngine:
    """Open the engine of a program that processes one photo at a time.

    Its modules are imported at the first use, and each network is loaded when it is first needed.
    """
    from facerec.engine.deferred import DeferredEngine

    return DeferredEngine(_import_engine, read_model_version)


def _import_engine() -> FaceEngine:
    from facerec.engine.engine import open_engine

    return open_engine()


def read_model_version() -> str:
    """Return the model version of the engine of this machine; loads no network."""
    from facerec.engine.describe.version import model_version

    return model_version()


def open_deployed_engine(settings: Settings) -> FaceEngine:
    """Open the engine of a deployment, which processes one photo at a time."""
    from facerec.engine.engine import open_engine

    return open_engine(threads=settings.threads)


def open_engine_pool(size: int) -> EnginePool:
    """Return an engine that processes several photos concurrently, each in one thread."""
    from facerec.engine.engine import open_engine
    from facerec.engine.pool import EnginePool

    return EnginePool([open_engine(threads=1) for _ in range(size)])


def open_checked_engine(threads: int) -> FaceEngine:
    """Open the engine of a job, and check that it finds faces before it processes any photo.

    Raises:
        ConfigurationError: the engine does not find a face that it must find.
    """
    from facerec.engine.engine import open_engine
    from facerec.engine.self_check import check_engine

    engine = open_engine(threads=threads)
    check_engine(engine)
    return engine


def open_attribute_networks() -> AttributeEstimator:
    """Open the estimator of age and gender; its networks are loaded when they are first needed."""
    from facerec.engine.deferred import DeferredAttributes

    return DeferredAttributes(_import_attributes)


def _import_attributes() -> AttributeEstimator:
    from facerec.engine.attributes import AttributeNetworks

    return AttributeNetworks(threads=1)
