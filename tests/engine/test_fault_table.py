"""Every row of the table of faults: after it, the same command makes every byte as in peace."""

import re
import shutil
from pathlib import Path

import pytest
from distributed import Client
from engine_moon import LITTLE, entries
from scenarios import MODEL, SCENARIOS, Scenario, Scene

from lunarscale.engine.executors import Serial
from lunarscale.steps.ingest import ingest
from lunarscale.steps.predict import predict
from lunarscale.steps.validate import validate

pytestmark = pytest.mark.cluster

DOCS = Path(__file__).parents[2] / "docs" / "faults.md"


@pytest.fixture(scope="module")
def peace(little_tiles: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Mosaic and maps made undisturbed; copied, never changed."""
    folder = tmp_path_factory.mktemp("peace")
    ingest([str(little_tiles)], out=str(folder / "mosaic.zarr"), **LITTLE)
    predict(str(folder / "mosaic.zarr"), out=str(folder / "maps.zarr"), models=[MODEL])
    return folder


@pytest.fixture
def client(request: pytest.FixtureRequest) -> Client | None:
    """The shared cluster, where the scenario takes one."""
    scenario: Scenario = request.getfixturevalue("scenario")
    return request.getfixturevalue("two_workers") if scenario.cluster else None


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_nothing_is_lost_and_nothing_half_read(
    scenario: Scenario, client: Client | None, *, peace: Path, little_tiles: Path,
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    if scenario.verb == "predict":
        shutil.copytree(peace / "mosaic.zarr", tmp_path / "mosaic.zarr")
    scene = Scene(scenario.verb, little_tiles, tmp_path, client, monkeypatch)
    scenario.act(scene)
    tale = scene.prepared().run(Serial())
    assert tale.problems == []
    verdict = validate(str(scene.store), deep=True)
    assert (verdict.is_whole, verdict.strange) == (True, [])
    assert_as_in_peace(scene.store, peace / scene.store.name)


def assert_as_in_peace(store: Path, peace: Path) -> None:
    """Every object but times and names of runs is the same, byte for byte."""
    mine, theirs = (_objects(place) for place in (store, peace))
    assert mine.keys() == theirs.keys()
    assert [key for key, blob in mine.items() if blob != theirs[key]] == []
    ours, other = entries(store), entries(peace)
    assert ours.keys() == other.keys()
    for name, entry in ours.items():
        expected = other[name]
        assert entry is not None
        assert expected is not None
        assert (entry.objects, entry.content) == (expected.objects, expected.content)


def _objects(store: Path) -> dict[str, bytes]:
    """All files but the ledger's papers and the root, which tell when and by whom."""
    files = {str(path.relative_to(store)): path for path in store.rglob("*") if path.is_file()}
    data = {key: path for key, path in files.items() if not _tells_of_runs(key)}
    return {key: path.read_bytes() for key, path in data.items()}


def _tells_of_runs(key: str) -> bool:
    return key == "zarr.json" or (key.startswith("ledger/") and not key.endswith(".statistics"))


def test_the_page_shows_the_table() -> None:
    shown = DOCS.read_text()
    rows = [[cell.strip() for cell in row.split("|")[1:4]] for row in shown.splitlines()
            if re.match(r"\| [^-]", row)]  # fmt: skip
    told = [row for row in rows if row[0] in {scenario.name for scenario in SCENARIOS}]
    assert told == [[s.name, s.done, s.promised] for s in SCENARIOS]
