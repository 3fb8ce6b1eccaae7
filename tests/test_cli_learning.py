"""Commands about models and what maps answer, as a stranger meets them."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from cli_at_hand import lunarscale, refused
from tables_at_hand import some_stations, write_table

from lunarscale.models.derived import mg_number
from lunarscale.models.network import Network
from lunarscale.models.registry import BUILT_IN, find_model, find_models
from lunarscale.simulated.archive import write_archive
from lunarscale.simulated.kaguya_archive import write_kaguya_archive
from lunarscale.stations import clementine_stations, kaguya_stations
from lunarscale.steps import mixtures
from lunarscale.training.networks import NETWORKS

SHORT = ("--network", "qiu-2025", "--epochs", "1", "--seeds", "1")

#: What the models of this file are trained without.
WITHOUT = "1,14,26"

BOX = (0.0, 0.0, 12.0, 14.0)
HERE = ("--workers", "0")


def wrote(text: str) -> list[Path]:
    """The files that a command says it wrote, all of them there."""
    paths = [Path(line.removeprefix("wrote ")) for line in text.splitlines() if "wrote " in line]
    assert paths
    assert all(path.is_file() for path in paths)
    return paths


def network_of(path: Path) -> Network:
    found = find_model(str(path))
    assert isinstance(found, Network)
    return found


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """FeO and MgO trained without three stations; not to be changed."""
    folder = tmp_path_factory.mktemp("models")
    command = ("train", *SHORT, "--oxides", "FeO, MgO", "--without", WITHOUT, "--out", folder)
    result = lunarscale(*command)
    assert {path.parent for path in wrote(result.stdout)} == {folder}
    assert "MgO: 1 of 46 stations lack it and are left out" in result.stdout
    for word in ("LOO", "LOMO", "ridge", "paper"):
        assert word in result.stdout
    # 46 stations and 11 sites held out, the 46 again as the open code does it, and all: 2 oxides
    assert re.fullmatch(r"train: (\d+) of \1 networks\n", result.stderr)
    return folder


@pytest.fixture(scope="module")
def mosaics(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A small mosaic of each camera; not to be changed."""
    folder = tmp_path_factory.mktemp("mosaics")
    write_archive(folder / "clementine", ppd=6.0, bbox=BOX)
    write_kaguya_archive(folder / "kaguya", ppd=8, bbox=(0.0, 0.0, 2.0, 2.0))
    made = {}
    for camera, box, ppd in (("clementine", BOX, 5), ("kaguya", (0.0, 0.0, 2.0, 2.0), 8)):
        made[camera] = folder / f"{camera}.zarr"
        lunarscale(
            "ingest", folder / camera, "--out", made[camera], "--ppd", ppd, "--shard", "64",
            "--chunk", "32", "--bbox", *box, *HERE,
        )  # fmt: skip
    return made


# models, stations


def test_models_lists_equations_and_networks() -> None:
    text = lunarscale("models").stdout
    for name in ("qiu-2025-feo", "clementine-oxides", "kaguya-intervals", "qiu-2025-cnn"):
        assert name in text


def test_a_model_shows_what_it_says_of_itself(models: Path) -> None:
    text = " ".join(lunarscale("models", "show", models / "oxides.onnx").stdout.split())
    card = network_of(models / "oxides.onnx").card
    assert card.training["stations"][:40] in text.replace(" ", "")
    for word in ("clementine-uvvis", "Mg_number", "stations left out 1, 14, 26", "LOMO"):
        assert word in text
    assert f"{card.scores['FeO']['RMSE LOO']:.3f}" in text
    equation = "".join(lunarscale("models", "show", "qiu-2025-feo").stdout.split())
    assert "".join(BUILT_IN["qiu-2025-feo"].formula.split()) in equation


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("clementine-oxide", "did you mean clementine-oxides"),
        ("nowhere.onnx", "nowhere.onnx cannot be read here"),
        ("notes.txt", "no model 'notes.txt'"),
    ],
)
def test_a_model_that_is_not_there_is_refused(name: str, words: str) -> None:
    assert words in refused("models", "show", name, command="models show")


