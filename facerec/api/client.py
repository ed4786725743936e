"""Makes Rekognition clients sign their requests for API Gateway with IAM authorisation."""

from __future__ import annotations

from typing import Any


def sign_for_api_gateway(client: Any) -> Any:  # noqa: ANN401 - boto3 has no static types
    """Make a Rekognition client of boto3 sign its requests for API Gateway, and return it.

    Rekognition's clients sign for the service ``rekognition``; API Gateway with IAM demands
    ``execute-api``. Nothing else about the client changes:

        client = boto3.client("rekognition", endpoint_url="https://...amazonaws.com/v1")
        sign_for_api_gateway(client)
        client.list_collections()

    Args:
        client: boto3's client; its region must be the API's region.
    """

    def scope(context: dict[str, Any], **_: object) -> str:
        context["signing"] = {**context.get("signing", {}), "signing_name": "execute-api"}
        return "v4"

    client.meta.events.register("choose-signer.rekognition", scope)
    return client
