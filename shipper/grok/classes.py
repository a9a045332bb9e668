r"""Sets of characters: Oniguruma's classes, properties and escapes as ranges of code points.

`re` knows neither nested classes nor POSIX classes nor intersections; as ranges, all of them are one flat class.
`\w`, `\d`, `\s`, `\h` are ASCII, POSIX classes and properties are Unicode, as in Oniguruma with Ruby's syntax.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from shipper.grok.scanner import Scanner

Ranges = tuple[tuple[int, int], ...]

LAST = 0x10FFFF
SHORTHANDS: dict[str, Ranges] = {
    "w": ((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A)),
    "d": ((0x30, 0x39),),
    "s": ((0x09, 0x0D), (0x20, 0x20)),
    "h": ((0x30, 0x39), (0x41, 0x46), (0x61, 0x66)),
}
CONTROLS = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v", "a": "\a", "e": "\x1b"}
HEXADECIMAL = "0123456789abcdefABCDEF"
OCTAL = "01234567"
CODE_LENGTHS = {"x": 2, "u": 4}
CATEGORIES = {
    "alnum": ("L", "M", "Nd"),
    "alpha": ("L", "M"),
    "cntrl": ("Cc",),
    "digit": ("Nd",),
    "lower": ("Ll",),
    "upper": ("Lu",),
    "punct": ("P",),
    "word": ("L", "M", "Nd", "Pc"),
    "graph": ("L", "M", "N", "P", "S", "Cf", "Co"),
    "print": ("L", "M", "N", "P", "S", "Cf", "Co", "Zs"),
}
SPACE_SEPARATORS: Ranges = tuple(
    (code, code) for code in (0x20, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000)
)
FIXED: dict[str, Ranges] = {
    "xdigit": SHORTHANDS["h"],
    "ascii": ((0, 0x7F),),
    "any": ((0, LAST),),
    "blank": ((0x09, 0x09), *SPACE_SEPARATORS),
    "space": ((0x09, 0x0D), (0x85, 0x85), (0x2028, 0x2029), *SPACE_SEPARATORS),
}
ASCII_SYMBOLS: Ranges = tuple((ord(symbol), ord(symbol)) for symbol in "$+<=>^`|~")
MAJOR_CATEGORIES = {"L": "ultmo", "M": "nce", "N": "dlo", "P": "cdseifo", "S": "mcko", "Z": "slp", "C": "cfson"}
GENERAL_CATEGORIES = frozenset(major + minor for major, minors in MAJOR_CATEGORIES.items() for minor in ("", *minors))


@dataclass(frozen=True, slots=True)
class CharacterSet:
    """Characters, or all but these: the negation is kept, because ignoring case must come before it."""

    ranges: Ranges
    negated: bool = False

    def covered(self) -> Ranges:
        """What it matches, without negation."""
        return complement(self.ranges) if self.negated else self.ranges

    def regex(self) -> str:
        """The class in the syntax of `re`."""
        if not self.ranges:
            return r"[\x00-\U0010ffff]" if self.negated else "(?!)"
        if not self.negated and len(self.ranges) == 1 and self.ranges[0][0] == self.ranges[0][1]:
            return escaped(chr(self.ranges[0][0]))
        return f"[{'^' * self.negated}{''.join(_range(low, high) for low, high in self.ranges)}]"


def escaped(character: str) -> str:
    """One literal character, safe in and outside a class."""
    if character.isalnum() or character in "_\"'%,/:;<=>@`!":
        return character
    if " " <= character <= "~":
        return "\\" + character if character != " " else " "
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _range(low: int, high: int) -> str:
    dash = "-" if high > low + 1 else ""
    return escaped(chr(low)) + (dash + escaped(chr(high)) if high > low else "")


def union(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """Sorted, without overlaps."""
    merged: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return tuple(merged)


def complement(ranges: Ranges) -> Ranges:
    """Every other character."""
    gaps = []
    start = 0
    for low, high in ranges:
        if low > start:
            gaps.append((start, low - 1))
        start = high + 1
    if start <= LAST:
        gaps.append((start, LAST))
    return tuple(gaps)


def intersection(first: Ranges, second: Ranges) -> Ranges:
    """What is in both."""
    return complement(union(complement(first) + complement(second)))


def property_ranges(name: str) -> Ranges | None:
    """The characters of a POSIX class or of a property (general categories, not scripts); None when unknown."""
    plain = name.replace("_", "").replace(" ", "").lower()
    if plain in FIXED:
        return union(FIXED[plain])
    if plain == "punct":
        return union(_of_categories(CATEGORIES["punct"]) + ASCII_SYMBOLS)
    if plain in CATEGORIES:
        return _of_categories(CATEGORIES[plain])
    category = name[:1].upper() + name[1:].lower()
    return _of_categories((category,)) if category in GENERAL_CATEGORIES else None


@cache
def _of_categories(categories: tuple[str, ...]) -> Ranges:
    return union(
        run for category, low, high in _category_runs() if category.startswith(categories) for run in [(low, high)]
    )


@cache
def _category_runs() -> tuple[tuple[str, int, int], ...]:
    """Every run of code points of one general category."""
    runs = []
    start, current = 0, unicodedata.category(chr(0))
    for code in range(1, LAST + 1):
        category = unicodedata.category(chr(code))
        if category != current:
            runs.append((current, start, code - 1))
            start, current = code, category
    runs.append((current, start, LAST))
    return tuple(runs)


def read_escape(scanner: Scanner) -> CharacterSet:
    """What an escape stands for that means the same in and outside a class; the backslash is already passed."""
    character = scanner.take()
    if character.lower() in SHORTHANDS:
        return CharacterSet(SHORTHANDS[character.lower()], negated=character.isupper())
    if character in "pP":
        return _read_property(scanner, negated=character == "P")
    return _single(_read_code(scanner, character))


def _single(character: str) -> CharacterSet:
    return CharacterSet(((ord(character), ord(character)),))


def _read_code(scanner: Scanner, character: str) -> str:
    if character in CONTROLS:
        return CONTROLS[character]
    if character in "xu":
        digits = (
            scanner.take_until("}") if scanner.skip("{") else scanner.take_while(HEXADECIMAL, CODE_LENGTHS[character])
        )
        return _code_point(scanner, digits, 16)
    if character in OCTAL:
        return _code_point(scanner, character + scanner.take_while(OCTAL, 2), 8)
    if character == "c" or (character == "C" and scanner.skip("-")):
        return chr(ord(scanner.take()) & 0x1F)
    return character


def _code_point(scanner: Scanner, digits: str, base: int) -> str:
    try:
        return chr(int(digits, base))
    except (ValueError, OverflowError):
        raise scanner.error(f"'{digits}' is no code of a character") from None


def _read_property(scanner: Scanner, *, negated: bool) -> CharacterSet:
    if not scanner.skip("{"):
        raise scanner.error(r"\p needs a property in braces, like \p{Alpha}")
    name = scanner.take_until("}")
    negated ^= name.startswith("^")
    ranges = property_ranges(name.removeprefix("^"))
    if ranges is None:
        raise scanner.error(f"the property '{name}' is unknown; known are POSIX names and general categories")
    return CharacterSet(ranges, negated)


def read_class(scanner: Scanner) -> CharacterSet:
    """A bracketed class, whose opening bracket is already passed."""
    negated = scanner.skip("^")
    kept: Ranges = ((0, LAST),)
    ranges: list[tuple[int, int]] = []
    if scanner.skip("]"):
        ranges.append((0x5D, 0x5D))
    while not scanner.skip("]"):
        if scanner.skip("&&"):
            kept = intersection(kept, union(ranges))
            ranges = []
        else:
            ranges.extend(_read_item(scanner))
    found = union(ranges)
    return CharacterSet(found if kept == ((0, LAST),) else intersection(kept, found), negated)


def _read_item(scanner: Scanner) -> Ranges:
    """The ranges of one item of a class: a nested or POSIX class, an escape, a character or a range of them."""
    low = _read_member(scanner)
    if not scanner.looks_at("-") or scanner.looks_at("-]") or scanner.looks_at("-&&"):
        return low.covered()
    if not _is_character(low):
        return low.covered()
    scanner.take()
    high = _read_member(scanner)
    if not _is_character(high):
        return union((*low.covered(), (0x2D, 0x2D), *high.covered()))
    first, last = low.ranges[0][0], high.ranges[0][0]
    if last < first:
        raise scanner.error(f"the range {chr(first)}-{chr(last)} is empty")
    return ((first, last),)


def _is_character(members: CharacterSet) -> bool:
    return not members.negated and len(members.ranges) == 1 and members.ranges[0][0] == members.ranges[0][1]


def _read_member(scanner: Scanner) -> CharacterSet:
    if scanner.looks_at("[:") and (end := scanner.text.find(":]", scanner.at)) > 0:
        name = scanner.text[scanner.at + 2 : end]
        if name.removeprefix("^").isalpha():
            scanner.at = end + 2
            return _posix(scanner, name)
    character = scanner.take()
    if character == "[":
        return read_class(scanner)
    if character != "\\":
        return _single(character)
    if scanner.skip("b"):
        return _single("\b")
    return read_escape(scanner)


def _posix(scanner: Scanner, name: str) -> CharacterSet:
    ranges = property_ranges(name.removeprefix("^"))
    if ranges is None:
        raise scanner.error(f"[:{name}:] is no POSIX class")
    return CharacterSet(ranges, name.startswith("^"))
