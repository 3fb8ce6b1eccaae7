"""What a validation found."""

from dataclasses import dataclass, field


@dataclass
class Verdict:
    """What was found of one store, and of its overviews.

    Parameters
    ----------
    url : str
        The store.
    shards, done : int
        Shards in all, and those that the ledger has and that are whole; its levels' not among them.
    missing : list of str
        Shards that the ledger does not have: not made yet.
    torn : list of str
        One sentence a shard whose objects are not what was written.
    damaged : list of str
        One sentence a document of the store, or paper of its ledger, that is not what was written.
    strange : list of str
        One sentence an object that is of no run. Nothing reads it, so the store may be whole.
    busy : str
        Why nothing was taken back or mended although there was cause; else empty.
    levels : list of Verdict
        Of its coarser levels, the finest first.
    unread : str
        Why nobody reads the levels that lie there, where that is no fault; else empty.
    """

    url: str
    shards: int
    done: int = 0
    missing: list[str] = field(default_factory=list)
    torn: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    strange: list[str] = field(default_factory=list)
    busy: str = ""
    levels: list["Verdict"] = field(default_factory=list)
    unread: str = ""

    @property
    def is_whole(self) -> bool:
        """Whether every shard is done and all is what was written, in its levels too."""
        return self.is_whole_itself and self.are_levels_whole

    @property
    def is_whole_itself(self) -> bool:
        """The same of the store without its levels."""
        return self.done == self.shards and not self.damaged

    @property
    def are_levels_whole(self) -> bool:
        """The same of the levels."""
        return all(level.is_whole for level in self.levels)
