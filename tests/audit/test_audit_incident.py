"""The incident that docs/audit.md tells is played again, on a real cluster, and comes out as it is told."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import pytest
from support.elasticsearch_node import ElasticsearchNode

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "audit.md"


@pytest.fixture
def incident(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The program that plays it."""
    monkeypatch.syspath_prepend(str(DOCUMENT.parent))
    return importlib.import_module("incident")


@pytest.mark.slow
def test_the_incident_of_the_documentation_comes_out_as_it_is_told(
    incident: ModuleType, elasticsearch9: ElasticsearchNode, tmp_path: Path
) -> None:
    told = incident.Incident(tmp_path, elasticsearch9.url, elasticsearch9.ask).told()
    shown = incident.section(DOCUMENT.read_text())
    assert told == shown, f"Write the section anew: {incident.COMMAND}"


def test_the_section_ends_where_the_next_one_begins(incident: ModuleType) -> None:
    document = f"# A\n\n## One\n\n{incident.HEADING}\n\ntext\n\n## Two\n"
    assert incident.section(document) == f"{incident.HEADING}\n\ntext\n\n"
    assert incident.with_section(document, f"{incident.HEADING}\n\nother\n\n").endswith("\n\nother\n\n## Two\n")
