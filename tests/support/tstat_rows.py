"""Rows of tstat's logs as tstat would print them again from a document's fields."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from ipaddress import IPv6Address
from typing import Any

ONE_DECIMAL = frozenset({"req_tm", "res_tm"})
"""Printed with one decimal where they are not known, and so in all samples."""


def column_names(header: str) -> list[str]:
    """The names in a header line, whatever stands before them."""
    return re.findall(r"([A-Za-z_][\w-]*):\d+", header)


def printed(
    fields: Mapping[str, Any], names: Sequence[str], *, separator: str = " ", null: str = "-", padded: bool = False
) -> str:
    """A row from the fields of a document below `tstat`.

    `null` is for columns without a value (but for `http_res`, which has its own), `padded` for the spelling of IPv6 in
    tstat 3.1.
    """
    return separator.join(_value(fields, name, null, padded=padded) for name in names)


def _value(fields: Mapping[str, Any], name: str, null: str, *, padded: bool) -> str:
    if f"{name}_text" in fields:
        return str(fields[f"{name}_text"])
    if name not in fields:
        return "---" if name == "http_res" else null
    value = fields[name]
    if isinstance(value, float):
        return f"{value:.1f}" if name in ONE_DECIMAL else f"{value:.6f}"
    if name in ("c_ip", "s_ip") and padded and ":" in value:
        return _padded(value)
    return str(value)


def _padded(address: str) -> str:
    """Groups with their zeros, and `::` where the canonical spelling has it: `2001:0db8:0002::0009`."""
    return ":".join(group and f"{int(group, 16):04x}" for group in str(IPv6Address(address)).split(":"))
