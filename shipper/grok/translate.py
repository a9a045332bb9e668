"""Regular expressions in Oniguruma's syntax (what grok patterns are written in) as expressions of Python's `re`.

The result is meant for `FLAGS`: in Ruby, which Logstash follows, `.` matches a newline and `^ $` match at every line.
Beside different spellings, three things change for the better while the meaning stays:

* unnamed groups do not capture (as in Ruby when there are named ones): `re` is faster without;
* a quantifier on a quantifier is merged, `(X+)+` becomes `X+`: the former takes exponential time to fail;
* look-behind over alternatives of different lengths is split, for `re` wants one length.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from shipper.grok.classes import CharacterSet, escaped, read_class, read_escape
from shipper.grok.fragments import Fragment, Start, is_anchored, joined, repeat, sequence, start_of
from shipper.grok.notation import read_interval, read_quoted_name, read_switches
from shipper.grok.pivot import rest_from_pivot
from shipper.grok.scanner import Scanner, TranslationError

FLAGS = re.DOTALL | re.MULTILINE

ANCHORS = {
    "A": r"\A",
    "z": r"\Z",
    "Z": r"(?=\n?\Z)",
    "G": r"\A",
    "b": r"\b",
    "B": r"\B",
}
SIMPLE_CLASS = re.compile(r"\^?[^\]\[\\&^][^\]\[\\&]*\]")
"""The rest of a class without nested classes, escapes and intersections."""
LINE_BREAK = r"(?>\r\n|[\n-\r\x85\u2028\u2029])"


@dataclass(frozen=True, slots=True)
class Translation:
    """An expression for `re`, and what its groups are called."""

    regex: str
    groups: tuple[str | None, ...]
    """Names of the capturing groups, the first is group 1; an unnamed one is None."""
    start: Start
    rest: str | None
    """A part that must match, too, and is fast to look for: see `shipper.grok.pivot`."""


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
        # What a group holds depends on where the match begins: with references back to it, every place counts, unless
        # there is but one.
        start = start_of(branches) if not self.refers_back or is_anchored(branches) else Start.ANYWHERE
        rest = rest_from_pivot(branches) if start is Start.ANYWHERE and not self.refers_back else None
        return Translation(joined(branches), tuple(self.groups), start, rest)

    def alternatives(self) -> tuple[tuple[Fragment, ...], ...]:
        """Everything up to the end of the group, which is not passed."""
        branches = [self.branch()]
        while self.scanner.skip("|"):
            branches.append(self.branch())
        return tuple(branches)

    def branch(self) -> tuple[Fragment, ...]:
        fragments: list[Fragment] = []
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

    def atom(self) -> Fragment | None:
        if self.scanner.here == "{" and read_interval(self.scanner) is not None:
            raise self.scanner.error("has a quantifier with nothing to repeat")
        character = self.scanner.take()
        if character.isalnum():
            return Fragment(character)
        if character == "(":
            return self.group()
        if character == "[":
            return self.character_class()
        if character == "\\":
            return self.escape()
        if character in "*+?":
            self.scanner.at -= 1
            raise self.scanner.error(f"has a quantifier '{character}' with nothing to repeat")
        if character in "^$":
            return Fragment(character, atomic=False, start=Start.LINE if character == "^" else Start.ANYWHERE)
        return Fragment("." if character == "." else escaped(character))

    def character_class(self) -> Fragment:
        """A class, whose opening bracket is passed."""
        simple = SIMPLE_CLASS.match(self.scanner.text, self.scanner.at)
        if simple is None:
            return _set(read_class(self.scanner))
        self.scanner.at = simple.end()
        return _simple_class(simple[0])

    # Quantifiers

    def quantified(self, fragment: Fragment) -> Fragment:
        """The fragment with all quantifiers that follow it."""
        while (here := self.scanner.here) and here in "*+?{":
            if here != "{":
                quantifier = self.scanner.take()
                if self.scanner.here in ("?", "+"):
                    quantifier += self.scanner.take()
                fragment = repeat(fragment, quantifier)
            elif (interval := read_interval(self.scanner)) is not None:
                fragment = self.interval_of(fragment, interval)
            else:
                break
        return fragment

    def interval_of(self, fragment: Fragment, interval: str) -> Fragment:
        """In Ruby `{n}?` means optional, and `{n,m}+` repeats: neither is lazy or possessive there."""
        if "," in interval and self.scanner.skip("?"):
            interval += "?"
        return repeat(fragment, interval)

    # Groups

    def group(self) -> Fragment | None:
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

    def look_around(self) -> Fragment | None:
        for opening in ("<=", "<!"):
            if self.scanner.skip(opening):
                return self.look_behind(opening)
        for opening in ("=", "!", ">"):
            if self.scanner.skip(opening):
                return Fragment(f"(?{opening}{joined(self.enclosed())})")
        return None

    def named_group(self) -> Fragment | None:
        for opening, end in (("P<", ">"), ("<", ">"), ("'", "'")):
            if self.scanner.skip(opening):
                return self.capture(self.scanner.take_until(end))
        return None

    def enclosed(self) -> tuple[tuple[Fragment, ...], ...]:
        """The alternatives up to the closing parenthesis, which is passed; options set inside end there."""
        extended = self.extended
        branches = self.alternatives()
        if not self.scanner.skip(")"):
            raise self.scanner.error("has a '(' without ')'")
        self.extended = extended
        return branches

    def plain_group(self) -> Fragment:
        branches = self.enclosed()
        if len(branches) == 1 and len(branches[0]) == 1:
            return branches[0][0]
        return Fragment(f"(?:{joined(branches)})", branches=branches, start=start_of(branches))

    def capture(self, name: str | None) -> Fragment:
        if name == "":
            raise self.scanner.error("has a group with an empty name")
        self.groups.append(name)
        branches = self.enclosed()
        return Fragment(f"({joined(branches)})", start=start_of(branches))

    def look_behind(self, opening: str) -> Fragment:
        looks = [f"(?{opening}{sequence(branch)})" for branch in self.enclosed()]
        if opening == "<!":
            return Fragment("".join(looks), atomic=len(looks) == 1)
        return Fragment(looks[0] if len(looks) == 1 else f"(?:{'|'.join(looks)})")

    def options(self) -> Fragment:
        """`(?imx-imx)` up to the end of the enclosing group, or `(?imx-imx:…)`."""
        enclosing = self.extended
        switches, extended = read_switches(self.scanner)
        self.extended = enclosing if extended is None else extended
        if self.scanner.skip(":"):
            branches = self.alternatives()
            if not self.scanner.skip(")"):
                raise self.scanner.error("has a '(' without ')'")
            self.extended = enclosing
        elif self.scanner.skip(")"):
            branches = self.alternatives()
        else:
            raise self.scanner.error("has a group of a kind that is not supported")
        start = Start.ANYWHERE if "-s" in switches or "-is" in switches else start_of(branches)
        return Fragment(f"(?{switches}:{joined(branches)})", start=start)

    # Escapes

    def escape(self) -> Fragment:
        character = self.scanner.here
        if character in ANCHORS:
            self.scanner.take()
            start = Start.TEXT if character in "AG" else Start.ANYWHERE
            return Fragment(ANCHORS[character], atomic=False, start=start)
        if character == "R":
            self.scanner.take()
            return Fragment(LINE_BREAK)
        if character == "k":
            self.scanner.take()
            return self.reference(read_quoted_name(self.scanner))
        if character and character in "gKX":
            raise self.scanner.error(f"uses '\\{character}', which is not supported")
        number = re.compile(r"[1-9](?!\d)").match(self.scanner.text, self.scanner.at)
        if number is not None:
            self.scanner.at = number.end()
            return self.numbered_reference(int(number[0]))
        return _set(read_escape(self.scanner))

    def reference(self, name: str) -> Fragment:
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
        return Fragment(f"(?:{alternatives})")

    def numbered_reference(self, number: int) -> Fragment:
        if not self.capture_unnamed:
            raise _NumberedReferenceError
        if any(self.groups):
            raise self.scanner.error(
                rf"refers to a group by number (\{number}) beside named ones: name it, write \k<name>"
            )
        self.refers_back = True
        return Fragment(f"(?:\\{number})")


@lru_cache(maxsize=1024)
def _simple_class(text: str) -> Fragment:
    """Patterns have the same few classes again and again."""
    return _set(read_class(Scanner(text)))


def _set(characters: CharacterSet) -> Fragment:
    return Fragment(characters.regex())


__all__ = ["FLAGS", "Start", "Translation", "TranslationError", "translate"]
