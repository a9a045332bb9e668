"""Regular expressions in Oniguruma's syntax (what grok patterns are written in) as expressions of Python's `re`.

The result is meant for `FLAGS`: in Ruby, which Logstash follows, `.` matches a newline and `^ $` match at every line.
Beside different spellings, three things change for the better while the meaning stays:

* unnamed groups do not capture (as in Ruby when there are named ones): `re` is faster without;
* a quantifier on a quantifier is merged, `(X+)+` becomes `X+`: the former takes exponential time to fail;
* look-behind over alternatives of different lengths is split, for `re` wants one length.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from shipper.grok.classes import CharacterSet, escaped, read_class, read_escape
from shipper.grok.scanner import Scanner, TranslationError

FLAGS = re.DOTALL | re.MULTILINE

MERGED = {"**": "*", "*+": "*", "*?": "*", "+*": "*", "++": "+", "+?": "*", "?*": "*", "?+": "*", "??": "?"}
"""Inner and outer greedy quantifier -> the one that does the same."""

ANCHORS = {
    "A": r"\A",
    "z": r"\Z",
    "Z": r"(?=\n?\Z)",
    "G": r"\A",
    "b": r"\b",
    "B": r"\B",
}
LINE_BREAK = r"(?>\r\n|[\n-\r\x85\u2028\u2029])"


class Start(IntEnum):
    """Where in a text a match can begin: other places need not be tried, which is most of the cost of failing."""

    ANYWHERE = 0
    LINE = 1
    """At the beginning of the text or of a line: the expression begins with `^`."""
    TEXT = 2
    """At the beginning of the text: with `.*`, whatever matches further on matches from there too."""


@dataclass(frozen=True, slots=True)
class Translation:
    """An expression for `re`, and what its groups are called."""

    regex: str
    groups: tuple[str | None, ...]
    """Names of the capturing groups, the first is group 1; an unnamed one is None."""
    start: Start


@dataclass(frozen=True, slots=True)
class _Fragment:
    """A translated piece of an expression."""

    text: str
    atomic: bool = True
    """Whether a quantifier can follow the text directly."""
    repeats: tuple[_Fragment, str] | None = None
    """What is repeated, and by which quantifier."""
    branches: tuple[tuple[_Fragment, ...], ...] = ()
    """The alternatives of a group that neither captures nor changes options."""
    start: Start = Start.ANYWHERE


def translate(expression: str) -> Translation:
    """Raises TranslationError for what is wrong or has no equivalent in `re`."""
    parser = _Parser(expression)
    try:
        return parser.parse()
    except _NumberedReferenceError:
        return _Parser(expression, capture_unnamed=True).parse()


class _NumberedReferenceError(Exception):
    """The expression refers to groups by number: unnamed groups have to capture."""


class _Parser:
    def __init__(self, expression: str, *, capture_unnamed: bool = False) -> None:
        self.scanner = Scanner(expression)
        self.capture_unnamed = capture_unnamed
        self.groups: list[str | None] = []
        self.extended = False
        self.refers_back = False

    def parse(self) -> Translation:
        branches = self.alternatives()
        if self.scanner.more:
            raise self.scanner.error("has a ')' without '('")
        # What a group holds depends on where the match begins: with references back to it, every place counts.
        start = Start.ANYWHERE if self.refers_back else _start(branches)
        return Translation(_joined(branches), tuple(self.groups), start)

    def alternatives(self) -> tuple[tuple[_Fragment, ...], ...]:
        """Everything up to the end of the group, which is not passed."""
        branches = [self.branch()]
        while self.scanner.skip("|"):
            branches.append(self.branch())
        return tuple(branches)

    def branch(self) -> tuple[_Fragment, ...]:
        fragments: list[_Fragment] = []
        while self.scanner.more and self.scanner.here not in "|)":
            if self.extended and self.skipped_blank():
                continue
            fragment = self.atom()
            if fragment is not None:
                fragments.append(self.quantified(fragment))
        return tuple(fragments)

    def skipped_blank(self) -> bool:
        """Pass blanks and comments of the extended syntax."""
        if self.scanner.here == "#":
            end = self.scanner.text.find("\n", self.scanner.at)
            self.scanner.at = len(self.scanner.text) if end < 0 else end + 1
            return True
        if self.scanner.here.isspace():
            self.scanner.take()
            return True
        return False

    def atom(self) -> _Fragment | None:
        if self.interval() is not None:
            raise self.scanner.error("has a quantifier with nothing to repeat")
        character = self.scanner.take()
        if character == "(":
            return self.group()
        if character == "[":
            return _set(read_class(self.scanner))
        if character == "\\":
            return self.escape()
        if character in "*+?":
            self.scanner.at -= 1
            raise self.scanner.error(f"has a quantifier '{character}' with nothing to repeat")
        if character in "^$":
            return _Fragment(character, atomic=False, start=Start.LINE if character == "^" else Start.ANYWHERE)
        return _Fragment("." if character == "." else escaped(character))

    # Quantifiers

    def quantified(self, fragment: _Fragment) -> _Fragment:
        """The fragment with all quantifiers that follow it."""
        while self.scanner.here:
            if self.scanner.here in "*+?":
                quantifier = self.scanner.take()
                if self.scanner.here in ("?", "+"):
                    quantifier += self.scanner.take()
                fragment = _repeat(fragment, quantifier)
            elif (interval := self.interval()) is not None:
                fragment = self.interval_of(fragment, interval)
            else:
                break
        return fragment

    def interval(self) -> str | None:
        """`{n}`, `{n,}`, `{,m}` or `{n,m}` if that is what comes next; it is passed."""
        if not self.scanner.looks_at("{"):
            return None
        found = re.compile(r"\{(?:\d+(?:,\d*)?|,\d+)\}").match(self.scanner.text, self.scanner.at)
        if found is None:
            return None
        self.scanner.at = found.end()
        return found[0].replace("{,", "{0,")

    def interval_of(self, fragment: _Fragment, interval: str) -> _Fragment:
        """In Ruby `{n}?` means optional, and `{n,m}+` repeats: neither is lazy or possessive there."""
        if "," in interval and self.scanner.skip("?"):
            interval += "?"
        return _repeat(fragment, interval)

    # Groups

    def group(self) -> _Fragment | None:
        scanner = self.scanner
        if not scanner.skip("?"):
            return self.capture(None) if self.capture_unnamed else self.plain_group()
        if scanner.skip(":"):
            return self.plain_group()
        if scanner.skip("#"):
            scanner.take_until(")")
            return None
        if scanner.skip("P="):
            return self.reference(scanner.take_until(")"))
        return self.look_around() or self.named_group() or self.options()

    def look_around(self) -> _Fragment | None:
        for opening in ("<=", "<!"):
            if self.scanner.skip(opening):
                return self.look_behind(opening)
        for opening in ("=", "!", ">"):
            if self.scanner.skip(opening):
                return _Fragment(f"(?{opening}{_joined(self.enclosed())})")
        return None

    def named_group(self) -> _Fragment | None:
        for opening, end in (("P<", ">"), ("<", ">"), ("'", "'")):
            if self.scanner.skip(opening):
                return self.capture(self.scanner.take_until(end))
        return None

    def enclosed(self) -> tuple[tuple[_Fragment, ...], ...]:
        """The alternatives up to the closing parenthesis, which is passed; options set inside end there."""
        extended = self.extended
        branches = self.alternatives()
        if not self.scanner.skip(")"):
            raise self.scanner.error("has a '(' without ')'")
        self.extended = extended
        return branches

    def plain_group(self) -> _Fragment:
        branches = self.enclosed()
        if len(branches) == 1 and len(branches[0]) == 1:
            return branches[0][0]
        return _Fragment(f"(?:{_joined(branches)})", branches=branches, start=_start(branches))

    def capture(self, name: str | None) -> _Fragment:
        if name == "":
            raise self.scanner.error("has a group with an empty name")
        self.groups.append(name)
        branches = self.enclosed()
        return _Fragment(f"({_joined(branches)})", start=_start(branches))

    def look_behind(self, opening: str) -> _Fragment:
        looks = [f"(?{opening}{_sequence(branch)})" for branch in self.enclosed()]
        if opening == "<!":
            return _Fragment("".join(looks), atomic=len(looks) == 1)
        return _Fragment(looks[0] if len(looks) == 1 else f"(?:{'|'.join(looks)})")

    def options(self) -> _Fragment:
        """`(?imx-imx)` up to the end of the enclosing group, or `(?imx-imx:…)`."""
        enclosing = self.extended
        switches = self.switches()
        if self.scanner.skip(":"):
            branches = self.alternatives()
            if not self.scanner.skip(")"):
                raise self.scanner.error("has a '(' without ')'")
            self.extended = enclosing
        elif self.scanner.skip(")"):
            branches = self.alternatives()
        else:
            raise self.scanner.error("has a group of a kind that is not supported")
        start = Start.ANYWHERE if "-s" in switches or "-is" in switches else _start(branches)
        return _Fragment(f"(?{switches}:{_joined(branches)})", start=start)

    def switches(self) -> str:
        """Options in the spelling of `re`; the extended syntax is resolved here and needs none."""
        on, off = self.scanner.take_while("imx", 3), ""
        if self.scanner.skip("-"):
            off = self.scanner.take_while("imx", 3)
        if "x" in on + off:
            self.extended = "x" in on and "x" not in off
        spelled_on = "".join("s" if option == "m" else option for option in on if option not in "x" + off)
        spelled_off = "".join("s" if option == "m" else option for option in off if option != "x")
        return spelled_on + (f"-{spelled_off}" if spelled_off else "")

    # Escapes

    def escape(self) -> _Fragment:
        character = self.scanner.here
        if character in ANCHORS:
            self.scanner.take()
            start = Start.TEXT if character in "AG" else Start.ANYWHERE
            return _Fragment(ANCHORS[character], atomic=False, start=start)
        if character == "R":
            self.scanner.take()
            return _Fragment(LINE_BREAK)
        if character == "k":
            self.scanner.take()
            return self.reference(self.quoted_name())
        if character and character in "gKX":
            raise self.scanner.error(f"uses '\\{character}', which is not supported")
        number = re.compile(r"[1-9](?!\d)").match(self.scanner.text, self.scanner.at)
        if number is not None:
            self.scanner.at = number.end()
            return self.numbered_reference(int(number[0]))
        return _set(read_escape(self.scanner))

    def quoted_name(self) -> str:
        if self.scanner.skip("<"):
            return self.scanner.take_until(">")
        if self.scanner.skip("'"):
            return self.scanner.take_until("'")
        raise self.scanner.error(r"needs a name after \k, like \k<name>")

    def reference(self, name: str) -> _Fragment:
        """What a group of this name (or of this field) matched; the latest of several that took part."""
        self.refers_back = True
        numbers = [
            number
            for number, group in enumerate(self.groups, 1)
            if group is not None and name in (group, *group.split(":")[1:2])
        ]
        if not numbers:
            raise self.scanner.error(f"refers to a group '{name}' that does not stand before it")
        alternatives = "|".join("\\" + str(number) for number in reversed(numbers))
        return _Fragment(f"(?:{alternatives})")

    def numbered_reference(self, number: int) -> _Fragment:
        if not self.capture_unnamed:
            raise _NumberedReferenceError
        if any(self.groups):
            raise self.scanner.error(
                rf"refers to a group by number (\{number}) beside named ones: name it, write \k<name>"
            )
        self.refers_back = True
        return _Fragment(f"(?:\\{number})")


def _set(characters: CharacterSet) -> _Fragment:
    return _Fragment(characters.regex())


def _sequence(fragments: Sequence[_Fragment]) -> str:
    return "".join(fragment.text for fragment in fragments)


def _joined(branches: Sequence[Sequence[_Fragment]]) -> str:
    return "|".join(map(_sequence, branches))


def _repeat(fragment: _Fragment, quantifier: str) -> _Fragment:
    """The fragment under a quantifier, merged with those it has already."""
    if fragment.repeats is not None and fragment.repeats[1] + quantifier in MERGED:
        return _repeat(fragment.repeats[0], MERGED[fragment.repeats[1] + quantifier])
    if quantifier in ("*", "+") and len(fragment.branches) > 1:
        fragment = _without_repeated_branches(fragment)
    text = fragment.text if fragment.atomic and fragment.repeats is None else f"(?:{fragment.text})"
    return _Fragment(text + quantifier, False, (fragment, quantifier), start=_repeated_start(fragment, quantifier))


def _repeated_start(fragment: _Fragment, quantifier: str) -> Start:
    if fragment.text == "." and quantifier in ("*", "+", "*?", "+?"):
        return Start.TEXT
    return Start.ANYWHERE if quantifier[0] in "*?" or quantifier.startswith("{0") else fragment.start


def _start(branches: Sequence[Sequence[_Fragment]]) -> Start:
    return min((branch[0].start if branch else Start.ANYWHERE) for branch in branches)


def _without_repeated_branches(group: _Fragment) -> _Fragment:
    """`(?:X+|Y)` under `*` or `+` does what `(?:X|Y)` does, without the many ways to split a run of X."""
    branches = tuple(tuple(_single(branch)) for branch in group.branches)
    return _Fragment(f"(?:{_joined(branches)})", branches=branches)


def _single(branch: tuple[_Fragment, ...]) -> tuple[_Fragment, ...]:
    if len(branch) == 1 and branch[0].repeats is not None and branch[0].repeats[1] == "+":
        return (branch[0].repeats[0],)
    return branch


__all__ = ["FLAGS", "Start", "Translation", "TranslationError", "translate"]
