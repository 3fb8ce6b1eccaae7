"""Magnesian anorthosite: areas against brute force, any executor the same bits, errors said."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
import xarray as xr
from distributed import Client
from rasterio.transform import Affine

from lunarscale.engine.executors import OnDask, Serial
from lunarscale.errors import ParametersError, PlanError, StoreError
from lunarscale.flags import EXTRAPOLATED, NO_DATA, MapReason
from lunarscale.models.anorthosite import DEFAULT_AL2O3_WT_PCT, Criterion
from lunarscale.models.model import Prediction
from lunarscale.moon import RADIUS_M
from lunarscale.quantities import QUANTITIES
from lunarscale.reduce.joint import Joint
from lunarscale.simulated.archive import write_archive
from lunarscale.steps import predict as predict_step
from lunarscale.steps.anorthosite import (
    anorthosite,
    finding_of,
    groups_table,
    prepare_anorthosite,
    sensitivity_table,
)
from lunarscale.steps.anorthosites.question import ask
from lunarscale.steps.ingest import ingest

PPD = 1.5


class TwoMaps:
    """A model that makes Al2O3 and Mg# of two bands, roughly as the stations have them."""

    camera, bands_nm, mare_only = "clementine-uvvis", (750, 950), False
    formula, source = "8 + 90 R750; 1.62 - 0.87 R950/R750", "made for this test"

    def __init__(self, name: str = "two-maps", names: tuple[str, ...] = ("Al2O3", "Mg_number")):
        self.name = self.digest = name
        self.quantities = tuple(QUANTITIES[quantity] for quantity in names)
        self.remarks = ("",) * len(names)

    def predict(
        self, counts: np.ndarray, scale: float, *, out: Prediction | None = None
    ) -> Prediction:
        """Values, extrapolated where Al2O3 is high."""
        pixels = counts.shape[1]
        found = out or Prediction.empty(len(self.quantities), pixels)
        missing = (counts == NO_DATA).any(axis=0)
        r = np.where(counts == NO_DATA, 1.0, counts * scale)
        made = {"Al2O3": 8 + 90 * r[0], "Mg_number": 1.62 - 0.87 * r[1] / r[0]}
        for row, quantity in enumerate(self.quantities):
            found.values[row, :pixels] = made[quantity.name]
            stretched = np.where(made["Al2O3"] > 29, EXTRAPOLATED, 0)
            found.flags[row, :pixels] = np.where(missing, int(MapReason.NO_INPUT), stretched)
        return found


@pytest.fixture(scope="module")
def mosaics(tmp_path_factory: pytest.TempPathFactory) -> dict[int, str]:
    """The same simulated Moon in shards of two sizes."""
    folder = tmp_path_factory.mktemp("moon")
    write_archive(folder / "tiles", ppd=PPD)
    made = {}
    for shard in (90, 180):
        made[shard] = str(folder / f"mosaic{shard}.zarr")
        ingest([str(folder / "tiles")], out=made[shard], ppd=PPD, shard=shard, chunk=45)
    return made


Maps = Callable[..., str]


@pytest.fixture(scope="module")
def maps(mosaics: dict[int, str], tmp_path_factory: pytest.TempPathFactory) -> Maps:
    """Makes maps by given models in shards of a given size."""

    def make(*models: TwoMaps, shard: int = 90) -> str:
        out = str(tmp_path_factory.mktemp("maps") / "maps.zarr")
        by_name = {model.name: model for model in models or [TwoMaps()]}
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(predict_step, "find_models", lambda name: (by_name[name],))
            predict_step.predict(mosaics[shard], out=out, models=list(by_name))
        return out

    return make


@pytest.fixture(scope="module")
def usual(maps: Maps) -> str:
    """Maps by one model in small shards."""
    return maps()


def bits(store: str, **options: object) -> tuple[bytes, bytes]:
    """What a count of a store adds up to."""
    executor = options.pop("executor", Serial())
    asked = ask(store, **options)
    tale = prepare_anorthosite(asked).run(executor)
    joint = tale.sums["joint"]
    assert isinstance(joint, Joint)
    return joint.areas.tobytes(), joint.whole.tobytes()


