"""Clients of boto3 that are created quickly, since every test on AWS creates some."""

# ruff: noqa: ANN401 - boto3 has no static types
from __future__ import annotations

import functools
from typing import Any

import botocore.client
import botocore.endpoint_provider
import botocore.hooks
import botocore.session


def create_clients_fast() -> None:
    """Let this process derive what depends only on the models of the services once.

    moto makes boto3 forget its session, and each store has clients and a session of its own:
    without this, they take longer than most tests.
    """
    # Reads the models.
    botocore.session.create_loader = functools.cache(botocore.session.create_loader)
    _share_methods()
    _share_rules()
    _share_names_of_events()


def _share_methods() -> None:
    """Share the methods of clients of one service, which have generated docstrings."""
    creator = botocore.client.ClientCreator
    create, created = creator._create_methods, dict[str, dict[str, Any]]()

    def create_once(self: Any, model: Any) -> dict[str, Any]:
        if model.service_name not in created:
            created[model.service_name] = create(self, model)
        return dict(created[model.service_name])

    creator._create_methods = create_once


def _share_rules() -> None:
    """Share the rules that lead to the endpoint of a service; the loader has one object of each."""
    provider = botocore.endpoint_provider
    read, shared = provider.RuleSet, dict[int, tuple[Any, Any]]()

    def read_once(**rules: Any) -> Any:
        key = id(rules["rules"])
        if key not in shared:
            # With what the key identifies, so that nothing else gets its id.
            shared[key] = rules["rules"], read(**rules)
        return shared[key][1]

    provider.RuleSet = read_once


def _share_names_of_events() -> None:
    """Share the names that events have on behalf of older ones, and what their handlers accept."""
    hooks = botocore.hooks
    rename = functools.cache(hooks.EventAliaser(None)._alias_event_name)
    hooks.EventAliaser._alias_event_name = lambda _self, name: rename(name)
    accepts = functools.cache(hooks.accepts_kwargs)
    # A method of a client must not be kept, or else the client is.
    hooks.accepts_kwargs = lambda handler: accepts(getattr(handler, "__func__", handler))
