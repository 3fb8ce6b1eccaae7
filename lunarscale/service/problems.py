"""Every error as ``application/problem+json`` (RFC 9457), from one table of errors to statuses."""

import http
import json
import logging
import re
import uuid
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from lunarscale.errors import (
    AccessError,
    BusyError,
    ClusterError,
    ConflictError,
    FormatError,
    FullError,
    IncompleteError,
    LimitError,
    LunarscaleError,
    ModelError,
    ParametersError,
    PlanError,
    RateError,
    RegionError,
    RequestError,
    RightError,
    ServiceError,
    SourceError,
    StationError,
    StoreError,
    TileError,
    TornError,
    TrainingError,
    UnavailableError,
    UnknownError,
)
from lunarscale.service.wording import for_callers

MEDIA_TYPE = "application/problem+json"

#: Status and title of each error; one that is not here has its base's. Bad input is the caller's
#: (4xx), what is wrong with a store or a cluster is the service's (5xx).
STATUS: dict[type[LunarscaleError], tuple[int, str]] = {
    RequestError: (400, "The request says something impossible"),
    AccessError: (401, "A token is needed"),
    RightError: (403, "The token's role is too small"),
    UnknownError: (404, "There is nothing of that name"),
    BusyError: (409, "Another run writes to the store"),
    ConflictError: (409, "What is there already stands against it"),
    FormatError: (409, "What is there is no store that can be read"),
    ParametersError: (409, "The store was made with other parameters"),
    LimitError: (413, "More than the service gives at once"),
    ModelError: (422, "The model cannot be used"),
    PlanError: (422, "The work does not fit the machine"),
    RegionError: (422, "This is no part of the map"),
    SourceError: (422, "The input cannot be used"),
    StationError: (422, "The table of stations cannot be used"),
    TileError: (422, "A tile cannot be read"),
    TrainingError: (422, "The training cannot run"),
    StoreError: (409, "The store cannot be used as asked"),
    RateError: (429, "Too many requests"),
    IncompleteError: (500, "The run ended incomplete"),
    FullError: (507, "The disk is full"),
    TornError: (503, "A shard of the store is torn"),
    ClusterError: (503, "The cluster cannot be reached"),
    UnavailableError: (503, "Not just now"),
    ServiceError: (500, "The service cannot do it"),
    LunarscaleError: (500, "The service cannot do it"),
}

_log = logging.getLogger("lunarscale.service")


class Problem(BaseModel):
    """What went wrong."""

    type: str = Field("about:blank", description="Name of the error.", examples=["UnknownError"])
    title: str = Field(description="The kind of problem.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="One sentence: what was found, and what to do.")
    instance: str = Field(description="The path that was asked for.")


#: For ``responses=`` of a route: what its errors look like in the API's description.
def told(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The description of a route's errors, for its ``responses``."""
    return {
        status: {
            "description": http.HTTPStatus(status).phrase,
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in statuses
    }


def problem_of(error: LunarscaleError) -> tuple[int, str]:
    """Status and title of an error: its own, or its nearest base's."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def respond(
    path: str, status: int, detail: str, *, title: str | None = None, kind: str = "about:blank",
    headers: Mapping[str, str] | None = None,
) -> Response:  # fmt: skip
    """A problem as a response.

    Parameters
    ----------
    path : str
        What was asked for.
    status : int
    detail : str
        One sentence.
    title, kind : str, optional
        The status's own by default.
    headers : mapping, optional
    """
    body = {
        "type": kind,
        "title": title or http.HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "instance": path[:200],
    }
    # ASCII: what a client sent may hold halves of characters
    return Response(json.dumps(body), status, dict(headers or {}), MEDIA_TYPE)


def respond_to(path: str, error: LunarscaleError, *, data_dir: str = "") -> Response:
    """An error of ours as a response."""
    status, title = problem_of(error)
    headers = {"WWW-Authenticate": 'Bearer realm="lunarscale"'} if status == 401 else {}
    retry = getattr(error, "retry_after_s", None)
    if retry is not None:
        headers["Retry-After"] = str(retry)
    detail = worded(str(error), data_dir)
    return respond(
        path, status, detail, title=title, kind=type(error).__name__, headers=headers
    )  # fmt: skip


_PATH = re.compile(r"(?<![\w/:.])(?:/[\w.+@~-]+){2,}/?")


def worded(sentence: str, data_dir: str = "") -> str:
    """A sentence of a step for callers: in the words of the API, without this machine's paths."""
    return without_paths(for_callers(sentence), data_dir)


def without_paths(sentence: str, data_dir: str = "") -> str:
    """A sentence for strangers: of this machine's paths only what lies in the data's folder.

    Parameters
    ----------
    sentence : str
    data_dir : str
        ``/data/moon/maps.zarr/FeO`` is told as ``maps.zarr/FeO``; of other paths their last name.
    """
    if data_dir:
        sentence = sentence.replace(f"{data_dir}/", "")
    return _PATH.sub(
        lambda found: (
            found[0] if found[0].startswith("/api/") else found[0].rstrip("/").rpartition("/")[2]
        ),
        sentence,
    )


def crashed(path: str) -> Response:
    """The response to a fault of ours, which is logged with its number; call it in ``except``."""
    number = uuid.uuid4().hex[:12]
    _log.exception("error %s at %s", number, path)
    return respond(
        path, 500, f"the service failed at this; its log has the details under {number}"
    )  # fmt: skip


def install(app: FastAPI, data_dir: str) -> None:
    """Make an app answer all its errors like this."""

    async def ours(request: Request, error: Exception) -> Response:
        assert isinstance(error, LunarscaleError)
        if problem_of(error)[0] >= 500:
            _log.warning("%s at %s: %s", type(error).__name__, request.scope["path"], error)
        return respond_to(request.scope["path"], error, data_dir=data_dir)

    async def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return respond(request.scope["path"], 422, _worded(error), title="The request is not valid")

    async def of_http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        detail = _OF_HTTP.get(error.status_code, str(error.detail))
        return respond(request.scope["path"], error.status_code, detail, headers=error.headers)

    app.add_exception_handler(LunarscaleError, ours)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, of_http)


_OF_HTTP = {
    400: "the body cannot be read; send what /openapi.json describes",
    404: "there is nothing at this address; /openapi.json lists what there is",
    405: "this address does not take that method; the header Allow lists those it takes",
}


def _worded(error: RequestValidationError) -> str:
    """Where and why a request is not what it should be, the first three faults."""
    parts = []
    for fault in error.errors()[:3]:
        place = ".".join(str(step) for step in fault["loc"] if not isinstance(step, int))
        parts.append(f"{place[:120]}: {str(fault['msg'])[:200]}")
    return f"{'; '.join(parts)}; send what /openapi.json describes"
