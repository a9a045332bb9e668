from __future__ import annotations

from typing import Any

import pytest

from shipper.errors import ConfigurationError
from shipper.send.output import Dataset
from shipper.send.templates import Stamp, stamp_of, templates

TYPES = {"gridftp.nbytes": "long", "gridftp.retrans": "[int]", "source.ip": "ip", "gridftp.rate": "double"}
DATASET = Dataset("gridftp.transfer", "default", TYPES)


def mapping(dataset: Dataset, field: str, position: int = 0) -> Any:
    found: Any = templates(dataset)[position].body["template"]["mappings"]
    for name in field.split("."):
        found = found["properties"][name]
    return found


def test_a_template_takes_all_indices_of_its_dataset_and_namespace_behind_an_alias() -> None:
    usual, suspect = templates(DATASET)
    assert usual.name == "shipper-gridftp.transfer-default"
    assert usual.body["index_patterns"] == ["shipper-gridftp.transfer-default-*"]
    assert usual.body["template"]["aliases"] == {"shipper-gridftp.transfer-default": {}}
    assert suspect.body["template"]["aliases"] == usual.body["template"]["aliases"]
    assert "data_stream" not in usual.body


def test_times_keep_nanoseconds_but_suspect_ones_any_year() -> None:
    assert mapping(DATASET, "@timestamp") == {"type": "date_nanos"}
    assert mapping(DATASET, "@timestamp", position=1) == {"type": "date"}
    assert templates(DATASET)[1].body["index_patterns"] == ["shipper-gridftp.transfer-default-suspect"]
    assert templates(DATASET)[1].body["priority"] > templates(DATASET)[0].body["priority"]


@pytest.mark.parametrize("name", ["lines", "bytes", "h0", "h1"])
def test_what_the_audit_adds_up_is_long_without_a_search_index(name: str) -> None:
    assert mapping(DATASET, f"shipper.{name}") == {"type": "long", "index": False}


def test_the_offset_can_be_searched() -> None:
    assert mapping(DATASET, "log.offset") == {"type": "long"}


def test_declared_types_become_mappings_and_lists_those_of_their_elements() -> None:
    assert mapping(DATASET, "gridftp.nbytes") == {"type": "long"}
    assert mapping(DATASET, "gridftp.retrans") == {"type": "long"}
    assert mapping(DATASET, "source.ip") == {"type": "ip"}
    assert mapping(DATASET, "gridftp.rate") == {"type": "double"}


def test_no_pipeline_changes_the_type_of_a_structural_field() -> None:
    assert mapping(Dataset("a", "b", {"log.offset": "keyword"}), "log.offset") == {"type": "long"}


def test_nothing_is_bent_silently() -> None:
    template = templates(DATASET)[0].body["template"]
    assert template["settings"]["index.mapping.coerce"] is False
    assert template["mappings"]["date_detection"] is False
    assert "ignore_malformed" not in str(template)


def test_a_type_without_a_mapping_is_an_error_that_names_field_and_value() -> None:
    with pytest.raises(ConfigurationError, match=r"field a\.b of dataset d has type 'geo'; allowed are int, long"):
        templates(Dataset("d", "default", {"a.b": "geo"}))


def test_the_stamp_can_be_read_back() -> None:
    usual = templates(DATASET)[0]
    assert stamp_of(usual.body) == usual.stamp
    assert stamp_of({"_meta": {"managed": True}}) is None
    assert stamp_of({}) is None


def test_the_stamp_changes_with_the_types() -> None:
    other = Dataset("gridftp.transfer", "default", {**TYPES, "gridftp.user": "keyword"})
    assert templates(other)[0].stamp != templates(DATASET)[0].stamp
    assert templates(DATASET)[0].stamp == templates(Dataset("gridftp.transfer", "default", dict(TYPES)))[0].stamp


def test_the_same_or_a_later_generation_will_do_and_nothing_else() -> None:
    wanted = Stamp(2, "aa")
    assert wanted.is_satisfied_by(Stamp(2, "aa"))
    assert wanted.is_satisfied_by(Stamp(3, "bb"))
    assert not wanted.is_satisfied_by(Stamp(2, "bb"))
    assert not wanted.is_satisfied_by(Stamp(1, "aa"))
    assert not wanted.is_satisfied_by(None)
