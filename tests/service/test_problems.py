"""Each error has a status, a sentence, and nothing of this machine in it."""

import pickle
from collections.abc import Iterator

import pytest

import lunarscale.errors
from lunarscale.errors import LunarscaleError
from lunarscale.service.problems import problem_of, respond_to, without_paths


def kinds(base: type[LunarscaleError] = LunarscaleError) -> Iterator[type[LunarscaleError]]:
    yield base
    for kind in base.__subclasses__():
        if kind.__module__ == lunarscale.errors.__name__:
            yield from kinds(kind)


@pytest.mark.parametrize("kind", list(kinds()))
def test_every_error_has_its_place_in_the_table(kind: type[LunarscaleError]) -> None:
    status, title = problem_of(kind("a sentence"))
    assert 400 <= status < 600
    assert title
    response = respond_to("/api", kind("a sentence"))
    assert response.status_code == status
    assert ("www-authenticate" in response.headers) == (status == 401)
    assert str(pickle.loads(pickle.dumps(kind("a sentence")))) == "a sentence"


@pytest.mark.parametrize(
    ("sentence", "told"),
    [
        ("/data/moon/maps.zarr: no layer X", "maps.zarr: no layer X"),
        ("/data/moon/maps.zarr/FeO/c/0/1: torn", "maps.zarr/FeO/c/0/1: torn"),
        ("read /etc/lunarscale/tokens.json again", "read tokens.json again"),
        ("/api/datasets lists them", "/api/datasets lists them"),
        ("12 km/s or wt %/h", "12 km/s or wt %/h"),
        ("https://a.example/b/c stays", "https://a.example/b/c stays"),
        ("'/tmp/x/y' and (/tmp/x/z)", "'y' and (z)"),
    ],
)
def test_paths_of_this_machine_stay_here(sentence: str, told: str) -> None:
    assert without_paths(sentence, "/data/moon") == told
