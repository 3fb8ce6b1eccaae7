"""Info: what a store holds, for people."""

from typing import Any

from lunarscale.engine.ledger import Ledger
from lunarscale.engine.record import read_runs
from lunarscale.plurals import several
from lunarscale.steps.opening import kept_labels
from lunarscale.steps.overview import sizes_of
from lunarscale.store.cube import Cube
from lunarscale.store.location import Location


def describe(store: str, storage_options: dict[str, Any] | None = None) -> list[tuple[str, str]]:
    """A store as label and value: kind, grid, cut, layers, what is done, its runs."""
    cube = Cube.open(Location(store, storage_options or {}))
    layout, grid = cube.layout, cube.grid
    ledger = Ledger.of(cube)
    entries = ledger.scan(layout.windows())
    done = [entry for entry in entries if entry is not None]
    west, south, east, north = grid.bounds()
    size = sum(size for entry in done for size, _ in entry.objects.values())
    lines = [
        ("title", str(cube.attributes.get("title", ""))),
        ("kind", layout.kind + (", SIMULATED" if layout.simulated else "")),
        ("camera", layout.camera_facts.title),
        ("pixels", f"{grid.width:,} x {grid.height:,} at {grid.around / 360:.5f} a degree"),
        ("covers", f"{west:.4f} {south:.4f} {east:.4f} {north:.4f} (W S E N, degrees)"),
        ("shard, chunk", f"{layout.shard} x {layout.shard}, {layout.chunk} x {layout.chunk} px"),
        ("arrays", ", ".join(spec.name for spec in layout.arrays())),
        ("shards done", f"{len(done):,} of {len(entries):,}, {size:,} bytes"),
    ]
    if layout.kind == "maps":
        lines.append(("statistics kept", _kept(cube)))
        lines.append(("overviews", sizes_of(cube) or "none of what the maps hold now"))
    disagreements = sum(entry.disagreements for entry in done)
    if layout.kind == "mosaic":
        lines.append(("tiles disagree in", f"{disagreements:,} pixels of a band; the first won"))
    lines += [
        (f"layer {layer.name}", f"{layer.model}: {layer.formula} ({layer.source})")
        for layer in layout.layers
    ]
    lines += [
        (
            f"run {run['run']}",
            f"{run['verb']} {run['started']}, {several(run['shards_done'], 'shard')}",
        )
        for run in read_runs(cube.location)
    ]
    return lines


def _kept(cube: Cube) -> str:
    """What summarise finds without a pass over the maps."""
    labels = kept_labels(cube)
    told = [f"{label.name} ({len(label.groups)})" for label in labels]
    return f"by {', '.join(told)}" if told else "none: summarise counts the maps"
