"""`shipper grok explain`: where a line stops matching, with a caret under the place."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from shipper.cli.console import console, visible
from shipper.cli.grok.trial import (
    Folders,
    folders_options,
    json_option,
    pipeline_option,
    print_document,
    timeout_option,
    trial_from,
)
from shipper.errors import Exit, UsageError
from shipper.grok import Grok
from shipper.grok.explain import Explanation
from shipper.grok.timeout import MatchTimeout, time_limit

if TYPE_CHECKING:
    from rich.text import Text

CONTEXT = 60
"""Characters of a line that are shown before and after the place where matching stopped."""
EXPANSION = 200
"""Characters of an expansion that a person is shown; --json has all."""


@click.command("explain", short_help="Show where a line stops matching, and what stands there.")
@click.argument("arguments", nargs=-1, required=True, metavar="[PATTERN] LINE")
@pipeline_option
@folders_options
@timeout_option
@json_option
def command(arguments: tuple[str, ...], pipeline: str | None, where: Folders, timeout: float, as_json: bool) -> int:
    """Say how far PATTERN (or each expression of a pipeline, the one that gets furthest first) matches LINE.

    Shown are the pieces that match, a caret under the place where the next one fails, that piece with its expansion,
    and what stands there instead. Exit code: 0 the line matches, 1 it does not, 2 the expression is wrong, 3 it took
    longer than --timeout.
    """
    trial, rest = trial_from(arguments, pipeline, where)
    if len(rest) != 1:
        raise UsageError("Give one LINE after the PATTERN (or after --pipeline NAME), in quotes.")
    line = rest[0]
    try:
        with time_limit(timeout):
            explained = ranked([(grok, grok.explain(line)) for grok in trial.groks])
    except MatchTimeout:
        click.echo(f"Matching took longer than {timeout:g} s; `shipper grok lint` finds the usual reasons.", err=True)
        return Exit.UNFINISHED
    if as_json:
        print_document(
            {"line": line, "matches": explained[0][1].failing is None, "explanations": list(map(document, explained))}
        )
    else:
        print_explanations(explained, line)
    return Exit.CLEAN if explained[0][1].failing is None else Exit.FINDINGS


def ranked(explained: list[tuple[Grok, Explanation]]) -> list[tuple[Grok, Explanation]]:
    """Those that match, in the order in which they are tried; then those that fail, the furthest first."""
    return sorted(
        explained, key=lambda each: (each[1].failing is not None, -each[1].progress if each[1].failing else 0)
    )


def document(explained: tuple[Grok, Explanation]) -> dict[str, Any]:
    """For `--json`."""
    grok, explanation = explained
    return {
        "pattern": grok.pattern,
        "matches": explanation.failing is None,
        "matched": explanation.matched,
        "start": explanation.start,
        "end": explanation.end,
        "place": explanation.place,
        "failing": explanation.failing,
        "expansion": explanation.expansion,
        "inside": list(explanation.inside),
        "found": explanation.found,
        "suspect": explanation.suspect,
    }


def print_explanations(explained: list[tuple[Grok, Explanation]], line: str) -> None:
    """The first with everything, the others in a sentence each."""
    terminal = console(sys.stdout)
    grok, best = explained[0]
    for text in _lines(grok.pattern, best, line):
        terminal.print(text, no_wrap=True, overflow="ignore", crop=False)
    for grok, explanation in explained[1:]:
        if best.failing is not None:
            terminal.print(f"other      {visible(grok.pattern)}: {visible(str(explanation))}")


def _lines(pattern: str, explanation: Explanation, line: str) -> Iterator[Text]:
    yield _row("pattern", (visible(pattern), "cyan"))
    if explanation.failing is None:
        yield _row("line", (visible(line), "green"))
        yield _row("", (f"The expression matches, from character {explanation.start} to {explanation.end}.", ""))
        return
    yield from marked(line, explanation)
    if explanation.matched:
        yield _row("matches", (code(explanation.matched), "green"))
    yield _row("fails", (code(explanation.failing), "bold red"))
    yield from (_row("  part of", (code(piece), "")) for piece in reversed(explanation.inside))
    if explanation.expansion is not None and explanation.expansion != explanation.failing:
        yield _row("  that is", (_cut(visible(explanation.expansion), EXPANSION), "dim"))
    there = f"'{_cut(visible(explanation.found), CONTEXT)}'" if explanation.found else "the end of the text"
    yield _row("instead", (there, "yellow"))
    if explanation.suspect is not None:
        yield _row("perhaps", (code(explanation.suspect), "bold red"), (" is wrong: it ends within a word", ""))


def marked(line: str, explanation: Explanation) -> Iterator[Text]:
    """The surroundings of the place where matching stopped, and a caret under it: what matched is green."""
    from rich.cells import cell_len  # noqa: PLC0415  only where a person reads

    place = explanation.place
    first, last = max(place - CONTEXT, 0), place + CONTEXT
    before = "…" * bool(first) + visible(line[first : explanation.start])
    matched = visible(line[max(explanation.start, first) : explanation.end])
    partly = visible(line[max(explanation.end, first) : place])
    after = visible(line[place:last]) + "…" * (last < len(line))
    yield _row("line", (before, "dim"), (matched, "green"), (partly, "yellow"), (after, ""))
    yield _row("", (" " * cell_len(before + matched + partly) + "^", "bold red"))


def _row(label: str, *parts: tuple[str, str]) -> Text:
    from rich.text import Text  # noqa: PLC0415  only where a person reads

    return Text.assemble((f"{label:<11}", "dim"), *parts)


def code(piece: str) -> str:
    """A piece of an expression; blanks at its ends must be seen."""
    return f"`{visible(piece)}`" if piece != piece.strip() else visible(piece)


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