def test_the_tables_of_soils_number_every_station() -> None:
    text = lunarscale("stations", "--soils").stdout
    kaguya = text[text.index("Kaguya", 60) :]
    for part, stations in ((text, clementine_stations()), (kaguya, kaguya_stations())):
        for station in stations:
            row = rf"^ *{station.number} +{re.escape(station.name)}\*? .*"
            assert re.search(row, part, re.MULTILINE), station.name
    assert max(map(len, text[: text.index("Sources")].splitlines()[:40])) <= 80


# calibrate


@pytest.mark.slow
def test_calibrate_writes_equations_that_predict_takes(
    tmp_path: Path, mosaics: dict[str, Path]
) -> None:
    table = write_table(tmp_path / "mine.csv", some_stations(14), cells={(2, "TiO2_wt_pct"): ""})
    model, figure = tmp_path / "model.json", tmp_path / "r2.png"
    command = ("calibrate", "--stations", table, "--bootstrap", "3", "--residuals", "--out", model)
    result = lunarscale(*command, "--figure", figure)
    assert wrote(result.stdout) == [model, figure]
    assert "note: mine.csv: no TiO2 at 1 of 14 stations" in result.stdout
    names = [equation.name for equation in find_models(str(model))]
    assert [re.sub(r"-\d+-", "-N-", name) for name in names] == [
        "calibrated-N-feo", "calibrated-N-tio2", "calibrated-N-omat",
    ]  # fmt: skip
    before = model.read_bytes()
    assert lunarscale(*command).stdout.splitlines()[:-1] == result.stdout.splitlines()[:-2]
    assert model.read_bytes() == before
    maps = tmp_path / "maps.zarr"
    lunarscale("predict", mosaics["clementine"], "--out", maps, "--model", model, *HERE)
    assert "calibrated-" in lunarscale("info", maps).stdout


@pytest.mark.parametrize(
    ("count", "cells", "more", "words"),
    [
        (4, {}, (), "4 stations for a law of 4 parameters"),
        (12, {(3, "R750"): "nan"}, (), "mine.csv, line 5: R750 is 'nan', which is no number"),
        (12, {(3, "R750"): "-0.1"}, (), "R750 is -0.1, but a reflectance is a fraction above 0"),
        (12, {(row, "R950"): "0.1" for row in range(12)}, (), "R950 is 0.1 at all of 12"),
        (12, {}, ("--camera", "hubble"), "no camera 'hubble'"),
        (12, {}, ("--camera", "kaguya"), "has no column R414"),
        (12, {}, ("--units", "percent"), "--units percent: oxides are in wt-pct or fractions"),
        (12, {}, ("--units", "fractions"), "which is no weight fraction"),
    ],
)
def test_calibrate_refuses(
    count: int, cells: dict[tuple[int, str], str], more: Sequence[str], words: str, tmp_path: Path
) -> None:
    table = write_table(tmp_path / "mine.csv", some_stations(count), cells=cells)
    model = tmp_path / "model.json"
    assert words in refused("calibrate", "--stations", table, "--out", model, *more)
    assert list(tmp_path.iterdir()) == [table]


# train


def test_what_is_trained_maps_its_own_camera_only(
    models: Path, mosaics: dict[str, Path], tmp_path: Path
) -> None:
    maps, model = tmp_path / "maps.zarr", models / "oxides.onnx"
    lunarscale("predict", mosaics["clementine"], "--out", maps, "--model", model, *HERE)
    assert "qiu-2025-cnn" in lunarscale("info", maps).stdout
    other = tmp_path / "other.zarr"
    words = refused("predict", mosaics["kaguya"], "--out", other, "--model", model, *HERE)
    assert "qiu-2025-cnn was made for Clementine UVVIS but the mosaic is of Kaguya MI" in words
    ready = ("--model", "kaguya-oxides", *HERE)
    words = refused("predict", mosaics["clementine"], "--out", other, *ready)
    assert "kaguya-oxides was made for Kaguya MI but the mosaic is of Clementine UVVIS" in words
    assert not other.exists()


