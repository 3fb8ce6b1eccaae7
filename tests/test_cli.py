"""The command line as a stranger meets it: help, plans, refusals and second runs."""

import errno
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import typer
from cli_at_hand import lunarscale, refused
from rasterio.errors import RasterioIOError

from lunarscale.cli import app
from lunarscale.engine.ledger import WITHDRAWN
from lunarscale.models.registry import BUILT_IN
from lunarscale.simulated.archive import tiles, write_archive, write_tile

#: Four tiles at a fiftieth of the archive's resolution, and the grid they go onto: two shards.
BOX = (0.0, 0.0, 12.0, 14.0)
GRID = ("--ppd", "5", "--shard", "64", "--chunk", "32", "--bbox", "0", "0", "12", "14")
HERE = ("--workers", "0")

COMMANDS = tuple(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
GROUPS = ("cluster", "token")


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Whole tiles; not to be changed."""
    folder = tmp_path_factory.mktemp("archive")
    assert len(write_archive(folder, ppd=6.0, bbox=BOX)) == 4
    return folder


@pytest.fixture(scope="module")
def mosaic(archive: Path) -> Path:
    """A mosaic of them; not to be changed."""
    out = archive.parent / "cli-mosaic.zarr"
    lunarscale("ingest", archive, "--out", out, *GRID, *HERE)
    return out


@pytest.fixture(scope="module")
def maps(mosaic: Path) -> Path:
    """Maps of it; not to be changed."""
    out = mosaic.parent / "cli-maps.zarr"
    lunarscale("predict", mosaic, "--out", out, *HERE)
    return out


@pytest.fixture
def tiles_copy(archive: Path, tmp_path: Path) -> Path:
    """Tiles to be spoilt."""
    return Path(shutil.copytree(archive, tmp_path / "tiles"))


@pytest.fixture
def mosaic_copy(mosaic: Path, tmp_path: Path) -> Path:
    """A mosaic to be spoilt."""
    return Path(shutil.copytree(mosaic, tmp_path / "mosaic.zarr"))


def kept(store: Path) -> dict[str, bytes]:
    """Every object of pixels in a store, by key."""
    files = {str(p.relative_to(store)): p for p in store.rglob("*") if p.is_file()}
    return {key: path.read_bytes() for key, path in files.items() if "/c/" in key}


# Help, and the commands that only tell


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_and_an_example_that_it_takes(command: str) -> None:
    text = lunarscale(command, "--help").stdout
    words = " ".join(text.split())
    example = shlex.split(words[words.index(f"Example: lunarscale {command}") :])
    if command in GROUPS:  # the example is one of its commands'
        text = lunarscale(command, example[3], "--help").stdout
    options = {word for word in example if word.startswith("--")}
    assert options <= set(re.findall(r"--[a-z-]+", text[: text.index("Example:")]))


def test_without_a_command_help_is_printed() -> None:
    text = lunarscale(code=2).output
    assert all(command in text for command in COMMANDS)
    assert "lunarscale demo" in text


def test_version() -> None:
    assert re.fullmatch(r"lunarscale \d+\.\d+.*\n", lunarscale("--version").stdout)


def test_stations_prints_the_published_figures() -> None:
    text = lunarscale("stations").stdout.split("With Chang'e-5")[0]
    rows = {words[0]: words for line in text.splitlines() if (words := line.split())}
    assert rows["qiu-2025-feo"][2:5] == ["47", "0.948", "1.040"]
    assert rows["qiu-2025-tio2"][2:5] == ["47", "0.824", "1.185"]
    assert rows["lucey-2000-feo"][2:5] == ["47", "0.924", "1.263"]
    assert rows["lucey-2000-tio2"][4] == "1.203"


def test_models_lists_all_nine() -> None:
    text = lunarscale("models").stdout
    assert len(BUILT_IN) == 9
    assert all(name in text for name in BUILT_IN)


# Plans


@pytest.mark.parametrize("command", ["ingest", "predict", "summarise", "report"])
def test_dry_run_prints_the_plan_and_writes_nothing(
    command: str, archive: Path, mosaic: Path, maps: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    given = {
        "ingest": (archive, *GRID),
        "predict": (mosaic,),
        "summarise": (maps, "--by", _mask(tmp_path)),
        "report": (maps,),
    }[command]
    before = kept(mosaic), kept(maps)
    text = lunarscale(command, *given, "--out", out, "--dry-run").stdout
    assert re.search(r"shards +2, of which 0 are done", text)
    assert re.search(r"pixels to do +4,200", text)
    for label in ("to read, decoded", "to write, decoded", "memory a task"):
        assert re.search(rf"{label} +[\d.,]+ (bytes|kB|MB|GB)", text)
    assert re.search(r"memory a worker \(1 thread\) +\d{3} MB", text)
    assert not out.exists()
    assert (kept(mosaic), kept(maps)) == before
    sentence = refused_for_memory(command, *given, "--out", out)
    assert re.search(r"needs \d{3} MB .* but has 100 MB; use a smaller --shard", sentence)
    assert not out.exists()


def refused_for_memory(*args: object) -> str:
    """The last line: the plan stands before it."""
    result = lunarscale(*args, "--dry-run", "--memory-limit", "100MB", code=1)
    return " ".join(result.stderr.split())


def _mask(folder: Path) -> Path:
    """Regions, so that there is something to count."""
    ring = [[1, 1], [9, 1], [9, 9], [1, 9], [1, 1]]
    box = {"type": "Polygon", "coordinates": [ring]}
    path = folder / "regions.geojson"
    path.write_text(json.dumps({"type": "Feature", "properties": {"name": "box"}, "geometry": box}))
    return path


def test_without_a_terminal_progress_is_one_plain_line(archive: Path, tmp_path: Path) -> None:
    result = lunarscale("ingest", archive, "--out", tmp_path / "m.zarr", *GRID, *HERE)
    assert re.fullmatch(r"ingest: 2 of 2 shards [\d.]+ Mpx/s\n", result.stderr)
    assert "\x1b" not in result.output
    again = lunarscale("ingest", archive, "--out", tmp_path / "m.zarr", *GRID, *HERE)
    assert "Nothing to do" in again.stdout
    assert again.stderr == ""


# Bad tiles: the others go in, and once the bad one is mended the rest


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1000])


def _promise_more(path: Path) -> None:
    _replace(path, rb"( LINES  +=) 43", rb"\1 93")


def _replace(path: Path, pattern: bytes, by: bytes) -> None:
    content, times = re.subn(pattern, by, path.read_bytes())
    assert times == 1
    path.write_bytes(content)


BAD_TILES: dict[str, tuple[Callable[[Path], object], str]] = {
    "truncated": (_truncate, r"promises 5 x 43 x 38 samples \(16,340 bytes\) but 15,340 follow"),
    "promises more": (_promise_more, r"promises 5 x 93 x 38 samples \(35,340 bytes\) but 16,340"),
    "not a tile": (
        lambda path: path.write_bytes(bytes(range(256)) * 20),
        r"should begin with a PDS3 label.* begins with .* no Clementine UVVIS tile",
    ),
    "empty": (lambda path: path.write_bytes(b""), r"the file is empty; fetch it again"),
    "wrong projection": (
        lambda path: _replace(path, b'"SINUSOIDAL"', b'"MERCATOR"  '),
        r"MAP_PROJECTION_TYPE should be SINUSOIDAL but the label has MERCATOR",
    ),
    "other body": (lambda path: _replace(path, b'= "MOON"', b'= "MARS"'), r"MOON but .*MARS"),
}


@pytest.mark.parametrize("case", BAD_TILES)
def test_a_bad_tile_is_named_and_the_others_go_in(
    case: str, tiles_copy: Path, archive: Path, mosaic: Path, tmp_path: Path
) -> None:
    spoil, words = BAD_TILES[case]
    bad = tiles_copy / "ui03n003.img"
    spoil(bad)
    out = tmp_path / "m.zarr"
    command = ("ingest", tiles_copy, "--out", out, *GRID, *HERE)

    dry = lunarscale(*command, "--dry-run", code=3).stderr
    assert "nothing is written" in dry
    assert str(bad) in dry
    assert not out.exists()

    told = lunarscale(*command, code=3).stderr
    assert "finished but for 1 problem" in told
    (problem,) = [line for line in told.splitlines() if str(bad) in line]
    assert re.search(words, problem)
    assert not re.search(r"ui03n009|ui10n0", told)
    partly = lunarscale("info", out).stdout
    assert re.search(r"shards done +2 of 2", partly)
    assert kept(out) != kept(mosaic)

    assert "finished but for 1 problem" in lunarscale(*command, code=3).stderr
    shutil.copy(archive / bad.name, bad)
    lunarscale(*command)
    assert kept(out) == kept(mosaic)


def test_nothing_but_bad_tiles_makes_no_store(tiles_copy: Path, tmp_path: Path) -> None:
    for tile in tiles_copy.iterdir():
        tile.write_bytes(b"")
    sentence = refused("ingest", tiles_copy, "--out", tmp_path / "m.zarr", *GRID, *HERE)
    assert "no tile can be read; the first problem is" in sentence
    assert not (tmp_path / "m.zarr").exists()


def test_tiles_that_disagree_are_counted_and_the_first_wins(tmp_path: Path) -> None:
    (plan,) = [plan for plan in tiles(6.0) if plan.name == "UI03N003"]
    for volume, value in (("a", 1500), ("b", 1501)):
        (tmp_path / volume).mkdir()
        counts = np.full((5, plan.lines, plan.samples), value, np.int16)
        write_tile(tmp_path / volume / plan.file_name, plan, counts)
    alone, both, turned = (tmp_path / f"{name}.zarr" for name in ("alone", "both", "turned"))
    a, b = tmp_path / "a", tmp_path / "b"
    assert "differ" not in lunarscale("ingest", a, "--out", alone, *GRID, *HERE).stdout
    text = lunarscale("ingest", a, b, "--out", both, *GRID, *HERE).stdout
    match = re.search(r"tiles differ in ([\d,]+) of 21,000 counts .* first tile by name", text)
    assert match
    assert int(match[1].replace(",", "")) % 5 == 0
    lunarscale("ingest", b, a, "--out", turned, *GRID, *HERE)
    assert kept(alone) == kept(both) == kept(turned)
    assert match[1] in lunarscale("info", both).stdout


# Refusals


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["nowhere"], "nowhere: there is no such file or folder"),
        (["empty"], "empty: holds no file"),
        (["http://127.0.0.1:9/tiles"], "http://127.0.0.1:9/tiles: cannot be read .*Connect"),
        (["unheard://x"], "unheard://x: cannot be read .*Protocol not known"),
        (["T", "--ppd", "-2"], "resolution of -2 pixels a degree .* give a positive"),
        (["T", "--ppd", "nan"], "resolution of nan pixels a degree"),
        (["T", "--ppd", "1e6"], "15,449,655,762 shards .* use fewer pixels a degree"),
        (["T", "--chunk", "500"], "2048 pixels cannot be cut into chunks of 500; .*divide"),
        (["T", "--shard", "0"], "a shard of 0 pixels cannot be cut"),
        (["T", "--bbox", "0", "20", "10", "10"], "box 0 20 10 10: needs .* order is W S E N"),
        (["T", "--bbox", "0", "0", "10", "95"], "box 0 0 10 95: needs -90 <= south < north"),
        (["T", "--bbox", "-190", "0", "10", "9"], "longitudes run from -180 to 180"),
        (["T", "--bbox", "5", "0", "5", "9"], "longitudes .* must differ"),
        (["T", "--storage-options", "{x"], "{x: this is not JSON"),
        (["T", "--storage-options", "[1]"], "a JSON object is needed"),
        (["T", "--verify", "nowhere.md5"], "nowhere.md5: there is no such file"),
    ],
)
def test_ingest_refuses(
    given: list[str], words: str, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    args = [str(archive) if word == "T" else word for word in given]
    assert re.search(words, refused("ingest", *args, "--out", "m.zarr", *HERE))
    assert not Path("m.zarr").exists()


def test_places_that_cannot_be_written_are_refused(archive: Path, tmp_path: Path) -> None:
    a_file = tmp_path / "notes.txt"
    a_file.write_text("mine")
    others = tmp_path / "others"
    others.mkdir()
    (others / "notes.txt").write_text("mine")
    for out in (a_file, others):
        for again in ((), ("--overwrite",)):
            sentence = refused("ingest", archive, "--out", out, *GRID, *HERE, *again)
            assert f"{out}: a lunarscale store was expected but there is something else" in sentence
    below = lunarscale("ingest", archive, "--out", a_file / "m.zarr", *GRID, *HERE, code=1).stderr
    assert re.search(r"notes.txt.*: Not a directory; check that the path is right", below)
    assert a_file.read_text() == (others / "notes.txt").read_text() == "mine"


def test_places_that_cannot_take_the_results_are_refused_before_the_work(tmp_path: Path) -> None:
    a_file = tmp_path / "notes.txt"
    a_file.write_text("mine")
    few = ("--bootstrap", "0", "--out")
    assert "a file is needed but a folder is there" in refused("calibrate", *few, tmp_path)
    sentence = refused("calibrate", *few, a_file / "below" / "model.json")
    assert f"a folder is needed but {a_file} is a file; name another" in sentence
    drawn = ("--figure", a_file / "origin.png")
    sentence = refused("calibrate", *few, tmp_path / "model.json", *drawn)
    assert "a folder is needed but a file is there" in sentence
    sentence = refused("simulate", "--ppd", 4, "--out", a_file)
    assert "a folder is needed but a file is there" in sentence
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_folder_that_may_not_be_written_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda place, mode: False)  # root may write everywhere
    sentence = refused("calibrate", "--bootstrap", "0", "--out", tmp_path / "new" / "model.json")
    assert f"{tmp_path} may not be written; name another folder" in sentence


def test_a_full_disk_is_told_and_half_a_tile_is_not_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int, content: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.write", full)
    box = ("--bbox", "0", "0", "4", "4", "--ppd", "4")
    for camera in ("clementine", "kaguya-mi"):
        sentence = refused("simulate", *box, "--camera", camera, "--out", tmp_path)
        assert "the disk is full" in sentence
        assert list(tmp_path.iterdir()) == []


def test_a_geotiff_that_gdal_cannot_write_is_told(
    maps: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise RasterioIOError("Write failed") from OSError("No space left on device")

    monkeypatch.setattr("lunarscale.render.geotiff.copy_raster", full)
    out = tmp_path / "feo.tif"
    told = lunarscale("export", maps, "--layer", "FeO", "--out", out, code=1).stderr
    sentence = f"{out}: GDAL cannot write it (No space left on device); free some room"
    assert sentence in told.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []


def test_what_memory_cannot_hold_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def fill(name: str) -> None:
        raise MemoryError("Unable to allocate 52.3 GiB")

    monkeypatch.setattr("lunarscale.steps.models.show_model", fill)
    told = refused("models", "show", "qiu-2025-feo", command="models show")
    assert "not enough memory (Unable to allocate 52.3 GiB); ask for fewer pixels" in told


def test_what_does_not_go_on_says_so_when_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(name: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("lunarscale.steps.models.show_model", stop)
    told = refused("models", "show", "qiu-2025-feo", code=130, command="models show")
    assert told == "lunarscale models show: stopped; run it again, it starts afresh"


@pytest.mark.parametrize("command", ["summarise", "report"])
def test_results_go_into_a_folder_of_this_machine(command: str, maps: Path, tmp_path: Path) -> None:
    a_file = tmp_path / "notes.txt"
    a_file.write_text("mine")
    assert "a folder is needed but a file is there" in refused(command, maps, "--out", a_file)
    assert "not a URL" in refused(command, maps, "--out", "s3://bucket/out")


def test_other_parameters_are_refused_and_named(archive: Path, mosaic: Path) -> None:
    before = kept(mosaic)
    for change, words in (
        (("--shard", "128"), "made with shard 64 but 128 is asked for"),
        (("--ppd", "6"), r"made with grid 60 x 70 pixels, 5 a degree.* but 72 x 84 pixels, 6"),
    ):
        sentence = refused("ingest", archive, "--out", mosaic, *GRID, *HERE, *change)
        assert re.search(words, sentence)
        assert "--overwrite to start afresh" in sentence
    assert kept(mosaic) == before


def test_maps_never_take_a_mosaics_place(mosaic: Path) -> None:
    before = kept(mosaic)
    for again in ((), ("--overwrite",)):
        sentence = refused("predict", mosaic, "--out", mosaic, *HERE, *again)
        assert "a store of maps was expected but this is a mosaic" in sentence
    assert kept(mosaic) == before


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["--model", "otake-2012-theta-fe"], "otake.* made for Kaguya MI but the mosaic is of"),
        (["--model", "qiu-2025-fe"], "no model 'qiu-2025-fe' .*did you mean qiu-2025-feo"),
        (["--model", "qiu-2025-feo", "--model", "qiu-2025-feo"], "qiu-2025-feo is named twice"),
        (["--model", "qiu-2025-feo"] * 2, "qiu-2025-feo is named twice"),
        (["--bbox", "50", "0", "60", "10"], "50 0 60 10 reaches beyond .* covers 0 0 12 14"),
        (["--bbox", "10", "10", "0", "5"], "box 10 10 0 5: needs .* order is W S E N"),
        (["--mare", "nowhere.png"], "nowhere.png: there is no such file"),
    ],
)
def test_predict_refuses(given: list[str], words: str, mosaic: Path, tmp_path: Path) -> None:
    out = tmp_path / "maps.zarr"
    assert re.search(words, refused("predict", mosaic, "--out", out, *HERE, *given))
    assert not out.exists()


def test_a_store_of_the_other_kind_or_none_is_refused(
    mosaic: Path, maps: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    for args, words in (
        (("predict", maps, "--out", out), "a mosaic was expected but this is a store of maps"),
        (("summarise", mosaic, "--out", out), "a store of maps was expected but this is a mosaic"),
        (("report", mosaic, "--out", out), "a store of maps was expected"),
        (("export", mosaic, "--layer", "FeO", "--out", out), "a store of maps was expected"),
        (("info", tmp_path / "no"), "a lunarscale store was expected but there is nothing"),
        (("validate", tmp_path), "a lunarscale store was expected but there is"),
        (("export", maps, "--layer", "FEO", "--out", out), "no layer FEO; the store has FeO, TiO2"),
        (("export", maps, "--layer", "FeO", "--out", tmp_path), "a folder is there"),
        (("export", maps, "--layer", "FeO", "--out", out / "a.tif"), "the folder .* is not there"),
        (("summarise", maps, "--out", out, "--by", "moon,sees"), "'sees' is no grouping"),
        (("simulate", "--ppd", "0", "--out", out), "a resolution of 0 pixels"),
        (("simulate", "--ppd", "2", "--bbox", 0, 9, 9, 0, "--out", out), "order is W S E N"),
    ):
        assert re.search(words, refused(*args))
        assert not out.exists()


def test_a_store_of_another_version_is_refused(mosaic_copy: Path, tmp_path: Path) -> None:
    root = mosaic_copy / "zarr.json"
    root.write_text(root.read_text().replace('"format": 1', '"format": 99'))
    out = tmp_path / "maps.zarr"
    for args in (("info", mosaic_copy), ("validate", mosaic_copy)):
        assert "reads store format 1 but the store has format 99" in refused(*args)
    assert "format 99" in refused("predict", mosaic_copy, "--out", out, *HERE)


# Torn stores


def test_a_torn_shard_is_found_and_only_it_made_again(
    archive: Path, mosaic: Path, mosaic_copy: Path
) -> None:
    torn = mosaic_copy / "reflectance/c/2/1/0"
    torn.write_bytes(torn.read_bytes()[:-100])
    told = lunarscale("validate", mosaic_copy, code=1).stdout
    assert re.search(r"torn: .*reflectance/c/2/1/0: [\d,]+ bytes were written but [\d,]+ are", told)
    assert "1 of 2 shards are of full length; --deep reads every byte" in told
    assert "Run the command that made the store again" in told
    again = lunarscale("ingest", archive, "--out", mosaic_copy, *GRID, *HERE).stdout
    assert re.search(r"shards +2, of which 1 are done", again)
    lunarscale("validate", mosaic_copy, "--deep")
    assert kept(mosaic_copy) == kept(mosaic)


def test_a_changed_byte_is_found_by_a_deep_look(mosaic_copy: Path) -> None:
    changed = mosaic_copy / "flag/c/0/0"
    blob = bytearray(changed.read_bytes())
    blob[3] ^= 1
    changed.write_bytes(blob)
    assert "2 of 2 shards are of full length" in lunarscale("validate", mosaic_copy).stdout
    told = lunarscale("validate", mosaic_copy, "--deep", code=1).stdout
    assert re.search(r"torn: .*flag/c/0/0: .* does not match its CRC32C", told)


# The way through


def test_from_maps_to_tables_page_and_geotiff(maps: Path, tmp_path: Path) -> None:
    text = lunarscale("summarise", maps, "--by", "moon,maria", "--out", tmp_path / "s").stdout
    assert "FeO, wt %" in text
    assert "non-maria" in text
    assert (tmp_path / "s" / "statistics.csv").is_file()
    assert "index.html" in lunarscale("report", maps, "--out", tmp_path / "r", *HERE).stdout
    assert "SIMULATED" in (tmp_path / "r" / "index.html").read_text()
    lunarscale("export", maps, "--layer", "OMAT", "--out", tmp_path / "omat.tif")
    assert (tmp_path / "omat.tif").stat().st_size > 0
    assert re.search(r"kind +maps, SIMULATED", lunarscale("info", maps).stdout)


@pytest.mark.cluster
def test_with_real_workers_it_is_the_same(archive: Path, mosaic: Path, tmp_path: Path) -> None:
    out = tmp_path / "m.zarr"
    text = lunarscale("ingest", archive, "--out", out, *GRID, "--workers", "2").stdout
    assert re.search(r"Dask dashboard: http://127.0.0.1:\d+/status", text)
    assert kept(out) == kept(mosaic)


@pytest.mark.cluster
def test_a_scheduler_that_does_not_answer_is_named(
    mosaic: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # how long users wait for it is tested beside the clusters
    monkeypatch.setattr("lunarscale.clusters.connecting._ANSWER_S", 1.0)
    there = "tcp://127.0.0.1:9"
    result = lunarscale(
        "predict", mosaic, "--out", tmp_path / "m.zarr", "--scheduler", there, code=1
    )
    assert f"no Dask scheduler answers at {there}" in result.stderr
    assert not (tmp_path / "m.zarr").exists()


@pytest.mark.cluster
def test_ctrl_c_keeps_what_is_finished(
    archive: Path, tmp_path: Path, hears_ctrl_c: Callable[[], None]
) -> None:
    """To all processes, as a terminal sends it; one sentence, code 130, and the rest later."""
    out, ledger = tmp_path / "m.zarr", tmp_path / "m.zarr" / "ledger"
    small = ("--ppd", "60", "--shard", "32", "--chunk", "32", "--bbox", "0", "0", "12", "14")
    command = [sys.executable, "-m", "lunarscale.cli", "ingest", archive, "--out", out, *small]
    run = subprocess.Popen(
        list(map(str, [*command, "--workers", "2"])), stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, start_new_session=True, preexec_fn=hears_ctrl_c,
    )  # fmt: skip
    deadline = time.monotonic() + 300
    while len(list(ledger.glob("r*.json"))) < 5:
        assert run.poll() is None, run.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    subprocess.run(["kill", "-INT", "--", f"-{run.pid}"], check=True)
    _, told = run.communicate(timeout=300)
    assert run.returncode == 130
    assert "Traceback" not in told
    assert told.splitlines()[-1].startswith("lunarscale ingest: stopped; what is finished is kept")
    # a worker whose run has gone takes its last shard back: that is in the ledger, and not done
    entries = [json.loads(path.read_bytes()) for path in ledger.glob("r*.json")]
    finished = sum(entry["key"] != WITHDRAWN for entry in entries)
    assert len(entries) - 2 <= finished
    again = lunarscale("ingest", archive, "--out", out, *small, *HERE).stdout
    assert re.search(rf"shards +621, of which {finished} are done", again), entries
    assert 3 <= finished < 621
