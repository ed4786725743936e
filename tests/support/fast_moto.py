"""moto's answers without what it derives again for each value of each answer."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

import botocore.useragent
import moto.core.models
import moto.core.responses
from moto.core import serialize


def answer_fast() -> None:
    """Let this process derive what depends only on the code and models of the services once.

    A quarter of the time of an emulated request goes into it otherwise.
    """
    # Patterns of addresses for the library `requests`, of which nothing here makes use.
    moto.core.models.RESPONSES_METHODS = []
    for picker in (serialize.AttributePicker, serialize.XFormedAttributePicker):
        _remember_keys(picker)
    methods = moto.core.responses.method_names_from_class
    moto.core.responses.method_names_from_class = functools.cache(methods)
    sanitize = botocore.useragent.sanitize_user_agent_string_component
    botocore.useragent.sanitize_user_agent_string_component = functools.cache(sanitize)


def _remember_keys(picker: type[serialize.AttributePicker]) -> None:
    """Remember under which keys an object may have a value, which its type and the model decide."""
    derive, known = picker.get_possible_keys, dict[tuple[Any, ...], tuple[Any, ...]]()

    def get_possible_keys(
        self: serialize.AttributePicker, context: serialize.AttributePickerContext
    ) -> Iterator[str]:
        shape = context.shape
        parent = getattr(shape, "parent", None)
        of = (*self.alias_providers, type(context.obj), context.key, id(shape), id(parent))
        if of not in known:
            # With the shapes, so that nothing else gets their ids.
            known[of] = tuple(derive(self, context)), shape, parent
        return iter(known[of][0])

    picker.get_possible_keys = get_possible_keys  # type: ignore[method-assign, assignment]