def test_shares_are_those_of_brute_force_in_float64(usual: str, tmp_path: Path) -> None:
    criterion = Criterion(26.0, 0.69)
    finding = anorthosite(usual, out=str(tmp_path), criterion=criterion)
    rows = {row.group: row for row in finding.at_criterion()}
    assert list(rows) == [
        "nearside mare", "nearside highlands", "farside mare", "farside highlands"
    ]  # fmt: skip
    with xr.open_zarr(usual, chunks=None) as data:
        al2o3, mg = (data[name].values.astype(np.float64) for name in ("Al2O3", "Mg_number"))
        lon, lat = data["lon"].values, data["lat"].values
        stretched = (data["Al2O3_flag"].values & EXTRAPOLATED) > 0
    maria = finding.question.grouping.second
    is_mare = maria.numbers(finding.question.cube.grid, finding.question.cube.grid.window) == 1
    half = np.radians(0.5 / PPD)
    strip = np.sin(np.radians(lat) + half) - np.sin(np.radians(lat) - half)
    area = RADIUS_M**2 * 2 * half * strip[:, None] * np.ones(len(lon)) / 1e6
    valid = np.isfinite(al2o3) & np.isfinite(mg)
    for name, row in rows.items():
        near, mare = name.startswith("nearside"), name.endswith("mare")
        here = (is_mare == mare) & ((np.abs(lon) < 90) == near)
        met = here & valid & (al2o3 > 26.0 - 1e-6) & (mg > 0.69 - 1e-6)
        assert row.area_km2 == pytest.approx(area[met].sum(), rel=1e-9)
        assert row.valid_area_km2 == pytest.approx(area[here & valid].sum(), rel=1e-9)
        assert row.group_area_km2 == pytest.approx(area[here].sum(), rel=1e-9)
        assert row.share == pytest.approx(row.area_km2 / row.valid_area_km2)
        assert row.qualified_share == pytest.approx(area[met & stretched].sum() / area[met].sum())
    assert rows["farside highlands"].share > 0.01  # type: ignore[operator]


def test_stricter_thresholds_never_find_more(usual: str) -> None:
    asked = ask(usual)
    finding = finding_of(asked, prepare_anorthosite(asked).run(Serial()))
    for group in asked.grouping.groups:
        shares = finding.shares(group)
        assert shares.shape == (21, 21)
        assert (np.diff(shares, axis=0) <= 0).all()
        assert (np.diff(shares, axis=1) <= 0).all()
        assert shares[0, 0] > shares[-1, -1]


def test_the_shards_size_does_not_matter(usual: str, maps: Maps) -> None:
    assert bits(usual) == bits(maps(shard=180))


@pytest.mark.cluster
def test_a_cluster_gives_the_same_bits(usual: str, mask: Path, two_workers: Client) -> None:
    for options in ({}, {"mare": str(mask)}):
        assert bits(usual, executor=OnDask(two_workers), **options) == bits(usual, **options)


@pytest.fixture
def mask(tmp_path: Path) -> Path:
    """A mask of mare north of the equator that ends at 60 degrees."""
    path = tmp_path / "mask.tif"
    raster = np.zeros((120, 360), np.uint8)
    raster[:60, :] = 255
    place = {"crs": "IAU_2015:30100", "transform": Affine(1.0, 0.0, -180.0, 0.0, -1.0, 60.0)}
    with rasterio.open(
        path, "w", driver="GTiff", width=360, height=120, count=1, dtype="uint8", **place
    ) as file:
        file.write(raster, 1)
    return path


def test_a_mask_draws_the_maria_and_what_it_leaves_out_is_told(
    usual: str, mask: Path, tmp_path: Path
) -> None:
    finding = anorthosite(usual, out=str(tmp_path / "out"), mare=str(mask))
    groups = {row.group: row.group_area_km2 for row in finding.at_criterion()}
    moon = 4 * np.pi * RADIUS_M**2 / 1e6
    assert groups["nearside mare"] == pytest.approx(moon * np.sin(np.pi / 3) / 4, rel=1e-9)
    assert groups["outside the mare mask"] == pytest.approx(
        moon * (1 - np.sin(np.pi / 3)), rel=1e-9
    )


def test_everything_that_is_written(usual: str, tmp_path: Path) -> None:
    finding = anorthosite(usual, out=str(tmp_path))
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "anorthosite.csv", "anorthosite.json", "anorthosite.png", "anorthosite.tif",
        "anorthosite_sensitivity.png", "anorthosite_sensitivity.svg",
    ]  # fmt: skip
    rows = list(csv.DictReader((tmp_path / "anorthosite.csv").read_text().splitlines()))
    assert len(rows) == len(finding.rows) == 4 * 21 * 21
    facts = json.loads((tmp_path / "anorthosite.json").read_text())
    assert facts["simulated"] is True
    assert facts["criterion"]["al2o3_wt_pct"] == DEFAULT_AL2O3_WT_PCT == 26.7
    assert facts["criterion"]["plagioclase_volume_share"] == pytest.approx(0.775, abs=1e-3)
    assert "approximation" in facts["outlines"]
    # no soil of the Clementine table has Mg# 0.70: the richest, Luna 20, has 0.685
    assert facts["ground_truth"] == "0 of the 46 stations' soils meet it"
    assert len(facts["at_criterion"]) == 4
    for table in (groups_table(finding), sensitivity_table(finding)):
        assert table is not None


