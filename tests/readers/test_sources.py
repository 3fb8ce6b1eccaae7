"""Sources: what counts as a tile, what is a problem, what is no source at all."""

import hashlib
import pickle
import time
from pathlib import Path

import fsspec
import numpy as np
import pytest
import rasterio
from rasterio.transform import Affine

from lunarscale.errors import SourceError, TileError
from lunarscale.readers.sources import Index, index_sources, verify_md5


@pytest.fixture
def archive(tmp_path: Path, counts, make_tile, make_label) -> Path:
    """A copy of two volumes with all that lies about on the discs."""
    root = tmp_path / "archive"
    for folder in ("cl_4006/data", "CL_4007/DATA", "cl_4006/index", "cl_4006/catalog"):
        (root / folder).mkdir(parents=True)
    data = root / "cl_4006/data"
    (data / "ui03n003.img").write_bytes(make_tile(counts))
    (data / "ui03n003.lab").write_text("CCSD3ZF0000100000001 = SFDU_LABEL\nEND\n")
    (data / "ui03n009.img").write_bytes(counts.astype(">i2").tobytes())
    detached = make_label(counts.shape, product="UI03N009", pointer='"UI03N009.IMG"')
    (data / "ui03n009.lbl").write_text(detached)
    (data / "._ui03n003.img").write_bytes(b"shadow")
    (root / "CL_4007/DATA/UI03N015.IMG").write_bytes(make_tile(counts, product="UI03N015"))
    (root / "cl_4006/index/index.lbl").write_text("PDS_VERSION_ID = PDS3\nEND\n")
    (root / "cl_4006/index/index.tab").write_text("")
    (root / "cl_4006/catalog/dsmap.cat").write_text("PDS_VERSION_ID = PDS3\nEND\n")
    place = Affine(100, 0, 0, 0, -100, 0)
    crs = "+proj=sinu +lon_0=15 +R=1737400 +units=m +no_defs"
    shape = {"count": 5, "height": 40, "width": 30, "dtype": "int16"}
    tiff = root / "uvvis_17n_015e.tif"
    with rasterio.open(tiff, "w", driver="GTiff", crs=crs, transform=place, **shape) as out:
        out.write(counts)
    return root


def names(index: Index) -> list[str]:
    return [tile.name for tile in index.tiles]


ALL = ["UI03N003", "UI03N009", "UI03N015", "UVVIS_17N_015E"]


def test_a_folder_is_walked(archive: Path, counts) -> None:
    index = index_sources([str(archive)])
    assert (names(index), index.problems) == (ALL, ())
    for tile in index.tiles:
        np.testing.assert_array_equal(tile.read(slice(2, 5), slice(0, 30)), counts[:, 2:5])


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("cl_4006/data/ui03n003.img", ["UI03N003"]),
        ("cl_4006/data/ui03n009.lbl", ["UI03N009"]),
        ("cl_4006/data/*.lbl", ["UI03N009"]),
        ("cl_4006/*/ui*", ["UI03N003", "UI03N009"]),
        ("**/*.[iI][mM][gG]", ["UI03N003", "UI03N009", "UI03N015"]),
        ("CL_4007", ["UI03N015"]),
    ],
)
def test_a_file_a_glob_a_folder(archive: Path, source: str, found: list[str]) -> None:
    index = index_sources([f"{archive}/{source}"])
    assert (names(index), index.problems) == (found, ())


def test_the_order_of_sources_does_not_matter(archive: Path) -> None:
    parts = [str(archive / "CL_4007"), str(archive / "uvvis_17n_015e.tif"), str(archive)]
    assert index_sources(parts) == index_sources(parts[::-1]) == index_sources([str(archive)])


def test_a_product_in_two_places_is_kept_for_each(archive: Path) -> None:
    twin = archive / "a_second_copy.img"
    twin.write_bytes((archive / "cl_4006/data/ui03n003.img").read_bytes())
    tiles = index_sources([str(archive)]).tiles
    assert [t.name for t in tiles].count("UI03N003") == 2
    assert [(t.name, t.path) for t in tiles] == sorted((t.name, t.path) for t in tiles)


def test_a_relative_path_becomes_absolute(archive: Path, monkeypatch) -> None:
    monkeypatch.chdir(archive / "cl_4006")
    assert index_sources(["data"]).tiles[0].path == str(archive / "cl_4006/data/ui03n003.img")


def test_bad_tiles_are_problems_and_the_others_go_in(
    archive: Path, counts, make_tile, make_label
) -> None:
    data = archive / "cl_4006/data"
    (data / "ui03n021.img").write_bytes(make_tile(counts, product="UI03N021")[:-1])
    (data / "ui03n027.img").write_bytes(b"")
    (data / "ui03n033.img").write_bytes(make_tile(counts, target="MARS"))
    (data / "ui03n039.lbl").write_text(make_label(counts.shape, pointer='"UI03N039.IMG"'))
    (data / "ui03n045.tif").write_bytes(b"no tiff")
    index = index_sources([str(archive)])
    assert names(index) == ALL
    told = [str(problem) for problem in index.problems]
    assert [Path(text.partition(": ")[0]).name for text in told] == [
        "ui03n021.img", "ui03n027.img", "ui03n033.img", "ui03n039.lbl", "ui03n045.tif"
    ]  # fmt: skip
    for text, fault in zip(
        told,
        ("but 11,999 follow it", "is empty", "has MARS", "not beside it", "complete GeoTIFF"),
        strict=True,
    ):
        assert fault in text
        assert "\n" not in text


