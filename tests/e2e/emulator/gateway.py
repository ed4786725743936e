"""API Gateway as it is documented, where ministack is kinder.

- A stage serves the methods that its deployment holds; what is imported later takes effect with the
  next deployment:
  https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-deploy-api.html
- An update of an API's body overwrites the API (``PutRestApi``, mode ``overwrite``):
  https://docs.aws.amazon.com/apigateway/latest/api/API_PutRestApi.html
- "The Authorization header is dropped if it contains a Signature Version 4 signature or if AWS_IAM
  authorization is used to secure the API method":
  https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html
- ``x-amazon-apigateway-binary-media-types`` has the binary media types of the API:
  https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions-binary-media-types.html
- ``x-amazon-apigateway-any-method`` stands for any method:
  https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions-any-method.html
"""

# ruff: noqa: ANN401 - JSON
from __future__ import annotations

import base64
import copy
import json
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

import ministack.services.apigateway_v1 as ministack_gateway
import ministack.services.cloudformation.provisioners as provisioners

ANY = "x-amazon-apigateway-any-method"
BINARY_TYPES = "x-amazon-apigateway-binary-media-types"

_SERVED: ContextVar[dict[str, Any] | None] = ContextVar("served", default=None)
"""Resources of the stage of the current request."""


def install() -> None:
    """Replace what differs from API Gateway."""
    _import_any_methods()
    _import_binary_types()
    _serve_deployments()
    _overwrite_bodies()
    _drop_signatures()
    _read_tokens()


def passed_headers(headers: Mapping[str, Any], authorization: str) -> dict[str, Any]:
    """Return the headers of a request that reach the integration.

    Args:
        headers: Headers of the request.
        authorization: Authorization of the method, such as ``AWS_IAM``.
    """
    return {
        name: value
        for name, value in headers.items()
        if name.lower() != "authorization"
        or not (authorization == "AWS_IAM" or str(value).startswith("AWS4-"))
    }


def _import_any_methods() -> None:
    ministack_gateway._OPENAPI_HTTP_METHODS.add("any")
    import_path_item = ministack_gateway._import_path_item

    def import_all(api_id: str, path: str, item: dict[str, Any], *others: object) -> None:
        named = {"any" if name == ANY else name: method for name, method in item.items()}
        import_path_item(api_id, path, named, *others)

    ministack_gateway._import_path_item = import_all


def _import_binary_types() -> None:
    import_api = ministack_gateway._import_rest_api

    def import_all(spec: dict[str, Any], base: dict[str, Any] | None = None) -> Any:
        types = spec.get(BINARY_TYPES) or []
        return import_api(spec, {**(base or {}), "binaryMediaTypes": types})

    ministack_gateway._import_rest_api = import_all


def _serve_deployments() -> None:
    snapshots: dict[tuple[str, str], dict[str, Any]] = {}
    create = ministack_gateway._create_deployment
    execute = ministack_gateway._execute_in_scope
    match, match_greedy = (
        ministack_gateway._match_resource_tree,
        ministack_gateway._match_greedy_fallback,
    )

    def create_deployment(api_id: str, data: Any) -> Any:
        answer = create(api_id, data)
        if answer[0] < 300:
            newest = list(ministack_gateway._deployments_v1[api_id])[-1]
            snapshots[api_id, newest] = copy.deepcopy(ministack_gateway._resources[api_id])
        return answer

    async def execute_deployed(request: Any, api_id: str, stage_name: str, *others: Any) -> Any:
        stage = ministack_gateway._stages_v1.get(api_id, {}).get(stage_name) or {}
        token = _SERVED.set(snapshots.get((api_id, stage.get("deploymentId", ""))))
        try:
            return await execute(request, api_id, stage_name, *others)
        finally:
            _SERVED.reset(token)

    def served(find: Any) -> Any:
        def find_served(api_id: str, *others: Any) -> Any:
            snapshot = _SERVED.get()
            if snapshot is None:
                return find(api_id, *others)
            live = ministack_gateway._resources[api_id]
            ministack_gateway._resources[api_id] = snapshot
            try:
                return find(api_id, *others)
            finally:
                ministack_gateway._resources[api_id] = live

        return find_served

    ministack_gateway._create_deployment = create_deployment
    ministack_gateway._execute_in_scope = execute_deployed
    ministack_gateway._match_resource_tree = served(match)
    ministack_gateway._match_greedy_fallback = served(match_greedy)


def _overwrite_bodies() -> None:
    update = provisioners._apigw_rest_api_update
    stores = (ministack_gateway._resources, ministack_gateway._authorizers_v1)

    def overwrite(
        physical_id: str, old: Any, new: Any, stack_name: str, logical_id: str | None = None
    ) -> Any:
        if new.get("Body") == old.get("Body"):
            return update(physical_id, old, new, stack_name, logical_id)
        made, _ = provisioners._apigw_rest_api_create(logical_id or physical_id, new, stack_name)
        for store in stores:
            # Methods of the deployment before may still name the authorizers before.
            kept = store.get(physical_id, {}) if store is stores[1] else {}
            store[physical_id] = {**kept, **store.pop(made, {})}
        ministack_gateway._delete_rest_api(made)
        return physical_id, provisioners._apigw_rest_api_attrs(physical_id)

    provisioners._apigw_rest_api_update = overwrite
    provisioners._RESOURCE_HANDLERS["AWS::ApiGateway::RestApi"]["update"] = overwrite


def _drop_signatures() -> None:
    invoke = ministack_gateway._invoke_lambda_proxy_v1

    async def invoke_without(*arguments: Any, **named: Any) -> Any:
        resource, _, method, sent = arguments[4:8]
        methods = resource.get("resourceMethods", {})
        called = methods.get(method) or methods.get("ANY") or {}
        headers = passed_headers(sent, called.get("authorizationType") or "NONE")
        return await invoke(*arguments[:7], headers, *arguments[8:], **named)

    ministack_gateway._invoke_lambda_proxy_v1 = invoke_without


def _read_tokens() -> None:
    """Take tokens of a user pool by their issuer; their signatures are not checked here."""

    async def validate(
        authorizer: Any, _method: Any, headers: Any, query_params: Any, stage: Any
    ) -> Any:
        token = ministack_gateway._cognito_token_from_request(
            authorizer, headers, query_params, stage
        )
        try:
            body = (token or "").split(".")[1]
            claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        except (IndexError, ValueError):
            claims = {}
        if claims.get("iss") in ministack_gateway._cognito_pool_issuers(authorizer):
            return claims, None
        return None, ministack_gateway._gw_error("UNAUTHORIZED", "Unauthorized")

    ministack_gateway._validate_cognito_authorizer = validate