def test_the_mask_is_a_map_with_no_data(usual: str, tmp_path: Path) -> None:
    finding = anorthosite(usual, out=str(tmp_path))
    with xr.open_zarr(usual, chunks=None) as data:
        al2o3, mg = (data[name].values.astype(np.float64) for name in ("Al2O3", "Mg_number"))
    with rasterio.open(tmp_path / "anorthosite.tif") as file:
        found = file.read(1, masked=True)
        assert file.scales == (0.01,)
        assert file.tags()["simulated"] == "True"
        assert "Mg# ≥ 0.7" in file.tags()["criterion"]
    missing = ~(np.isfinite(al2o3) & np.isfinite(mg))
    assert missing.any()
    np.testing.assert_array_equal(np.ma.getmaskarray(found), missing)
    met = (al2o3 > 26.7 - 1e-6) & (mg > 0.7 - 1e-6)
    np.testing.assert_array_equal(found.data[~missing] * 0.01, met[~missing])
    total = sum(row.area_km2 for row in finding.at_criterion())
    weights = finding.question.cube.grid.pixel_areas_m2() / 1e6
    assert (met & ~missing).sum(axis=1) @ weights == pytest.approx(total, rel=1e-9)


def test_maps_without_the_layers_are_refused(maps: Maps) -> None:
    apart = maps(TwoMaps("only-al2o3", ("Al2O3",)), TwoMaps("only-mg", ("Mg_number",)))
    with pytest.raises(StoreError, match=r"of one model are needed but .* Al2O3 \(only-al2o3\)"):
        ask(apart)


def test_two_models_need_a_name(maps: Maps) -> None:
    both = maps(TwoMaps("first-one"), TwoMaps("other-one"))
    with pytest.raises(StoreError, match="--model takes one of first-one, other-one"):
        ask(both)
    with pytest.raises(StoreError, match="not third-one but first-one and other-one"):
        ask(both, model="third-one")
    layers = ask(both, model="other-one").layers
    assert [layer.name for layer in layers] == ["Al2O3_other_one", "Mg_number_other_one"]


def test_unfinished_maps_are_refused(maps: Maps) -> None:
    store = maps()
    next(Path(store, "ledger").glob("r*.json")).unlink()
    with pytest.raises(StoreError, match="1 of 18 shards are not done"):
        ask(store)


@pytest.mark.parametrize(
    ("al2o3", "mg", "said"),
    [
        (0.0, 0.7, r"--al2o3 0: .* above 0"),
        (36.7, 0.7, r"at most at the 36\.0 wt %"),
        (float("nan"), 0.7, "--al2o3 nan"),
        (26.0, 70.0, "--mg-number 70: .* give a fraction"),
        (26.0, 0.0, "lies between 0 and 1"),
    ],
)
def test_impossible_thresholds_are_refused(al2o3: float, mg: float, said: str) -> None:
    with pytest.raises(ParametersError, match=said):
        Criterion(al2o3, mg)


def test_thresholds_near_the_ends_are_compared_with_fewer(usual: str) -> None:
    asked = ask(usual, criterion=Criterion(35.9, 0.95))
    al2o3, mg = asked.thresholds
    assert (al2o3[0], al2o3[-1], mg[-1]) == (30.9, 35.9, 0.99)
    finding = finding_of(asked, prepare_anorthosite(asked).run(Serial()))
    assert len(finding.at_criterion()) == 4


def test_the_stations_that_meet_the_criterion_are_counted(usual: str) -> None:
    # by hand: Apollo 16 S11 and S13 have 28.9 and 27.6 wt % Al2O3 and Mg# 0.646 and 0.667
    asked = ask(usual, criterion=Criterion(27.55, 0.645))
    assert asked.ground_truth == "3 of the 46 stations' soils meet it"  # and S4, 27.6 and 0.664


def test_the_plan_is_known_and_what_does_not_fit_refused(usual: str) -> None:
    prepared = prepare_anorthosite(ask(usual))
    plan = prepared.plan
    assert (plan.verb, plan.shards, plan.pixels) == ("anorthosite", 18, 540 * 270)
    assert plan.read_bytes == plan.pixels * 6
    with pytest.raises(PlanError, match="anorthosite: a worker of 1 thread needs"):
        plan.check(prepared.layout, threads=1, worker_bytes=plan.worker_bytes(1) - 1)
