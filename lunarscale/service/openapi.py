"""The API's description of itself, in which errors are what they are: problem+json."""

from typing import Any

from fastapi import FastAPI

from lunarscale.service.problems import MEDIA_TYPE, Problem

#: FastAPI's own description of a request that is not valid, which ours takes the place of.
_ITS_OWN = ("HTTPValidationError", "ValidationError")

_PROBLEM = {"schema": {"$ref": "#/components/schemas/Problem"}}


class DescribedApp(FastAPI):
    """An app whose description tells every error as a ``Problem``."""

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document, made once."""
        if self.openapi_schema is None:
            self.openapi_schema = _with_problems(super().openapi())
        return self.openapi_schema


def _with_problems(document: dict[str, Any]) -> dict[str, Any]:
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for name in _ITS_OWN:
        schemas.pop(name, None)
    schemas["Problem"] = Problem.model_json_schema()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if "security" in operation and (method == "get" or path.endswith("/statistics")):
                operation["security"].append({})  # a token is needed where reading is private
            responses = operation["responses"]
            if "422" in responses:
                responses["422"] = {
                    "description": "The request is not valid",
                    "content": {MEDIA_TYPE: _PROBLEM},
                }
            responses["default"] = {
                "description": "Any other problem",
                "content": {MEDIA_TYPE: _PROBLEM},
            }
    return document
