"""Requests that schemathesis makes up from the API's own description: whatever comes, no 5xx.

Answers must be of a status, media type and shape that the description promises.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jobs_at_hand import PATIENCE_S
from maps_at_hand import write_maps
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from service_at_hand import Live, Tokens, serving, settings_for

from lunarscale.grid.raster import RasterGrid

#: Requests of an operation, well formed and as many not; ``LUNARSCALE_FUZZ=50`` looks longer.
EXAMPLES = int(os.environ.get("LUNARSCALE_FUZZ", "3"))

#: Letters of a request.
LONGEST = 6_000

#: Seconds of this process for all of them: the machine may be busy with other things.
BUDGET_S = 12.0 * EXAMPLES

CHECKS = [
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory, tokens: Tokens) -> Iterator[Live]:
    """A service on a little store, for an admin who may ask as often as he likes."""
    folder: Path = tmp_path_factory.mktemp("fuzzed")
    counts = {"FeO": np.arange(32 * 64, dtype=np.int16).reshape(32, 64)}
    write_maps(folder / "maps.zarr", counts, RasterGrid(64, 0, 0, 32, 64))
    limits = dict.fromkeys(("requests_a_minute", "requests_at_once", "costly_a_minute"), 10**6)
    with serving(settings_for(folder, limits=limits), tokens.kept) as live:
        yield live


def test_whatever_is_asked_the_service_answers_as_it_promised(live: Live, tokens: Tokens) -> None:
    schema = schemathesis.openapi.from_dict(live.app.openapi())
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) >= 10
    folder = str(live.app.state.house.settings.data_dir)
    begun, asked = process_time(), dict.fromkeys((each.label for each in operations), 0)

    def ask(case: Any, known: bool) -> None:
        if process_time() - begun > BUDGET_S:
            return
        if known and "name" in (case.path_parameters or {}):
            case.path_parameters["name"] = "maps.zarr"
        if len(case.as_curl_command()) > LONGEST:
            return  # the door's affair (``test_attacks``); the server resets longer lines
        asked[case.operation.label] += 1
        answer = case.call(base_url=live.url, headers=tokens.header("admin"), timeout=PATIENCE_S)
        assert answer.status_code < 500, answer.text
        assert folder.encode() not in answer.content
        assert b"Traceback" not in answer.content
        case.validate_response(answer, checks=CHECKS)
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == ["application/problem+json"]

    for operation in operations:
        # where nothing is sent, nothing is sent wrong
        sends = any(operation.iter_parameters()) or len(operation.body) > 0
        modes = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
        for mode in modes if sends else modes[:1]:
            test = given(operation.as_strategy(mode), st.booleans())(ask)
            settings(
                max_examples=EXAMPLES,
                deadline=None,
                derandomize=True,
                database=None,
                suppress_health_check=list(HealthCheck),
            )(test)()
    assert all(asked.values()), f"not asked within {BUDGET_S:g} s: {asked}"
