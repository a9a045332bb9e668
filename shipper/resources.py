"""The only finder of installed files: pattern and pipeline files lie inside the package, or beside it in a checkout."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def patterns() -> Path:
    """The folder of the pattern files that come with shipper."""
    return _folder("patterns")


def pipelines() -> Path:
    """The folder of the pipeline definitions that come with shipper."""
    return _folder("pipelines")


def demo_samples() -> Path:
    """The folder of the log samples that `shipper demo` replays."""
    return _PACKAGE / "demo" / "samples"


def in_checkout() -> bool:
    """Whether the installed files are those of a checkout, where they are edited."""
    return (_PACKAGE.parent / "setup.cfg").is_file()


def _folder(name: str) -> Path:
    # An editable install does not see packages that are mapped from elsewhere: there they lie beside the package.
    beside = _PACKAGE.parent / name
    return beside if beside.is_dir() and in_checkout() else _PACKAGE / name
