"""`shipper check --connect` on genuine servers without security: mappings and clocks."""

from __future__ import annotations

import io
import time

import pytest
from support.elasticsearch_node import ElasticsearchNode
from support.es_documents import DATASET, batch_of, documents

from shipper.clock import SystemClock
from shipper.events_log import EventsLog, text_writer
from shipper.send.elasticsearch import ElasticsearchOutput
from shipper.send.output import Dataset
from shipper.send.preflight import examine
from shipper.settings import ElasticsearchSettings

BEFORE = Dataset(DATASET, "default", {"gridftp.nbytes": "long", "source.ip": "ip", "gridftp.rate": "double"})
NOW = Dataset(DATASET, "default", {"gridftp.nbytes": "keyword", "source.ip": "ip", "gridftp.rate": "long"})
INDEX = f"shipper-{DATASET}-default-2026"


@pytest.fixture
def settings(elasticsearch: ElasticsearchNode) -> ElasticsearchSettings:
    """A cluster with an index of two months and one of suspect times."""
    found = ElasticsearchSettings((elasticsearch.url,))
    output = ElasticsearchOutput(found, [BEFORE], SystemClock(), EventsLog(text_writer(io.StringIO())))
    for period in ("2026.11", "2026.12", "suspect"):
        output.send(batch_of(documents(1, seed=period, index=f"{DATASET}-default-{period}")))
    output.close()
    return found


def test_what_fits_is_told_nothing_of(settings: ElasticsearchSettings) -> None:
    found = examine(settings, [BEFORE], time.time)
    assert (found.problems, found.warnings) == ([], [])
    assert len(found.identity) == 22


def test_a_field_of_another_type_is_named_with_both_types(
    settings: ElasticsearchSettings, elasticsearch: ElasticsearchNode
) -> None:
    elasticsearch.ask("DELETE", f"/{INDEX}.12")
    warnings = examine(settings, [NOW], time.time).warnings
    assert [warning.partition(":")[0] for warning in warnings] == [
        f"The field {field} is {is_} in 2 indices, for example shipper-{DATASET}-default-suspect, "
        f"but the pipelines of {DATASET} make it {should}"
        for field, is_, should in (("gridftp.nbytes", "long", "keyword"), ("gridftp.rate", "double", "long"))
    ]


def test_indices_of_others_are_not_looked_at(settings: ElasticsearchSettings, elasticsearch: ElasticsearchNode) -> None:
    mapping = {"mappings": {"properties": {"log": {"properties": {"offset": {"type": "keyword"}}}}}}
    elasticsearch.ask("PUT", "/shipper-another-default-2026.11", mapping)
    assert examine(settings, [BEFORE], time.time).warnings == []


@pytest.mark.parametrize(("ahead", "says"), [(40.0, "before"), (-40.0, "after"), (20.0, None), (-20.0, None)])
def test_clocks_that_differ_by_more_than_half_a_minute_are_told(
    settings: ElasticsearchSettings, ahead: float, says: str | None
) -> None:
    warnings = examine(settings, [BEFORE], lambda: time.time() + ahead).warnings
    assert len(warnings) == (says is not None)
    assert all(f" {says} that of this host" in warning for warning in warnings)


def test_a_missing_template_is_a_problem_only_where_the_agent_will_not_install_it(
    elasticsearch: ElasticsearchNode,
) -> None:
    for setup, problems in (("auto", 0), ("manual", 1)):
        found = examine(ElasticsearchSettings((elasticsearch.url,), setup=setup), [BEFORE], time.time)
        assert len(found.problems) == problems