def test_a_file_named_itself_is_taken_for_a_tile(archive: Path) -> None:
    named = [archive / "cl_4006/index/index.tab", archive / "cl_4006/index/index.lbl"]
    index = index_sources(map(str, named))
    assert index.tiles == ()
    assert "the label has no TARGET_NAME" in str(index.problems[0])
    assert "a tile's name should end in .img, .tif, .tiff, .lbl, .lab" in str(index.problems[1])


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("nowhere", "there is no such file or folder"),
        ("nowhere/*.img", "holds no file, so none that should be a tile"),
        ("empty", "holds no file, so none that should be a tile"),
        ("other", "holds 2 files but none that should be a tile (.img, .tif, .tiff)"),
        ("nonsense://bucket/a.img", "cannot be read (Protocol not known: nonsense)"),
        ("memory://nowhere/at/all", "there is no such file or folder"),
        ("http://127.0.0.1:9/ui03n003.img", "ui03n003.img: "),
    ],
)
def test_no_source(tmp_path: Path, source: str, message: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "other").mkdir()
    (tmp_path / "other/readme.txt").write_text("")
    (tmp_path / "other/index.lbl").write_text("")
    named = source if "://" in source else str(tmp_path / source)
    with pytest.raises(SourceError) as caught:
        index_sources([named])
    assert str(caught.value).startswith(f"{named}: ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_remote_folder(archive: Path, counts) -> None:
    fs = fsspec.filesystem("memory")
    fs.put(str(archive), "/moon", recursive=True)
    fs.pipe_file("/moon/bad.img", b"bad")
    try:
        index = index_sources(["memory://moon"])
        assert names(index) == ALL
        assert [str(p).partition(": ")[0] for p in index.problems] == ["memory:///moon/bad.img"]
        assert names(index_sources(["memory://moon/**/*.IMG"])) == ["UI03N015"]
        for tile in pickle.loads(pickle.dumps(index)).tiles:
            np.testing.assert_array_equal(tile.read(slice(2, 5), slice(0, 30)), counts[:, 2:5])
    finally:
        fs.rm("/moon", recursive=True)


def test_the_whole_archive_is_indexed_in_a_moment(tmp_path: Path, counts, make_tile) -> None:
    content = make_tile(counts)
    for number in range(996):
        folder = tmp_path / f"cl_4{number % 78:03}"
        folder.mkdir(exist_ok=True)
        (folder / f"ui{number:03}.img").write_bytes(content)
    start = time.process_time()
    assert len(index_sources([str(tmp_path)]).tiles) == 996
    assert time.process_time() - start < 10  # about 1 s of processor time


# --- MD5 lists ----------------------------------------------------------------------------------


def md5(path: str) -> str:
    return hashlib.md5(Path(path).read_bytes()).hexdigest()


@pytest.mark.parametrize("form", ["archive", "md5sum", "md5sum -b"])
def test_sums_that_agree(archive: Path, form: str) -> None:
    index = index_sources([str(archive)])
    sums = archive / "sums"
    if form == "archive":
        rows = [
            f"cl_4006/data/{Path(t.path).name.lower()},/data/,{md5(t.path)},x" for t in index.tiles
        ]
        sums.write_text("file,newpath,checksum,pds3_product_id\n" + "\n".join(rows) + "\n")
    else:
        mark = "*" if form == "md5sum -b" else " "
        rows = [f"{md5(t.path).upper()} {mark}./{Path(t.path).name}" for t in index.tiles]
        sums.write_text("\n".join(rows) + "\n")
    assert verify_md5(index, str(sums)) == index


def test_sums_that_do_not(archive: Path) -> None:
    index = index_sources([str(archive)])
    sums = archive / "sums"
    rows = [f"{md5(tile.path)}  {Path(tile.path).name}" for tile in index.tiles[1:]]
    sums.write_text("\n".join(rows))
    broken = Path(index.tiles[2].path)
    content = bytearray(broken.read_bytes())
    content[-1] ^= 1
    broken.write_bytes(content)
    Path(index.tiles[3].path).unlink()
    problems = verify_md5(index, str(sums)).problems
    assert all(isinstance(problem, TileError) for problem in problems)
    told = list(map(str, problems))
    assert len(told) == 3
    assert f"{index.tiles[0].path}: its name is not in the list" in told[0]
    assert f"but the file has {md5(str(broken))}" in told[1]
    assert "there is no such file" in told[2]


def test_no_list(archive: Path) -> None:
    index = index_sources([str(archive)])
    with pytest.raises(SourceError, match="there is no such file; name a list of MD5 sums"):
        verify_md5(index, str(archive / "nowhere"))
    (archive / "sums").write_text("hello\n")
    with pytest.raises(SourceError, match="columns file and checksum, or lines of a sum"):
        verify_md5(index, str(archive / "sums"))


def test_the_archives_own_list(test_data, tmp_path: Path, counts, make_tile) -> None:
    (tmp_path / "UI73N007.IMG").write_bytes(make_tile(counts, product="UI73N007"))
    sums = str(test_data("clementine_dim/uvvis_md5.csv"))
    verified = verify_md5(index_sources([str(tmp_path)]), sums)
    (problem,) = verified.problems
    assert verified.tiles == ()
    assert "promises the MD5 sum 64e3e83ef5171db4c0423904a4212e87 but" in str(problem)
