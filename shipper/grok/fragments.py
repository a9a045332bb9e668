"""Translated pieces of an expression: how they are put together and repeated, and where a match of them can begin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

MERGED = {"**": "*", "*+": "*", "*?": "*", "+*": "*", "++": "+", "+?": "*", "?*": "*", "?+": "*", "??": "?"}
"""Inner and outer greedy quantifier -> the one that does the same."""


class Start(IntEnum):
    """Where in a text a match can begin: other places need not be tried, which is most of the cost of failing."""

    ANYWHERE = 0
    LINE = 1
    """At the beginning of the text or of a line: the expression begins with `^`."""
    TEXT = 2
    """At the beginning of the text: with `.*`, whatever matches further on matches from there too."""


@dataclass(frozen=True, slots=True)
class Fragment:
    """A translated piece of an expression."""

    text: str
    atomic: bool = True
    """Whether a quantifier can follow the text directly."""
    repeats: tuple[Fragment, str] | None = None
    """What is repeated, and by which quantifier."""
    branches: tuple[tuple[Fragment, ...], ...] = ()
    """The alternatives of a group that neither captures nor changes options."""
    start: Start = Start.ANYWHERE


def sequence(fragments: Sequence[Fragment]) -> str:
    """One after the other."""
    return "".join(fragment.text for fragment in fragments)


def joined(branches: Sequence[Sequence[Fragment]]) -> str:
    """As alternatives."""
    return "|".join(map(sequence, branches))


def repeat(fragment: Fragment, quantifier: str) -> Fragment:
    """The fragment under a quantifier, merged with those it has already."""
    if fragment.repeats is not None and fragment.repeats[1] + quantifier in MERGED:
        return repeat(fragment.repeats[0], MERGED[fragment.repeats[1] + quantifier])
    if quantifier in ("*", "+") and len(fragment.branches) > 1:
        fragment = _without_repeated_branches(fragment)
    text = fragment.text if fragment.atomic and fragment.repeats is None else f"(?:{fragment.text})"
    return Fragment(text + quantifier, False, (fragment, quantifier), start=_repeated_start(fragment, quantifier))


def _repeated_start(fragment: Fragment, quantifier: str) -> Start:
    if fragment.text == "." and quantifier in ("*", "+", "*?", "+?"):
        return Start.TEXT
    return Start.ANYWHERE if quantifier[0] in "*?" or quantifier.startswith("{0") else fragment.start


def start_of(branches: Sequence[Sequence[Fragment]]) -> Start:
    """Where any of the alternatives can begin."""
    return min((branch[0].start if branch else Start.ANYWHERE) for branch in branches)


def is_anchored(branches: Sequence[Sequence[Fragment]]) -> bool:
    r"""Whether all alternatives begin with `\A`, so that a match is at the beginning of the text or nowhere."""
    return all(branch and (branch[0].text == r"\A" or _is_anchored_group(branch[0])) for branch in branches)


def _is_anchored_group(fragment: Fragment) -> bool:
    return bool(fragment.branches) and is_anchored(fragment.branches)


def _without_repeated_branches(group: Fragment) -> Fragment:
    """`(?:X+|Y)` under `*` or `+` does what `(?:X|Y)` does, without the many ways to split a run of X."""
    branches = tuple(tuple(_single(branch)) for branch in group.branches)
    return Fragment(f"(?:{joined(branches)})", branches=branches, start=group.start)


def _single(branch: tuple[Fragment, ...]) -> tuple[Fragment, ...]:
    if len(branch) == 1 and branch[0].repeats is not None and branch[0].repeats[1] == "+":
        return (branch[0].repeats[0],)
    return branch
