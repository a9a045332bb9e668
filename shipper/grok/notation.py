"""Small pieces of Oniguruma's notation that mean the same wherever they stand; each is passed when it is read."""

from __future__ import annotations

import re

from shipper.grok.scanner import Scanner

_INTERVAL = re.compile(r"\{(?:\d+(?:,\d*)?|,\d+)\}")


def read_interval(scanner: Scanner) -> str | None:
    """`{n}`, `{n,}`, `{,m}` or `{n,m}` in the spelling of `re`, if that is what comes next."""
    if not scanner.looks_at("{"):
        return None
    found = _INTERVAL.match(scanner.text, scanner.at)
    if found is None:
        return None
    scanner.at = found.end()
    return found[0].replace("{,", "{0,")


def read_switches(scanner: Scanner) -> tuple[str, bool | None]:
    """Options in the spelling of `re`, and whether they switch the extended syntax (None: they do not touch it)."""
    on, off = scanner.take_while("imx", 3), ""
    if scanner.skip("-"):
        off = scanner.take_while("imx", 3)
    extended = "x" in on and "x" not in off if "x" in on + off else None
    spelled_on = "".join("s" if option == "m" else option for option in on if option not in "x" + off)
    spelled_off = "".join("s" if option == "m" else option for option in off if option != "x")
    return spelled_on + (f"-{spelled_off}" if spelled_off else ""), extended


def read_quoted_name(scanner: Scanner) -> str:
    r"""The name after `\k`, in angle brackets or single quotes."""
    if scanner.skip("<"):
        return scanner.take_until(">")
    if scanner.skip("'"):
        return scanner.take_until("'")
    raise scanner.error(r"needs a name after \k, like \k<name>")
