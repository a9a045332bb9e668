"""What is in force, and where it was written."""

from shipper.config import load_with_origins
from shipper.config.show import shown


def rows(tmp_path, text):
    path = tmp_path / "shipper.yml"
    path.write_text(text)
    path.chmod(0o640)
    loaded = load_with_origins(path, environment={}, host_name=lambda: "dtn01")
    return {row.key: row[1:] for row in shown(loaded.document, loaded.settings, loaded.places)}


def test_each_value_tells_its_line_or_that_it_is_a_default(tmp_path):
    text = "memory: 64MiB\ninputs:\n- name: a\n  paths: [x, /y]\n  pipeline: raw\nrescan: 1m\n"
    found = rows(tmp_path, text)
    file = tmp_path / "shipper.yml"
    assert found["memory"] == ("64MiB", f"{file}:1")
    assert found["inputs.0.paths"] == (f"[{tmp_path}/x, /y]", f"{file}:4")
    assert found["inputs.0.period"] == ("month", "default")
    assert found["rescan"] == ("60s", f"{file}:6")
    assert found["batch_bytes"] == ("4MiB", "default")
    assert found["host"] == ("dtn01", "default")
    assert found["output.sqlite.path"] == ("/var/lib/shipper/index.db", "default")
    assert "inputs.0.timezone" not in found


def test_inputs_of_other_files_tell_those_files(tmp_path):
    (tmp_path / "inputs.d").mkdir()
    (tmp_path / "inputs.d" / "b.yml").write_text("\n- {name: b, paths: [x], pipeline: raw}\n")
    found = rows(tmp_path, "inputs: [{name: a, paths: [x], pipeline: raw}]\n")
    assert found["inputs.1.name"] == ("b", f"{tmp_path}/inputs.d/b.yml:2")


def test_secrets_are_hidden(tmp_path):
    text = "inputs: [{name: a, paths: [x], pipeline: raw}]\noutput:\n  elasticsearch:\n"
    found = rows(tmp_path, text + "    hosts: ['https://es1']\n    username: joe\n    password: hunter2\n")
    assert found["output.elasticsearch.password"] == ("(hidden)", f"{tmp_path}/shipper.yml:6")
    assert found["output.elasticsearch.username"][0] == "joe"
    assert found["output.elasticsearch.compress"][0] == "true"
    assert "output.sqlite.path" not in found
