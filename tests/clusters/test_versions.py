"""A cluster of another version is refused, and both are named."""

import doctest
from collections.abc import Callable
from typing import Any

import pytest
from distributed import Client

from lunarscale.clusters import versions
from lunarscale.clusters.opening import ClusterChoice, open_cluster
from lunarscale.errors import ClusterError

OURS = {
    "lunarscale": "0.3.1", "python": "3.11.7.final.0", "numpy": "2.4.6", "numba": "0.68.1",
    "zarr": "3.1.6", "onnxruntime": "1.27.0", "scipy": "1.17.0",
}  # fmt: skip


@pytest.mark.parametrize(
    ("theirs", "told"),
    [
        ({}, None),
        ({"lunarscale": "0.3.2"}, "lunarscale 0.3.2 but this process 0.3.1"),
        ({"lunarscale": None}, "lunarscale not at all but this process 0.3.1"),
        ({"python": "3.12.1.final.0"}, "python 3.12.1.final.0 but this process 3.11.7.final.0"),
        ({"python": "3.11.14.final.0"}, None),
        ({"numba": "0.67.1"}, "numba 0.67.1 but this process 0.68.1"),
        ({"numba": "0.68.0"}, None),
        ({"zarr": "4.0.0"}, "zarr 4.0.0 but this process 3.1.6"),
        ({"zarr": "3.2.0", "scipy": "1.11.4", "onnxruntime": "1.20.1"}, None),
        ({"onnxruntime": None}, "onnxruntime not at all but this process 1.27.0"),
        ({"pandas": "1.0"}, None),
    ],
)
def test_what_goes_together(theirs: dict[str, str | None], told: str | None) -> None:
    assert versions.first_difference(OURS, {**OURS, **theirs}) == told


def test_the_examples() -> None:
    assert doctest.testmod(versions) == (0, 1)


@pytest.fixture
def as_if(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Have this process believe that it has another version of something."""
    asked = Client.get_versions

    def pretend(name: str, version: str) -> None:
        async def get_versions(self: Client, packages: list[str]) -> Any:
            found: Any = await asked(self, packages=packages)
            mine = found["client"]["packages"] | {name: version}
            return {**found, "client": {**found["client"], "packages": mine}}

        monkeypatch.setattr(Client, "get_versions", get_versions)

    return pretend


@pytest.mark.cluster
def test_a_cluster_of_our_own_version_is_used(two_workers: Client) -> None:
    versions.require_same(two_workers, "tcp://here:8786")


@pytest.mark.cluster
def test_a_cluster_of_another_version_is_refused(
    two_workers: Client, as_if: Callable[[str, str], None]
) -> None:
    address = two_workers.scheduler.address
    as_if("lunarscale", "99.1")
    with (
        pytest.raises(ClusterError, match=r"has lunarscale \d.* but this process 99\.1; start"),
        open_cluster(ClusterChoice(scheduler=address)),
    ):
        pytest.fail("it is another version")


@pytest.mark.cluster
def test_who_does_not_answer_is_not_waited_for(
    two_workers: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(versions, "ANSWER_S", 0.0)
    with pytest.raises(ClusterError, match="not all of its workers say within 0 s"):
        versions.require_same(two_workers, "tcp://here:8786")
