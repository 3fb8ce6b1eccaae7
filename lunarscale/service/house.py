"""What the requests of one service share."""

from dataclasses import dataclass, field

from lunarscale.service.access import Access
from lunarscale.service.catalogue import Catalogue
from lunarscale.service.crowds import Crowd
from lunarscale.service.jobs.jobs import Jobs
from lunarscale.service.jobs.shelf import Shelf
from lunarscale.service.metrics import Metrics
from lunarscale.service.queries.rehearsal import Rehearsal
from lunarscale.service.queries.rooms import Rooms
from lunarscale.service.queries.sites import SiteList
from lunarscale.service.rates import Rates
from lunarscale.service.settings import Settings
from lunarscale.service.tiles.kept import Kept
from lunarscale.service.tiles.making import Tiles
from lunarscale.service.tokens import Token
from lunarscale.service.uploads import Uploads

#: Datasets whose values at the landing sites are kept.
SITES_KEPT = 32


@dataclass
class House:
    """What the requests of one service share; it lives as long as the app.

    Parameters
    ----------
    settings : Settings
    session : tuple of Token
        Tokens that hold as long as this process.
    """

    settings: Settings
    session: tuple[Token, ...] = ()
    catalogue: Catalogue = field(init=False)
    access: Access = field(init=False)
    uploads: Uploads = field(init=False)
    shelf: Shelf = field(init=False)  #: what jobs may use
    metrics: Metrics = field(init=False)
    jobs: Jobs = field(init=False)
    tiles: Tiles = field(init=False)
    rates: Rates = field(init=False)  #: of all requests
    costly: Rates = field(init=False)  #: of those that take seconds of a core
    rooms: Rooms = field(init=False)  #: where those are worked on
    rehearsal: Rehearsal = field(init=False)  #: of the first of them
    sites: Kept[SiteList] = field(init=False)  #: with a dataset's values, which take a while
    files: Crowd = field(init=False)  #: downloads that are written or sent

    def __post_init__(self) -> None:
        self.catalogue = Catalogue(self.settings.data_dir)
        self.access = Access(self.settings, self.session)
        limits = self.settings.limits
        self.uploads = Uploads(self.settings.own_folder / "uploads", limits)
        self.shelf = Shelf(self.settings.data_dir, self.catalogue, self.uploads, limits)
        self.metrics = Metrics(lambda: self.jobs.counts())
        self.jobs = Jobs(self.settings, self.shelf, hearers=(self.metrics,))
        self.rooms = Rooms(limits.answer_s)
        self.rehearsal = Rehearsal()
        self.sites = Kept(SITES_KEPT, lambda found: 1)
        self.files = Crowd(limits.downloads, limits.downloads_each, what="downloads")
        self.tiles = Tiles(limits)
        callers = limits.callers_kept
        self.rates = Rates(limits.requests_a_minute, limits.requests_at_once, callers=callers)
        self.costly = Rates(
            limits.costly_a_minute,
            limits.costly_a_minute / 4,
            callers=callers,
            what="requests that take long (statistics, downloads, uploads, jobs)",
        )

    def open(self) -> None:
        """Start what works beside the requests."""
        self.jobs.open()
        if self.jobs.are_ours:  # else another service may just be receiving some
            self.uploads.clear()
        self.tiles.open()

    def rehearse(self) -> None:
        """Get ready for the first statistics, behind what the first tiles need."""
        self.rehearsal.open(after=self.tiles.rehearsed)

    def leave(self) -> None:
        """The end is near: what would go on as long as a request lasts stops."""
        self.jobs.leave()

    def close(self) -> None:
        """End it, keeping what is to be kept."""
        self.jobs.close()
        self.rehearsal.close()  # it would begin when the tiles' own is over
        self.tiles.close()
