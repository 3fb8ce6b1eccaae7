"""What the command line writes: a bar on a terminal, plain lines without one."""

import io

import pytest
from rich.console import Console
from rich.table import Table

import lunarscale.console
from lunarscale.console import print_pairs, print_tables, progress_bar


@pytest.fixture
def terminal(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """Stands for stderr, a terminal or not."""
    monkeypatch.setenv("TERM", "xterm")
    text = io.StringIO()
    console = Console(file=text, force_terminal=request.param, width=100, soft_wrap=True)
    monkeypatch.setattr(lunarscale.console, "err_console", console)
    return text


@pytest.mark.parametrize("terminal", [True], indirect=True)
def test_a_terminal_gets_a_bar_that_ends_with_its_block(terminal: io.StringIO) -> None:
    with progress_bar("simulate", "tile") as update:
        assert terminal.getvalue() == ""  # nothing to show, so nothing is shown
        update(0, 7)
        update(7, 7, "1.5 Mpx/s")
    text = terminal.getvalue()
    assert "7/7" in text
    assert "1.5 Mpx/s" in text
    assert text.endswith("\x1b[?25h")  # the cursor is back: no bar lives on below other text


@pytest.mark.parametrize("terminal", [True, False], indirect=True)
def test_no_work_no_bar(terminal: io.StringIO) -> None:
    with progress_bar("simulate", "tile"):
        pass
    assert terminal.getvalue() == ""


@pytest.mark.parametrize("terminal", [False], indirect=True)
def test_without_a_terminal_there_is_one_line_at_the_end(terminal: io.StringIO) -> None:
    with progress_bar("ingest", "shard") as update:
        for done in range(1459):
            update(done, 1458, f"{done:.1f} Mpx/s")
    assert terminal.getvalue() == "ingest: 1,458 of 1,458 shards 1458.0 Mpx/s\n"


@pytest.mark.parametrize("terminal", [False], indirect=True)
def test_a_long_run_says_now_and_then_how_far_it_is(
    terminal: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = iter(range(0, 1000, 10))
    monkeypatch.setattr(lunarscale.console, "perf_counter", lambda: float(next(seconds)))
    with progress_bar("ingest", "shard") as update:
        for done in range(9):
            update(done, 9)
    told = [int(line.split()[1]) for line in terminal.getvalue().splitlines()]
    assert told == sorted(told)
    assert 3 <= len(told) <= 5
    assert told[-1] == 8


@pytest.mark.parametrize("terminal", [False], indirect=True)
def test_a_run_that_fails_says_how_far_it_came(terminal: io.StringIO) -> None:
    def stopped() -> None:
        with progress_bar("ingest", "shard") as update:
            update(3, 9)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert terminal.getvalue() == "ingest: 3 of 9 shards\n"


def test_pairs_fold_in_a_narrow_terminal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = io.StringIO()
    monkeypatch.setattr(lunarscale.console, "out_console", Console(file=text, width=40))
    print_pairs([("title", "a few words"), ("layer FeO", "one formula after another " * 4)])
    lines = text.getvalue().splitlines()
    assert len(lines) > 3
    assert max(map(len, lines)) <= 40
    assert "…" not in text.getvalue()


def test_names_in_brackets_are_shown_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    text = io.StringIO()
    monkeypatch.setattr(lunarscale.console, "out_console", Console(file=text, width=60))
    table = Table()
    table.add_column("group")
    table.add_row("[bold]A[/bold] [/x]")
    print_tables(table)
    assert "[bold]A[/bold] [/x]" in text.getvalue()
