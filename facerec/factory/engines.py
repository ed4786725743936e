"""Builds the engines, and the estimator of attributes."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from facerec.core.deferred import DeferredModule
from facerec.core.options import Recipe, checked_recipe

if TYPE_CHECKING:
    from facerec.config import Settings
    from facerec.core.protocols.engine import AttributeEstimator, FaceEngine
    from facerec.engine import deferred
    from facerec.engine import engine as engines
    from facerec.engine.pool import EnginePool
else:
    deferred = DeferredModule("facerec.engine.deferred")
    engines = DeferredModule("facerec.engine.engine")


def ordered_recipes(first: str | None = None) -> list[str]:
    """Return the names of all recipes, beginning with ``first`` or the default.

    Raises:
        RecipeUnavailableError: ``first`` is not a recipe.
    """
    names = [recipe.value for recipe in Recipe]
    if first is not None:
        checked_recipe(first, names)
    return sorted(names, key=lambda name: name != first)


def open_local_engine(recipe: str = Recipe.FAST) -> FaceEngine:
    """Open an engine for a program that processes at most one photo at a time.

    Its modules are imported at the first use, and each network is loaded when it is first needed.
    """
    return deferred.DeferredEngine(
        partial(_import_engine, recipe), partial(read_model_version, recipe)
    )


def _import_engine(recipe: str) -> FaceEngine:
    return engines.open_engine(recipe=Recipe(recipe))


def read_model_version(recipe: str = Recipe.FAST) -> str:
    """Return the model version of a recipe on this machine; loads no network.

    Raises:
        WeightsError: A file of weights is missing or cannot be used.
    """
    from facerec.engine.describe.version import model_version

    return model_version(Recipe(recipe))


def read_model_versions(first: str | None = None) -> dict[str, str]:
    """Return the model version of each recipe, in the order of ``ordered_recipes``.

    Raises:
        RecipeUnavailableError: ``first`` is not a recipe.
        WeightsError: A file of weights is missing or cannot be used.
    """
    return {recipe: read_model_version(recipe) for recipe in ordered_recipes(first)}


def recipe_of(model_version: str) -> str:
    """Return the recipe of a model version; ``fast`` if no recipe has it.

    Raises:
        WeightsError: A file of weights is missing or cannot be used.
    """
    for recipe, version in read_model_versions().items():
        if version == model_version:
            return recipe
    return Recipe.FAST


def versions_by_recipe(fast: str) -> dict[str, str]:
    """Return the model version of each recipe, derived from that of ``fast``; reads no weights.

    Args:
        fast: The model version of the recipe ``fast``. If it is not one of this release, the result
            contains only it.
    """
    from facerec.engine.describe.recipe import VERSIONS

    if not fast.endswith(VERSIONS[Recipe.FAST]):
        return {Recipe.FAST: fast}
    stem = fast.removesuffix(VERSIONS[Recipe.FAST])
    return {recipe.value: f"{stem}{own}" for recipe, own in VERSIONS.items()}


def open_deployed_engine(settings: Settings, recipe: str = Recipe.FAST) -> FaceEngine:
    """Open an engine of a deployment, which processes one photo at a time.

    Each network is loaded when it is first needed.
    """
    return engines.open_engine(threads=settings.threads, recipe=Recipe(recipe))


def open_engine_pool(size: int, recipe: str = Recipe.FAST) -> EnginePool:
    """Return an engine that processes up to ``size`` photos concurrently, each in one thread."""
    from facerec.engine.pool import EnginePool

    return EnginePool([engines.open_engine(threads=1, recipe=Recipe(recipe)) for _ in range(size)])


def open_checked_engine(threads: int, recipe: str = Recipe.FAST) -> FaceEngine:
    """Open the engine of a job, and check that it finds faces before it processes any photo.

    Raises:
        MachineError: The engine does not find a face that it must find.
        WeightsError: A file of weights is missing or cannot be used.
    """
    from facerec.engine.self_check import check_engine

    engine = engines.open_engine(threads=threads, recipe=Recipe(recipe))
    check_engine(engine)
    return engine


def open_attribute_networks() -> AttributeEstimator:
    """Open the estimator of age and gender; its networks are loaded when they are first needed."""
    return deferred.DeferredAttributes(_import_attributes)


def _import_attributes() -> AttributeEstimator:
    from facerec.engine.attributes import AttributeNetworks

    return AttributeNetworks(threads=1)
