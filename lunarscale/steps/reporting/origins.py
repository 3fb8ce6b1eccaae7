"""What a page says of its models, and of how it and the maps were made."""

from collections.abc import Sequence
from typing import Any

import lunarscale
from lunarscale.engine.record import now, read_runs
from lunarscale.render.labels import pretty_name
from lunarscale.render.page import MethodNote
from lunarscale.render.page_parts import Entry
from lunarscale.store.cube import Cube
from lunarscale.store.layout import MapLayer


def notes_of(layers: Sequence[MapLayer]) -> list[MethodNote]:
    """A note a model, with what must be known of its layers."""
    notes = []
    for model in dict.fromkeys(layer.model for layer in layers):
        own = [layer for layer in layers if layer.model == model]
        named = len({layer.remark for layer in own}) > 1
        told = dict.fromkeys(
            f"{pretty_name(layer.name)}: {layer.remark}" if named else layer.remark
            for layer in own
            if layer.remark
        )
        formula, source = own[0].formula, own[0].source
        notes.append(MethodNote(model, "; ".join(told), formula=formula, source=source))
    return notes


def _words(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def provenance_of(cube: Cube) -> dict[str, Entry]:
    """What made the page and the maps, from what."""
    made: dict[str, Entry] = {
        "page": f"lunarscale {lunarscale.__version__}, {now()}",
        "maps": cube.location.url,
        "history": str(cube.attributes.get("history", "")),
    }
    for run in read_runs(cube.location):
        made[f"{run['verb']} {run['run']}"] = {
            "lunarscale": run["lunarscale"],
            "started": run["started"],
            "ended": run["ended"],
            **{name: _words(value) for name, value in run["parameters"].items() if value},
            **(
                {"models": ", ".join(f"{name} ({sha[:12]})" for name, sha in run["inputs"])}
                if run["inputs"]
                else {}
            ),
            "shards": str(run["shards_done"]),
        }
    return made
