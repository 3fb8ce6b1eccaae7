"""Commands for clusters that stay: on this machine, and on Kubernetes."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from lunarscale.cli.command import app, command
from lunarscale.console import out_console, print_pairs
from lunarscale.errors import ClusterError
from lunarscale.plurals import several

if TYPE_CHECKING:
    from lunarscale.clusters.standing import State

cluster_app = typer.Typer(
    no_args_is_help=True,
    help="Clusters that outlive a command: start, look, stop; manifests for Kubernetes.",
    epilog="Example: [bold]lunarscale cluster start --workers 4[/bold]",
)
app.add_typer(cluster_app, name="cluster", rich_help_panel="Service")

Name = Annotated[str, typer.Option("--name", help="The cluster's name, as --scheduler takes it.")]


@command("cluster start", "lunarscale cluster start --workers 4", app=cluster_app)
def start_command(
    workers: Annotated[
        int | None, typer.Option(min=1, help="Worker processes, else one a core.")
    ] = None,
    threads: Annotated[int, typer.Option(min=1, help="Threads of a worker.")] = 1,
    memory_limit: Annotated[
        str | None, typer.Option(help="Memory of a worker, 4GiB; else its share of what is free.")
    ] = None,
    tls: Annotated[
        str | None,
        typer.Option(
            metavar="FOLDER", help="The cluster's certificates; made where the folder is empty."
        ),
    ] = None,
    host: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Address of this machine where other hosts' workers may join; needs --tls.",
        ),
    ] = None,
    name: Name = "local",
) -> None:
    """Start a cluster on this machine that stays until it is stopped."""
    from lunarscale.clusters.opening import ClusterChoice
    from lunarscale.clusters.standing import start
    from lunarscale.engine.panel import panel_link

    choice = ClusterChoice(
        workers=workers, threads=threads, memory_limit=memory_limit, tls=tls, host=host
    )
    standing = start(name, choice)
    print_pairs(
        [
            ("cluster", f"{standing.name}, {several(choice.worker_count, 'worker')}"),
            ("address", standing.address),
            ("dashboard", standing.dashboard),
            ("panel", panel_link(standing.dashboard)),
        ]
    )
    if standing.join is not None:
        out_console.print("Other hosts join with a copy of the certificates and:")
        out_console.print(standing.join, markup=False, soft_wrap=True)
    out_console.print(
        f"It stays until `lunarscale cluster stop{_named(name)}`; commands run on it with "
        f"--scheduler {name}",
        markup=False,
    )


@command("cluster status", "lunarscale cluster status", app=cluster_app)
def status_command(
    name: Annotated[
        str | None, typer.Option("--name", help="One cluster, else all of yours here.")
    ] = None,
) -> None:
    """Where clusters are, what they have and what runs on them."""
    from lunarscale.clusters.standing import state
    from lunarscale.clusters.standing_files import records, running

    found = records() if name is None else [running(name)]
    if not found:
        out_console.print("No cluster of yours stands here; `lunarscale cluster start` starts one.")
    silent = []
    for standing in found:
        if standing.lives:
            try:
                print_pairs(_lines(state(standing)))
            except ClusterError as error:  # the others are shown all the same
                silent.append(str(error))
        else:
            out_console.print(
                f"{standing.name}: started at {standing.since}, ended without a word (its process "
                f"was killed, or the machine started again); `lunarscale cluster stop"
                f"{_named(standing.name)}` forgets it",
                markup=False,
            )
    if silent:
        raise ClusterError("; ".join(silent))


@command("cluster stop", "lunarscale cluster stop", app=cluster_app)
def stop_command(name: Name = "local") -> None:
    """End a cluster: all its processes, and no others."""
    from lunarscale.clusters.standing import stop

    standing, processes = stop(name)
    if processes:
        what = f"stopped; {several(processes, 'process')} ended"
    else:
        what = "had ended already; nothing of it runs"
    out_console.print(f"{name} (at {standing.address}): {what}", markup=False)


@command("cluster keys", "lunarscale cluster keys keys", app=cluster_app)
def keys_command(
    folder: Annotated[str, typer.Argument(help="The certificates' folder.")],
    host: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="To be named in new certificates.")
    ] = None,
) -> None:
    """Make a folder of certificates for --tls, or check the one that is there."""
    from lunarscale.clusters.certificates import open_certificates

    found = open_certificates(folder, host=host)
    what = "made" if found.is_new else "good"
    out_console.print(f"{found.folder}: {what}; who has it runs code on the cluster", markup=False)


def _named(name: str) -> str:
    """The option that names a cluster, where it needs one."""
    return "" if name == "local" else f" --name {name}"


def _lines(state: "State") -> list[tuple[str, str]]:
    """How a cluster is, for people."""
    from lunarscale.engine.panel import panel_link

    standing, workers = state.standing, state.workers
    up = datetime.now(UTC) - datetime.fromisoformat(standing.since)
    taken = sum(worker.memory_bytes for worker in workers) / 2**30
    granted = sum(worker.limit_bytes for worker in workers) / 2**30
    age = timedelta(seconds=int(up.total_seconds()))
    runs = ", ".join(f"{count} of {what}" for what, count in sorted(state.runs.items()))
    return [
        ("cluster", f"{standing.name}, of lunarscale {standing.version}"),
        ("address", standing.address),
        ("dashboard", standing.dashboard),
        ("panel", panel_link(standing.dashboard)),
        ("workers", f"{len(workers)}, each of {several(standing.threads, 'thread')}"),
        ("memory", f"{taken:.1f} of {granted:.1f} GiB"),
        ("runs", runs or "nothing"),
        ("up", f"{age}, {several(state.processes, 'process')}"),
    ]


class Action(StrEnum):
    """What is to be done with manifests."""

    APPLY = "apply"
    DELETE = "delete"


@command(
    "cluster kubernetes",
    "lunarscale cluster kubernetes --workers 50 --image HOST/lunarscale:0.1.0 --dry-run",
    app=cluster_app,
)
def kubernetes_command(
    action: Annotated[Action | None, typer.Argument(help="What to do, or --dry-run.")] = None,
    workers: Annotated[int, typer.Option(min=0, help="Worker pods.")] = 4,
    threads: Annotated[int, typer.Option(min=1, help="Threads, and cores, of a worker.")] = 1,
    memory_limit: Annotated[str, typer.Option(help="Memory of a worker's pod.")] = "4GiB",
    image: Annotated[
        str | None, typer.Option(help="With a tag or digest; else lunarscale:VERSION.")
    ] = None,
    name: Annotated[str, typer.Option("--name", help="The cluster's name.")] = "lunarscale",
    namespace: Annotated[str, typer.Option(help="Where its pods are.")] = "default",
    tls_secret: Annotated[
        str | None,
        typer.Option(metavar="SECRET", help="It has a folder of certificates."),
    ] = None,
    adaptive: Annotated[
        tuple[int, int] | None,
        typer.Option(metavar="MIN MAX", help="Let the number of workers change; see the docs."),
    ] = None,
    spot: Annotated[bool, typer.Option("--spot", help="Workers may run on spot machines.")] = False,
    data_claim: Annotated[
        list[str] | None,
        typer.Option(metavar="CLAIM:/PATH[:ro]", help="A volume with stores; repeat it for more."),
    ] = None,
    env: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="Of all pods; repeat it for more."),
    ] = None,
    env_secret: Annotated[
        list[str] | None,
        typer.Option(metavar="SECRET", help="Its entries are workers' variables: a bucket's keys."),
    ] = None,
    operator_namespace: Annotated[
        str, typer.Option(help="Where the Dask operator runs.")
    ] = "dask-operator",
    pod_monitor: Annotated[
        bool, typer.Option("--pod-monitor", help="Show Prometheus' operator the metrics.")
    ] = False,
    context: Annotated[str | None, typer.Option(help="kubectl's, else its current one.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the manifests.")] = False,
) -> None:
    """A cluster on Kubernetes, by the Dask operator: print its manifests, apply or delete them."""
    from lunarscale.clusters import kubectl
    from lunarscale.clusters.kubernetes import manifests
    from lunarscale.clusters.kubernetes_choice import Claim, KubernetesChoice
    from lunarscale.clusters.kubernetes_reach import CLIENT_LABEL

    choice = KubernetesChoice(
        name=name,
        namespace=namespace,
        workers=workers,
        threads=threads,
        memory_limit=memory_limit,
        **({} if image is None else {"image": image}),
        tls_secret=tls_secret,
        adaptive=adaptive,
        spot=spot,
        claims=tuple(Claim.parse(text) for text in data_claim or ()),
        env=tuple(env or ()),
        env_secrets=tuple(env_secret or ()),
        operator_namespace=operator_namespace,
        pod_monitor=pod_monitor,
    )
    if dry_run:
        out_console.print(kubectl.as_yaml(manifests(choice)), markup=False, end="")
        return
    if action is None:
        raise ClusterError(
            "nothing is said of what to do with the manifests; add --dry-run to print "
            "them, or `apply` or `delete`"
        )
    do = kubectl.apply if action is Action.APPLY else kubectl.delete
    for line in do(choice, context=context):
        out_console.print(line, markup=False)
    if action is Action.APPLY:
        out_console.print(
            f"Pods with the label {CLIENT_LABEL}={name} reach it by --scheduler {choice.address}; "
            f"from here: kubectl port-forward --namespace {namespace} service/{name}-scheduler "
            "8786 8787",
            markup=False,
        )
