"""What jobs may use, by name: datasets, models, polygons and tiles; and where they may write.

A name from a request is compared with names that were listed. Only the name of what is to be made
becomes part of a path, and it is letters, digits and three signs.
"""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lunarscale.engine.ledger import FOLDER as LEDGER
from lunarscale.errors import ConflictError, LimitError, UnknownError
from lunarscale.grid.raster import RasterGrid
from lunarscale.service.catalogue import Catalogue
from lunarscale.service.models import word_for
from lunarscale.service.settings import Limits
from lunarscale.service.uploads import Uploads

#: What a folder of tiles may be called to be listed.
_FOLDER = re.compile(r"\w[\w .+-]{0,126}\w|\w")


@dataclass(frozen=True)
class Shelf:
    """What jobs may use, by name.

    Parameters
    ----------
    data_dir : Path
    catalogue : Catalogue
    uploads : Uploads
    limits : Limits
    """

    data_dir: Path
    catalogue: Catalogue
    uploads: Uploads
    limits: Limits

    def store(self, name: str) -> str:
        """Where the dataset of a name lies.

        Raises
        ------
        UnknownError
            If there is none.
        """
        return self.catalogue.dataset(name).location.url

    def output(self, name: str) -> str:
        """Where a dataset that is to be made will lie; the name was held against its rule."""
        return str(self.data_dir / name)

    def require_free(self, name: str) -> None:
        """Make sure that a dataset may be made under a name, or gone on with.

        Raises
        ------
        ConflictError
            If it is finished already, or something else is called so.
        """
        place = self.data_dir / name
        if name in {dataset.name for dataset in self.catalogue.datasets()}:
            there = self.catalogue.dataset(name)
            if there.done == there.shards:
                raise ConflictError(
                    f"there is a finished dataset {name} already; choose another name"
                )
        # what was half made or half removed has a ledger: the verb sees whether it goes on there
        elif os.path.lexists(place) and (place.is_symlink() or not (place / LEDGER).is_dir()):
            raise ConflictError(
                f"something that is no dataset is called {name} already; choose another name"
            )

    def models(self, names: Sequence[str]) -> list[str]:
        """What a step is told for the models of some names."""
        return [word_for(self.uploads, name) for name in names]

    def polygons(self, name: str) -> str:
        """The file of the uploaded polygons of a name."""
        return str(self.uploads.path(self.uploads.find("polygons", name)))

    def regions(self, words: Sequence[str], polygons: Sequence[str]) -> list[str]:
        """What a step is told for groupings: words, and uploaded polygons by name."""
        return [*words, *map(self.polygons, polygons)]

    def folders(self) -> list[str]:
        """Folders that may hold tiles: neither hidden, nor links, nor stores, whole or begun."""
        marks = "zarr.json", LEDGER
        return sorted(
            name
            for name in self.catalogue.folders(_FOLDER)
            if not any(os.path.lexists(self.data_dir / name / mark) for mark in marks)
        )

    def tiles(self, name: str) -> str:
        """The folder of tiles of a name.

        Raises
        ------
        UnknownError
            If there is none.
        """
        there = self.folders()
        for listed in there:
            if listed == name:
                return str(self.data_dir / listed)
        has = ", ".join(there[:10]) or "none"
        raise UnknownError(
            f"this service has no folder of tiles {name[:80]!r}; the folders are {has}"
        )

    def require_pixels(self, grid: RasterGrid) -> None:
        """Make sure that a grid is not more than a job may take.

        Raises
        ------
        LimitError
            If it is.
        """
        asked, most = grid.width * grid.height, self.limits.job_pixels
        if asked > most:
            raise LimitError(
                f"a job is of {most:,} pixels at most but {asked:,} are asked for; name a smaller "
                "region or fewer pixels a degree"
            )
