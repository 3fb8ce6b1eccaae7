"""Simulated tiles of the archive's form, written by the workers; those that are there are kept."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lunarscale.engine.executors import Executor
from lunarscale.simulated.archive import simulated_tile, write_tile
from lunarscale.simulated.tiling import TilePlan, tiles

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class MakeTile:
    """Writes one tile, whole or not at all; returns its pixels."""

    folder: str

    def __call__(self, plan: TilePlan) -> int:
        """Simulate and write."""
        path = Path(self.folder, plan.file_name)
        write_tile(path, plan, simulated_tile(plan))
        return plan.lines * plan.samples


def missing(folder: Path, ppd: float, bbox: Box | None) -> list[TilePlan]:
    """The tiles of a box, or of the whole Moon, that are not there."""
    plans = [plan for plan in tiles(ppd) if bbox is None or plan.touches(bbox)]
    return [plan for plan in plans if not Path(folder, plan.file_name).exists()]


def make_tiles(
    folder: Path, plans: list[TilePlan], *, executor: Executor, tell: Callable[[int, int], None]
) -> int:
    """Write tiles, the largest first; returns their pixels.

    Parameters
    ----------
    folder : Path
    plans : list of TilePlan
    executor : Executor
    tell : callable
        Told after each how many are there, and of how many.
    """
    folder.mkdir(parents=True, exist_ok=True)
    plans = sorted(plans, key=lambda plan: -plan.lines * plan.samples)
    done = 0

    def merge(total: int, pixels: int) -> int:
        nonlocal done
        done += 1
        tell(done, len(plans))
        return total + pixels

    return executor.fold(MakeTile(str(folder)), plans, merge=merge, initial=0)