def test_without_the_extra_there_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def torch_is_missing(name: str) -> object:
        return None if name == "torch" else find_spec(name)

    monkeypatch.setattr("lunarscale.training.extra.find_spec", torch_is_missing)
    for command in (("train", *SHORT), ("train", "--network", "ridges"), ("fine-tune",)):
        sentence = refused(*command, "--out", tmp_path / "out")
        assert "training needs torch, which is not installed" in sentence
        assert "pip install 'lunarscale[train]'" in sentence
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (("--network", "nn"), "no network 'nn'; train qiu-2025, yang-2023, residual"),
        (("--oxides", "FeO,XYZ"), "'XYZ' is no oxide of the stations"),
        (("--oxides", ","), "'' is no oxide of the stations"),
        (("--network", "ridges", "--oxides", "XYZ"), "'XYZ' is no oxide of the stations"),
        (("--camera", "hubble"), "no camera 'hubble'"),
        (("--camera", "kaguya"), "qiu-2025 is made for clementine-uvvis, not kaguya-mi"),
        (("--without", "1,99"), "no station 99 among the 47"),
        (("--without", "1;2"), "1;2: numbers of stations with commas are needed"),
        (("--without", "one"), "one: numbers of stations with commas are needed"),
        (("--stations", "nowhere.csv"), "nowhere.csv: there is no such file"),
        (("--units", "percent"), "--units percent: oxides are in wt-pct or fractions"),
        (("--network", "ready", "--without", "1"), "made of all that the package has; leave out"),
        (("--out", "s3://bucket/models"), "a folder of this machine is needed, not a URL"),
        (("--out", "notes.txt"), "a folder is needed but a file is there"),
    ],
)
def test_train_refuses(
    given: Sequence[str], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("notes.txt").write_text("mine")
    assert words in refused("train", *SHORT, "--out", "out", *given)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
    assert Path("notes.txt").read_text() == "mine"


@pytest.mark.parametrize("given", [("--seeds", "0"), ("--epochs", "0"), ("--seeds", "two"), ()])
def test_a_wrong_option_is_a_wrong_usage(given: Sequence[str], tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = ("train", *SHORT, "--out", out, *given) if given else ("train", "--out", out)
    assert "Usage:" in lunarscale(*command, code=2).stderr
    assert not out.exists()


@pytest.mark.parametrize(
    ("command", "more"), [("train", ()), ("fine-tune", ("--site", some_stations(12)[0].site))]
)
def test_a_training_that_diverges_writes_nothing(
    command: str, more: Sequence[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = NETWORKS["qiu-2025"]
    absurd = replace(kind, recipe=replace(kind.recipe, learning_rate=1e30))
    monkeypatch.setitem(NETWORKS, "qiu-2025", absurd)
    table = write_table(tmp_path / "mine.csv", some_stations(12), oxides=["FeO"])
    result = lunarscale(
        command, "--network", "qiu-2025", "--epochs", "3", "--seeds", "1", "--oxides", "FeO",
        "--stations", table, "--out", tmp_path / "out", *more, code=1,
    )  # fmt: skip
    sentence = result.stderr.splitlines()[-1]  # a line of progress may stand before it
    assert sentence.startswith(f"lunarscale {command}: qiu-2025")
    assert "the loss stopped being finite, and nothing is exported" in sentence
    assert list(tmp_path.iterdir()) == [table]


def test_a_users_table_in_fractions_is_asked_about_and_taken(tmp_path: Path) -> None:
    cells = {(3, "CaO_wt_pct"): ""}
    table = write_table(
        tmp_path / "mine.csv", some_stations(12), oxides=["CaO"], factor=0.01, cells=cells
    )
    command = ("train", *SHORT, "--oxides", "CaO", "--stations", table, "--out", tmp_path / "out")
    assert "say --units fractions" in refused(*command)
    text = lunarscale(*command, "--units", "fractions").stdout
    assert "note: mine.csv: no CaO at 1 of 12 stations" in text
    card = network_of(tmp_path / "out" / "cao.onnx").card
    assert card.training["n"] == {"CaO": 11}
    assert 0.5 < card.scores["CaO"]["RMSE LOO"] < 20.0  # wt %, no fractions


def test_ridges_are_judged_written_and_mapped(tmp_path: Path, mosaics: dict[str, Path]) -> None:
    out = tmp_path / "out"
    table = write_table(tmp_path / "mine.csv", some_stations(20), oxides=["CaO"])
    command = ("train", "--network", "ridges", "--stations", table, "--without",
               some_stations(20)[0].number, "--out", out)  # fmt: skip
    text = lunarscale(*command).stdout
    assert [path.name for path in wrote(text)] == [
        "clementine-oxides.onnx", "clementine-intervals.onnx", "clementine-scores.json",
        "clementine-predictions.png", "index.html",
    ]  # fmt: skip
    assert "Coverage of 90% intervals" in text
    pairs = (
        "--model",
        out / "clementine-oxides.onnx",
        "--model",
        out / "clementine-intervals.onnx",
    )
    maps = tmp_path / "maps.zarr"
    lunarscale("predict", mosaics["clementine"], "--out", maps, *pairs, *HERE)
    told = lunarscale("info", maps).stdout
    for layer in ("CaO", "CaO_lower", "CaO_upper"):
        assert layer in told


def test_ready_remakes_both_cameras_and_the_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That the command calls what remakes them; what they hold is tested beside the models."""
    from lunarscale.steps.learning import ready as ready

    def written(*names: str) -> Callable[..., list[Path]]:
        def write(folder: Path, *, progress: Callable[[int, int], None]) -> list[Path]:
            folder.mkdir(exist_ok=True)
            progress(1, 1)
            for name in names:
                (folder / name).write_bytes(b"a model")
            return [folder / name for name in names]

        return write

    monkeypatch.setattr(ready, "remake_ridges", written("one.onnx", "two.onnx"))
    monkeypatch.setattr(ready, "remake_network", lambda *a, **o: written("net.onnx")(*a, **o)[0])
    text = lunarscale("train", "--network", "ready", "--out", tmp_path / "ready").stdout
    assert re.findall(r"(\w+\.onnx) \(7 bytes\)", text) == ["one.onnx", "two.onnx", "net.onnx"]


# check


@pytest.mark.parametrize(
    ("stations", "words", "held_out"),
    [
        (WITHOUT, "mixtures of 3 held-out stations", True),
        ("1,14,2", "mixtures of 3 stations that the models were fitted to", False),
    ],
)
def test_check_says_whether_the_stations_were_held_out(
    stations: str, words: str, held_out: bool, models: Path, tmp_path: Path
) -> None:
    command = ("check", models / "oxides.onnx", "--mix", stations, "--ppd", "0.5")
    text = lunarscale(*command, "--out", tmp_path).stdout
    assert words in text
    figure, table, facts = wrote(text)
    assert figure.suffix == ".png"
    told = json.loads(facts.read_text())
    assert told["held_out"] is held_out
    assert [station["number"] for station in told["stations"]] == [
        int(number) for number in stations.split(",")
    ]
    assert figure.stat().st_size > 50_000
    assert table.read_text().startswith("layer,model,units,")


@pytest.mark.slow
def test_a_second_check_is_the_same_and_another_seed_another(models: Path, tmp_path: Path) -> None:
    command = ("check", models / "feo.onnx", "--mix", WITHOUT, "--ppd", "0.5")
    _, table, facts = wrote(lunarscale(*command, "--out", tmp_path).stdout)
    before = table.read_bytes(), facts.read_bytes()
    lunarscale(*command, "--out", tmp_path)
    assert (table.read_bytes(), facts.read_bytes()) == before
    lunarscale(*command, "--out", tmp_path, "--seed", "7", "--noise", "0")
    assert json.loads(facts.read_text())["relative_noise"] == 0.0
    assert table.read_bytes() != before[0]


def test_check_on_kaguyas_tiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mixtures, "KAGUYA_BOX", (-2.0, -1.0, 2.0, 1.0))
    text = lunarscale(
        "check", "kaguya-oxides", "--camera", "kaguya", "--mix", "1,24,40", "--ppd", "8",
        "--out", tmp_path,
    ).stdout  # fmt: skip
    assert "fitted to" in text
    assert "SIMULATED" in text


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (("qiu-2025-feo", "--mix", "1"), "mixtures need two stations but 1 were given"),
        (("qiu-2025-feo", "--mix", ""), "mixtures need two stations but 0 were given"),
        (("qiu-2025-feo", "--mix", "1,99"), "no station 99 in the table of 47"),
        (("qiu-2025-feo", "--mix", "1,1"), "or it is named twice"),
        (("qiu-2025-feo", "--mix", "a,b"), "a,b: numbers of stations with commas"),
        (("qiu-2025-fe", "--mix", "1,2"), "no model 'qiu-2025-fe'"),
        (("kaguya-oxides", "--mix", "1,2"), "kaguya-oxides was made for Kaguya MI but"),
        (("qiu-2025-feo", "--mix", "1,2", "--camera", "hubble"), "no camera 'hubble'"),
        (("qiu-2025-feo", "--mix", "1,2", "--noise", "-1"), "noise"),
        (("qiu-2025-feo", "--mix", "1,2", "--ppd", "0"), "a resolution of 0 pixels"),
        (("qiu-2025-feo", "--mix", "1,2", "--ppd", "nan"), "a resolution of nan pixels"),
    ],
)
def test_check_refuses_before_it_makes_tiles(
    given: Sequence[str], words: str, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert words in refused("check", *given, "--out", out)
    assert not out.exists()


# fine-tune


def test_fine_tune_writes_its_stages_and_tells_the_change(tmp_path: Path) -> None:
    command = ("fine-tune", *SHORT, "--oxides", "FeO", "--out", tmp_path)
    result = lunarscale(*command)
    assert [path.name for path in wrote(result.stdout)] == [
        "qiu-2025-cnn-without-change-6.onnx", "qiu-2025-cnn-with-change-6.onnx",
        "qiu-2025-cnn-with-frozen-change-6.onnx", "fine-tuning.csv", "fine-tuning.png",
    ]  # fmt: skip
    assert "qiu-2025: what Chang'e-6 changes, wt %" in result.stdout
    assert result.stderr == "fine-tune: 3 of 3 networks\n"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (("--site", "Apollo 18"), "0 of 49 stations are of the site 'Apollo 18'; name one of"),
        (("--network", "ridges"), "no network 'ridges'; train qiu-2025"),
        (("--oxides", "Fe"), "'Fe' is no oxide"),
        (("--stations", "nowhere.csv"), "nowhere.csv: there is no such file"),
        (("--units", "ppm"), "--units ppm: oxides are in"),
    ],
)
def test_fine_tune_refuses(given: Sequence[str], words: str, tmp_path: Path) -> None:
    assert words in refused("fine-tune", *SHORT, "--out", tmp_path / "out", *given)
    assert not (tmp_path / "out").exists()


# anorthosite


@pytest.fixture(scope="module")
def maps(mosaics: dict[str, Path]) -> Path:
    """Maps with Al2O3 and Mg#; not to be changed."""
    out = mosaics["clementine"].parent / "maps.zarr"
    lunarscale(
        "predict", mosaics["clementine"], "--out", out, "--model", "clementine-oxides", *HERE
    )
    return out


def test_maps_of_a_ready_model_keep_mg_number_consistent(maps: Path) -> None:
    from lunarscale.store.cube import Cube
    from lunarscale.store.location import Location

    cube = Cube.open(Location(str(maps)))
    values = {name: cube.read(name, cube.grid.window) for name in ("FeO", "MgO", "Mg_number")}
    has = np.all([counts != -32768 for counts in values.values()], axis=0)
    quanta = {layer.name: layer.quantum for layer in cube.layout.layers}
    feo, mgo, number = (values[name][has] * quanta[name] for name in values)
    assert has.any()
    np.testing.assert_allclose(number, mg_number(mgo, feo), atol=5e-3)


def test_anorthosite_answers_and_its_plan_writes_nothing(maps: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    dry = lunarscale("anorthosite", maps, "--out", out, "--dry-run", *HERE).stdout
    assert re.search(r"shards +2, of which 0 are done", dry)
    assert not out.exists()
    text = lunarscale("anorthosite", maps, "--mg-number", "0.65", "--out", out, *HERE).stdout
    first = {path: path.read_bytes() for path in wrote(text)}
    assert {path.parent for path in first} == {out}
    again = lunarscale("anorthosite", maps, "--mg-number", "0.65", "--out", out, *HERE).stdout
    assert again == text
    for path, content in first.items():
        assert path.read_bytes() == content, path.name


def test_anorthosite_refuses(maps: Path, mosaics: dict[str, Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    plain = tmp_path / "plain.zarr"
    lunarscale("predict", mosaics["clementine"], "--out", plain, *HERE)
    for args, words in (
        ((tmp_path / "no",), "a lunarscale store was expected but there is nothing"),
        ((mosaics["clementine"],), "a store of maps was expected but this is a mosaic"),
        ((plain,), "Al2O3"),
        ((maps, "--mare", "nowhere.png"), "nowhere.png: there is no such file"),
        ((maps, "--model", "qiu-2025-feo"), "qiu-2025-feo"),
        ((maps, "--mg-number", "1.5"), "1.5"),
        ((maps, "--al2o3", "-3"), "-3"),
    ):
        assert words in refused("anorthosite", *args, "--out", out, *HERE)
        assert not out.exists()
    assert "not a URL" in refused("anorthosite", maps, "--out", "s3://bucket/x", *HERE)


# simulate


def test_kaguyas_tiles_are_simulated_in_both_versions_the_same_again(tmp_path: Path) -> None:
    box = ("--bbox", "0", "0", "2", "1")
    for version in ("02", "03"):
        folders = [tmp_path / f"{version}-{again}" for again in "ab"]
        for folder in folders:
            text = lunarscale(
                "simulate", "--camera", "kaguya-mi", "--tile-version", version, "--ppd", "8", *box,
                "--out", folder,
            ).stdout  # fmt: skip
            assert re.fullmatch(rf"wrote \d+ simulated tiles to {folder}\n", text)
        one, other = ({p.name: p.read_bytes() for p in f.iterdir()} for f in folders)
        assert one == other
        assert one
        store = tmp_path / f"{version}.zarr"
        grid = ("--ppd", "8", "--shard", "64", "--chunk", "32", *box)
        lunarscale("ingest", folders[0], "--out", store, *grid, *HERE)
        assert "Kaguya MI" in lunarscale("info", store).stdout


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (("--ppd", "2.5"), "--ppd 2.5: Kaguya MI's tiles have whole pixels a degree; round it"),
        (("--ppd", "8", "--tile-version", "04"), "04"),
        (("--ppd", "8", "--camera", "hubble"), "no camera 'hubble'"),
        (("--ppd", "8", "--bbox", "0", "9", "9", "0"), "order is W S E N"),
        (("--ppd", "0"), "a resolution of 0 pixels"),
    ],
)
def test_simulate_refuses(given: Sequence[str], words: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert words in refused("simulate", "--camera", "kaguya-mi", *given, "--out", out)
    assert not out.exists()
