"""Methods of API Gateway that stand for any method, in an OpenAPI document."""

from __future__ import annotations

from typing import Any

import ministack.services.apigateway_v1 as ministack_gateway

ANY = "x-amazon-apigateway-any-method"
"""https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions-any-method.html"""


def install() -> None:
    """Let an imported API have them; ministack leaves them out."""
    ministack_gateway._OPENAPI_HTTP_METHODS.add("any")
    import_path_item = ministack_gateway._import_path_item

    def import_all(api_id: str, path: str, item: dict[str, Any], *others: object) -> None:
        named = {"any" if name == ANY else name: method for name, method in item.items()}
        import_path_item(api_id, path, named, *others)

    ministack_gateway._import_path_item = import_all
