"""What `shipper grok coverage` found, for a person and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from shipper.cli.console import visible
from shipper.cli.grok.explain import code, marked
from shipper.grok.coverage import MAX_CLUSTERS, Cluster, Coverage, FieldCoverage
from shipper.grok.explain import Explanation
from shipper.grok.timing import Timing
from shipper.wording import counted

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

PIECE = 80
"""Characters of an expression or of a value that a table shows."""


class Why(NamedTuple):
    """A cluster of failures, and why its example fails."""

    cluster: Cluster
    explanation: Explanation | None
    """None: it took too long to find out."""


def document(coverage: Coverage, reasons: list[Why]) -> dict[str, Any]:
    """For `--json`."""
    return {
        "lines": coverage.lines,
        "matched": coverage.matched,
        "failed": coverage.failed,
        "timed_out": coverage.timed_out,
        "alternatives": [
            {"pattern": each.pattern, "expression": each.expression, "hits": each.hits}
            for each in coverage.alternatives
        ],
        "fields": {field_name(path): _field(found, coverage.matched) for path, found in coverage.fields.items()},
        "clusters": [_cluster(shape, coverage, reasons) for shape in _shapes(coverage, reasons)],
        "shapes": {"count": len(coverage.clusters), "complete": coverage.other_failures == 0},
        "microseconds": {"matched": _timing(coverage.match_times), "failed": _timing(coverage.failure_times)},
        "slowest": _slowest(coverage),
    }


def _shapes(coverage: Coverage, reasons: list[Why]) -> list[str]:
    shown = {id(why.cluster) for why in reasons}
    found = [shape for shape, cluster in coverage.clusters.items() if id(cluster) in shown]
    return sorted(found, key=lambda shape: -coverage.clusters[shape].count)


def _cluster(shape: str, coverage: Coverage, reasons: list[Why]) -> dict[str, Any]:
    cluster = coverage.clusters[shape]
    why = next(why.explanation for why in reasons if why.cluster is cluster)
    example = {"file": cluster.example.file, "line": cluster.example.number, "text": cluster.example.text}
    failing = {} if why is None else {"failing": why.failing, "end": why.end, "place": why.place, "found": why.found}
    return {"shape": shape, "count": cluster.count, "example": example, **failing}


def _field(found: FieldCoverage, matched: int) -> dict[str, Any]:
    return {
        "filled": found.filled,
        "fill_rate": found.filled / matched if matched else None,
        "type": found.type,
        "kinds": dict(found.kinds.most_common()),
        "misfits": found.misfits,
        "distinct": found.distinct,
        "distinct_is_complete": found.distinct_is_complete,
        "example": found.example,
    }


def _timing(timing: Timing) -> dict[str, float | int | None]:
    percentiles = {"p50": timing.percentile(0.5), "p99": timing.percentile(0.99)}
    return {"lines": timing.count, **percentiles, "max": timing.longest / 1000 if timing.count else None}


def _slowest(coverage: Coverage) -> dict[str, Any] | None:
    if coverage.slowest is None:
        return None
    taken, line = coverage.slowest
    return {"microseconds": taken / 1000, "file": line.file, "line": line.number, "text": line.text}


def field_name(path: tuple[str, ...]) -> str:
    """A field as it is written in expressions."""
    return path[0] if len(path) == 1 else "".join(f"[{key}]" for key in path)


def print_report(coverage: Coverage, reasons: list[Why], terminal: Console) -> None:
    """For a person: the counts, what fails, the alternatives, the fields, the time."""
    terminal.print(_summary(coverage), style="bold")
    for why in reasons:
        _print_cluster(why, terminal)
    _print_left_out(coverage, reasons, terminal)
    if len(coverage.alternatives) > 1:
        terminal.print(_alternatives(coverage))
    if coverage.matched and coverage.fields:
        terminal.print(_fields(coverage))
    for sentence in _times(coverage):
        terminal.print(sentence)


def _summary(coverage: Coverage) -> str:
    share = f" ({100 * coverage.matched / coverage.lines:.2f} %)" if coverage.lines else ""
    counts = f"{coverage.matched:,} matched{share}, {coverage.failed:,} did not, {coverage.timed_out:,} took too long."
    return f"{counted(coverage.lines, 'line')}: {counts}"


def _print_cluster(why: Why, terminal: Console) -> None:
    example = why.cluster.example
    terminal.print()
    terminal.print(f"{why.cluster.count:,} like {visible(example.file)}:{example.number}", style="yellow")
    if why.explanation is None:
        terminal.print(visible(example.text[: 2 * PIECE]))
        terminal.print("It took too long to find out why.")
        return
    for text in marked(example.text, why.explanation):
        terminal.print(text, no_wrap=True, overflow="ignore", crop=False)
    terminal.print(f"fails      {code(_cut(why.explanation.failing or 'nothing'))}", style="red")


def _print_left_out(coverage: Coverage, reasons: list[Why], terminal: Console) -> None:
    shown = sum(why.cluster.count for why in reasons)
    if shown < coverage.failed:
        limit = f", more than {MAX_CLUSTERS} of them" if coverage.other_failures else ""
        terminal.print(
            f"\n{counted(coverage.failed - shown, 'more failed line')}, of other shapes{limit}.", style="yellow"
        )


def _alternatives(coverage: Coverage) -> Table:
    table = _table("hits", "alternative")
    for each in coverage.alternatives:
        table.add_row(_plain(f"{each.hits:,}", "" if each.hits else "bold red"), _plain(_cut(each.pattern)))
    return table


def _fields(coverage: Coverage) -> Table:
    table = _table("field", "filled", "type", "looks like", "distinct", "example")
    for path, found in coverage.fields.items():
        rate = f"{100 * found.filled / coverage.matched:.1f} %"
        kinds = ", ".join(f"{kind} {count:,}" if len(found.kinds) > 1 else kind for kind, count in _kinds(found))
        misfits = f"{found.misfits:,} no {found.type}! " if found.misfits else ""
        distinct = f"{found.distinct:,}" if found.distinct_is_complete else f"more than {found.distinct:,}"
        table.add_row(
            _plain(field_name(path), "cyan"),
            _plain(rate, "" if found.filled else "red"),
            _plain(found.type or "text"),
            _plain(misfits + kinds, "red" if misfits else ""),
            _plain(distinct),
            _plain(_cut(found.example, 40), "dim"),
        )
    return table


def _kinds(found: FieldCoverage) -> Iterator[tuple[str, int]]:
    yield from found.kinds.most_common()


def _times(coverage: Coverage) -> Iterator[str]:
    for what, timing in (("match", coverage.match_times), ("failure", coverage.failure_times)):
        if timing.count:
            half, most = timing.percentile(0.5), timing.percentile(0.99)
            yield f"µs per {what}: p50 {half:.1f}, p99 {most:.1f}, max {timing.longest / 1000:.1f}"
    if coverage.slowest is not None:
        taken, line = coverage.slowest
        place = visible(f"{line.file}:{line.number}")
        yield f"slowest line: {place}, {taken / 1000:.1f} µs: {visible(_cut(line.text))}"


def _table(*headers: str) -> Table:
    from rich.table import Table  # noqa: PLC0415  only where a person reads

    return Table(*headers, box=None, header_style="bold", padding=(0, 2, 0, 0), title_justify="left")


def _plain(text: str, style: str = "") -> Any:
    from rich.text import Text  # noqa: PLC0415  only where a person reads

    return Text(visible(text), style)


def _cut(text: str, length: int = PIECE) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
