"""Runs prepared steps on the cluster that the user chose."""

from contextlib import ExitStack
from time import perf_counter
from typing import Any

from rich.markup import escape

from lunarscale.cli.options import ClusterOptions
from lunarscale.console import err_console, out_console, print_pairs, progress_bar
from lunarscale.errors import IncompleteError


class Runner:
    """Runs prepared steps on the cluster that the user chose, starting it once.

    Parameters
    ----------
    cluster : ClusterOptions
    dry_run : bool
    """

    def __init__(self, cluster: ClusterOptions, *, dry_run: bool = False) -> None:
        from lunarscale.clusters.opening import ClusterChoice

        self.choice, self.dry_run = ClusterChoice(*cluster), dry_run
        self.choice.listening()  # what contradicts itself is told before any work
        self._stack = ExitStack()
        self._cluster: Any = None

    def __enter__(self) -> "Runner":
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def __call__(self, verb: str, prepared: Any) -> Any:
        """Print the plan, refuse what does not fit, run, and return the tale."""
        from lunarscale.engine.executors import OnDask, Serial
        from lunarscale.engine.outcome import Tale

        choice, plan, layout = self.choice, prepared.plan, prepared.layout
        what = f"{layout.kind} of {layout.grid.width:,} x {layout.grid.height:,} pixels"
        print_pairs([(verb, what), *plan.lines(choice.threads)])
        if choice.scheduler is None:
            plan.check(layout, threads=choice.threads, worker_bytes=choice.worker_bytes)
        if self.dry_run:
            if prepared.problems:
                listed = "".join(f"\n  {problem}" for problem in prepared.problems)
                raise IncompleteError(f"nothing is written; the run would go without:{listed}")
            return Tale()
        if not prepared.jobs:
            out_console.print("Nothing to do: every shard that can be made is done.")
            return prepared.run(Serial())
        if choice.workers == 0:
            executor: Any = Serial()
        else:
            cluster = self._open()
            threads, memory = cluster.threads, cluster.worker_bytes
            plan.check(layout, threads=threads, worker_bytes=memory)
            executor = OnDask(cluster.client)
        start = perf_counter()
        with progress_bar(verb, "shard") as update:

            def show(tale: Any, todo: int) -> None:
                rate = tale.pixels / 1e6 / max(perf_counter() - start, 1e-9)
                update(tale.done, todo, f"{rate:,.{1 if rate >= 1 else 3}f} Mpx/s")

            tale = prepared.run(executor, show)
        for remark in tale.remarks:
            err_console.print(f"[yellow]Note:[/yellow] {escape(remark)}")
        if tale.disagreements:
            values = tale.pixels * len(layout.camera_facts.wavelengths_nm)
            out_console.print(
                f"Overlapping tiles differ in {tale.disagreements:,} of {values:,} counts "
                f"({tale.disagreements / values:.1%}); the first tile by name and path won."
            )
        return tale

    def _open(self) -> Any:
        if self._cluster is None:
            from lunarscale.clusters.opening import open_cluster

            self._cluster = self._stack.enter_context(open_cluster(self.choice))
            if self.choice.warning is not None:
                err_console.print(f"[yellow]Warning:[/yellow] {escape(self.choice.warning)}")
            out_console.print(f"Dask dashboard: {self._cluster.dashboard}")
            out_console.print(f"Runs:           {self._cluster.panel}")
            if self._cluster.join is not None:
                out_console.print("Other hosts join with a copy of the certificates and:")
                out_console.print(self._cluster.join, markup=False, soft_wrap=True)
        return self._cluster
