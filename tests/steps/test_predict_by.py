"""`predict --by`: further statistics in the pass that makes the maps, found by summarise."""

import json
from pathlib import Path

import pytest
from cli_at_hand import lunarscale, refused

from lunarscale.errors import RegionError, StoreError
from lunarscale.simulated.archive import write_archive
from lunarscale.steps.info import describe
from lunarscale.steps.ingest import ingest
from lunarscale.steps.opening import kept_labels, open_maps, read_groupings
from lunarscale.steps.predict import predict, prepare_predict
from lunarscale.steps.summarise import kept_statistics, measures_of, summarise

MODELS = ("qiu-2025-feo",)
BY = ("moon", "maria", "seas", "latitude:30", "hemispheres")


@pytest.fixture(scope="module")
def mosaic(tmp_path_factory):
    folder = tmp_path_factory.mktemp("moon")
    write_archive(folder / "tiles", ppd=0.5)
    ingest([str(folder / "tiles")], out=str(folder / "mosaic.zarr"), ppd=0.5, shard=64, chunk=32)
    return str(folder / "mosaic.zarr")


@pytest.fixture(scope="module")
def wedge(tmp_path_factory):
    path = tmp_path_factory.mktemp("regions") / "wedge.geojson"
    ring = [[-60.0, -20.0], [60.0, -13.0], [5.0, 40.0], [-60.0, -20.0]]
    geometry = {"type": "Polygon", "coordinates": [ring]}
    feature = {"type": "Feature", "properties": {"name": "Wedge"}, "geometry": geometry}
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    return str(path)


@pytest.fixture(scope="module")
def maps(mosaic, wedge, tmp_path_factory):
    """Maps whose statistics are kept by more than the usual three."""
    out = tmp_path_factory.mktemp("kept") / "maps.zarr"
    predict(mosaic, out=str(out), models=MODELS, by=["latitude:30", wedge, "hemispheres"])
    return str(out)


def test_what_is_kept_is_what_a_pass_over_the_maps_counts(maps, mosaic, wedge, tmp_path):
    by = [*BY, wedge]
    kept = kept_statistics(open_maps(maps, None))
    assert measures_of(read_groupings(by), kept=kept) == {}
    plain = str(tmp_path / "plain.zarr")
    predict(mosaic, out=plain, models=MODELS)
    found, counted = summarise(maps, by=by), summarise(plain, by=by)
    assert found.rows == counted.rows
    assert len(found.rows) == 1 + 2 + 23 + 6 + 2 + 1
    for name in ("FeO", "FeO_flag"):  # and the maps are the same, whatever is counted of them
        mine, other = (open_maps(place, None).layout.windows() for place in (maps, plain))
        assert mine == other
        for window in mine:
            one, two = (open_maps(place, None).read(name, window) for place in (maps, plain))
            assert one.tobytes() == two.tobytes()


def test_a_run_goes_on_with_the_same_regions_in_any_order_only(maps, mosaic, wedge, tmp_path):
    torn = next(Path(maps, "ledger").glob("*.json"))
    entry = torn.read_bytes()
    torn.unlink()
    again = prepare_predict(
        mosaic, out=maps, models=MODELS, by=["hemispheres", "seas", "latitude:30", wedge]
    )
    assert len(again.jobs) == 1
    torn.write_bytes(entry)
    for by in ((), ["hemispheres"], ["latitude:15", wedge, "hemispheres"]):
        with pytest.raises(StoreError, match=r"kept by moon, maria, seas, hemispheres, latitude, "):
            prepare_predict(mosaic, out=maps, models=MODELS, by=by)


def test_what_is_kept_without_by_has_the_key_it_always_had(mosaic, tmp_path):
    keys = []
    for number, by in enumerate(((), ("moon", "seas", "maria"))):
        out = tmp_path / f"{number}.zarr"
        predict(mosaic, out=str(out), models=MODELS, by=by)
        assert [label.name for label in kept_labels(open_maps(str(out), None))] == [*BY[:3]]
        files = sorted(Path(out, "ledger").glob("*.json"))
        keys.append([json.loads(path.read_text())["key"] for path in files])
    assert keys[0] == keys[1]


def test_regions_that_bear_a_kept_name_or_lie_elsewhere_are_refused(mosaic, wedge, tmp_path):
    out = str(tmp_path / "maps.zarr")
    for text in (f"maria={wedge}", f"seas={wedge}"):
        with pytest.raises(RegionError, match="are kept in any case"):
            prepare_predict(mosaic, out=out, models=MODELS, by=[text])
    with pytest.raises(RegionError, match="none of its 1 polygons touches the map"):
        prepare_predict(mosaic, out=out, models=MODELS, by=[wedge], bbox=(90, 60, 180, 90))


def test_the_command_and_info(mosaic, wedge, tmp_path):
    out = tmp_path / "maps.zarr"
    words = ("predict", mosaic, "--out", out, "--model", MODELS[0], "--workers", 0)
    lunarscale(*words, "--by", "spa,latitude:45")
    kept = dict(describe(str(out)))["statistics kept"]
    assert kept == "by moon (1), maria (2), seas (23), latitude (4), spa (2)"
    assert "statistics kept" in lunarscale("info", out).stdout
    assert "statistics are kept by moon, maria, seas, latitude, spa" in refused(*words)
    text = lunarscale("summarise", out, "--by", "spa", "--out", tmp_path, "--dry-run").stdout
    assert "Nothing to count" in text
    assert "statistics kept" not in dict(describe(mosaic))
