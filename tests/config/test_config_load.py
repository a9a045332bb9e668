"""What a configuration gives, and what it refuses."""

from pathlib import Path

import pytest

from shipper.config import load, load_with_origins
from shipper.errors import ConfigurationError, Exit
from shipper.settings import ElasticsearchSettings, SQLiteSettings

INPUT = "inputs: [{name: gridftp, paths: [logs/*.log], pipeline: raw}]\n"


def write(folder: Path, text: str, name: str = "shipper.yml", mode: int = 0o640) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path


def loaded(folder, text, **environment):
    return load(write(folder, text), environment=environment, host_name=lambda: "dtn01.example.org")


def mistakes(folder, text, **environment):
    with pytest.raises(ConfigurationError) as caught:
        loaded(folder, text, **environment)
    return caught.value.problems


def only_mistake(folder, text, **environment):
    problems = mistakes(folder, text, **environment)
    assert len(problems) == 1, problems
    return problems[0]


def test_a_configuration_with_inputs_only_takes_every_default(tmp_path):
    settings = loaded(tmp_path, f"state: here\n{INPUT}")
    assert settings.host == "dtn01.example.org"
    assert settings.state == tmp_path / "here"
    assert settings.output == SQLiteSettings(tmp_path / "here" / "index.db")
    assert settings.memory == 32 * 1024 * 1024
    assert settings.origin == tmp_path / "shipper.yml"
    (only,) = settings.inputs
    assert (only.name, only.pipeline, only.namespace, only.period) == ("gridftp", "raw", "default", "month")


def test_paths_are_relative_to_the_configuration_file_and_not_to_the_working_directory(tmp_path, monkeypatch):
    write(tmp_path / "etc", f"{INPUT}output: {{sqlite: {{path: ../index.db}}}}\n")
    monkeypatch.chdir(tmp_path)
    settings = load(Path("etc/shipper.yml"), host_name=lambda: "dtn01")
    assert settings.inputs[0].paths == (str(tmp_path / "etc" / "logs" / "*.log"),)
    assert settings.output == SQLiteSettings(tmp_path / "etc" / ".." / "index.db")


def test_an_exclude_without_a_slash_is_a_name_and_with_one_a_path(tmp_path):
    text = "inputs: [{name: a, paths: [x], pipeline: raw, exclude: ['*.tmp', 'old/*', '/var/x']}]"
    assert loaded(tmp_path, text).inputs[0].exclude == ("*.tmp", str(tmp_path / "old/*"), "/var/x")


def test_values_are_what_they_look_like(tmp_path):
    text = """
    inputs:
      - {name: 0304, paths: [1e3], pipeline: raw}
      - {name: no, paths: [x], pipeline: raw, namespace: null_1}
      - {name: 1_000, paths: [x], pipeline: raw, namespace: 007}
    """
    settings = loaded(tmp_path, text)
    assert [item.name for item in settings.inputs] == ["0304", "no", "1_000"]
    assert [item.namespace for item in settings.inputs] == ["default", "null_1", "007"]
    assert settings.inputs[0].paths == (str(tmp_path / "1e3"),)


def test_sizes_times_and_numbers_have_units(tmp_path):
    text = INPUT + "memory: 10MB\nbatch_bytes: 1.5MiB\nrescan: 5m\nbatch_age: 250ms\nmax_open_files: 64\n"
    settings = loaded(tmp_path, text)
    assert (settings.memory, settings.batch_bytes) == (10_000_000, 1_572_864)
    assert (settings.rescan, settings.batch_age, settings.max_open_files) == (300.0, 0.25, 64)


def test_an_input_says_where_it_starts_how_fast_it_is_read_and_what_its_bytes_mean(tmp_path):
    text = INPUT.replace("raw", "raw, start_at: 2026-11-01, rate: 10MiB/s, encoding: latin1")
    settings = loaded(tmp_path, text).inputs[0]
    assert (settings.start_at, settings.rate, settings.encoding) == ("2026-11-01", 10 << 20, "iso8859-1")


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("memory: 64", "'64' is not a size"),
        ("memory: 64 lemons", "'64 lemons' is not a size"),
        ("memory: 64mb", "'64mb' is not a size"),
        ("memory: 100GiB", "allowed is 1MiB to 64GiB"),
        ("rescan: 10", "'10' is not a time"),
        ("rescan: -1s", "'-1s' is not a time"),
        ("rescan: 2h", "allowed is 100ms to 1h"),
        ("max_open_files: many", "'many' is not a whole number"),
        ("max_open_files: 1e3", "'1e3' is not a whole number"),
        ("max_open_files: [1]", "A single value belongs here, not a list."),
        ("host: localhost", "'localhost' is no name of one machine"),
        ("host: localhost.localdomain", "no name of one machine"),
        ("host: a b", "'a b' is no name of one machine"),
        ("host: ''", "The value is empty"),
        ("host:", "There is no value"),
        ("output:", "There is no value"),
        ("output: {}", "No output is chosen"),
        ("output: {sqlite: {path: a}, elasticsearch: {hosts: ['http://a']}}", "There are two outputs"),
        ("patterns_dir: nowhere", "There is no folder 'nowhere'"),
        ("memory: 2MiB", "A batch of 4MiB does not fit into 2MiB of memory"),
        ("state: ~/state", "begins with ~"),
        ("state: !secret x", "The tag '!secret' has no meaning here"),
    ],
)
def test_a_wrong_value_is_named_with_its_line_and_what_is_allowed(tmp_path, line, sentence):
    problem = only_mistake(tmp_path, f"{INPUT}{line}\n")
    assert sentence in problem.message
    assert (problem.file, problem.line) == (str(tmp_path / "shipper.yml"), 2)
    assert problem.key is not None
    assert problem.key.split(".")[0] == line.partition(":")[0]


@pytest.mark.parametrize(
    ("item", "key", "sentence"),
    [
        ("{name: a b, paths: [x], pipeline: raw}", "name", "'a b' is no name of an input"),
        ("{name: a, paths: [], pipeline: raw}", "paths", "The list is empty"),
        ("{name: a, paths: x, pipeline: raw}", "paths", "A list belongs here, not 'x'."),
        ("{name: a, paths: ['~/x'], pipeline: raw}", "paths.0", "begins with ~"),
        ("{name: a, pipeline: raw}", "paths", "This key is required"),
        ("{name: a, paths: [x], pipeline: ../raw}", "pipeline", "no name of a pipeline"),
        ("{name: a, paths: [x], pipeline: raw, timezone: Europe/Roma}", "timezone", "Did you mean 'Europe/Rome'?"),
        ("{name: a, paths: [x], pipeline: raw, timezone: localtime}", "timezone", "'localtime' is no time zone"),
        ("{name: a, paths: [x], pipeline: raw, timezone: ../x}", "timezone", "'../x' is no time zone"),
        ("{name: a, paths: [x], pipeline: raw, namespace: a-b}", "namespace", "not the hyphen"),
        ("{name: a, paths: [x], pipeline: raw, namespace: A}", "namespace", "small letters"),
        ("{name: a, paths: [x], pipeline: raw, period: mouth}", "period", "Did you mean 'month'?"),
        ("{name: a, paths: [x], pipeline: raw, watch: nfs}", "watch", "allowed are inotify, poll"),
        ("{name: a, paths: [x], pipeline: raw, incomplete: drop}", "incomplete", "allowed are ship, refuse"),
        ("{name: a, path: x, paths: [x], pipeline: raw}", "path", "Did you mean 'paths'?"),
        ("{name: a, paths: [x], pipeline: raw, start_at: end}", "start_at", "allowed are beginning, now, and a date"),
        ("{name: a, paths: [x], pipeline: raw, start_at: 2026-13-01}", "start_at", "'2026-13-01' is no place"),
        ("{name: a, paths: [x], pipeline: raw, rate: 10MiB}", "rate", "'10MiB' is not a rate"),
        ("{name: a, paths: [x], pipeline: raw, rate: 1B/s}", "rate", "allowed is 1KiB to 64GiB"),
        ("{name: a, paths: [x], pipeline: raw, encoding: utf-16}", "encoding", "'utf-16' is no encoding in which"),
        ("just text", "", "A mapping belongs here, not 'just text'; its keys are encoding, exclude,"),
    ],
)
def test_a_wrong_input_is_named_with_its_place_in_the_list(tmp_path, item, key, sentence):
    problem = only_mistake(tmp_path, f"inputs:\n  - {{name: first, paths: [y], pipeline: raw}}\n  - {item}\n")
    assert sentence in problem.message
    assert problem.line == 3
    assert problem.key == ".".join(part for part in ("inputs.1", key) if part)


def test_all_mistakes_come_at_once_in_the_order_of_the_file(tmp_path):
    text = "host: localhost\nmemroy: 64MiB\ninputs:\n- name: a\n  paths: [x]\n  pipeline: raw\n  period: mouth\n"
    problems = mistakes(tmp_path, text)
    assert [(problem.line, problem.key) for problem in problems] == [
        (1, "host"),
        (2, "memroy"),
        (7, "inputs.0.period"),
    ]
    assert "Did you mean 'memory'?" in problems[1].message


def test_an_error_ends_the_program_with_code_2_and_one_line_per_mistake(tmp_path):
    with pytest.raises(ConfigurationError) as caught:
        loaded(tmp_path, "\nhost: localhost\nmemory: 1\n")
    assert caught.value.exit_code == Exit.USAGE
    file = tmp_path / "shipper.yml"
    first, second, third = str(caught.value).splitlines()
    assert first.startswith(f"{file}:1: inputs: This key is required")
    assert second.startswith(f"{file}:2: host: 'localhost'")
    assert third.startswith(f"{file}:3: memory: '1' is not a size")


def test_the_line_is_that_of_the_item_in_a_long_list(tmp_path):
    text = "inputs:\n- name: a\n  pipeline: raw\n  paths:\n  - x\n  - y\n  - ~z\n"
    assert only_mistake(tmp_path, text).line == 7


def test_a_repeated_key_is_refused_and_names_both_lines(tmp_path):
    problem = only_mistake(tmp_path, f"memory: 32MiB\n{INPUT}memory: 64MiB\n")
    assert problem.line == 3
    assert problem.message == "The key 'memory' is written twice, first in line 1."


def test_two_inputs_of_one_name_are_refused(tmp_path):
    problem = only_mistake(tmp_path, f"{INPUT.rstrip()[:-1]}, {{name: gridftp, paths: [y], pipeline: raw}}]\n")
    assert problem.key == "inputs.1.name"
    assert "The name 'gridftp' is taken" in problem.message


@pytest.mark.parametrize(
    ("text", "line"), [("inputs: [\n  {name: a\n", 3), ("a: b: c\n", 1), ("a: 1\n---\nb: 2\n", 2), ("a: *x\n", 1)]
)
def test_text_that_is_no_yaml_is_refused_with_its_line(tmp_path, text, line):
    problem = only_mistake(tmp_path, text)
    assert problem.message.startswith("This is not YAML:")
    assert problem.line == line


def test_a_file_that_is_no_utf8_is_refused_with_its_line(tmp_path):
    path = tmp_path / "shipper.yml"
    path.write_bytes(b"host: a\nstate: \xff\n")
    with pytest.raises(ConfigurationError) as caught:
        load(path)
    assert [(problem.line, problem.message) for problem in caught.value.problems] == [
        (2, "The file is not UTF-8 text.")
    ]


def test_a_file_that_is_not_there_is_a_mistake_of_the_user(tmp_path):
    with pytest.raises(ConfigurationError, match="There is no such configuration file"):
        load(tmp_path / "none.yml")


def test_an_alias_that_contains_itself_is_refused(tmp_path):
    assert "An alias must not refer to what it is part of." in mistakes(tmp_path, "inputs: &x [*x]\n")[0].message


def test_anchors_and_aliases_repeat_a_value(tmp_path):
    text = """
    inputs:
      - {name: a, paths: &same [x], pipeline: raw}
      - {name: b, paths: *same, pipeline: raw}
    """
    first, second = loaded(tmp_path, text).inputs
    assert first.paths == second.paths


def test_variables_come_from_the_environment_and_cannot_change_the_structure(tmp_path):
    text = "inputs: [{name: 'in-${SITE}', paths: ['${LOGS}/*'], pipeline: raw}]\nhost: $${X}\n"
    problem = only_mistake(tmp_path, text, SITE="cern", LOGS="/data]}")
    assert "'${X}' is no name of one machine" in problem.message
    settings = loaded(tmp_path, text.replace("$${X}", "dtn"), SITE="cern", LOGS="/data]}")
    assert (settings.inputs[0].name, settings.inputs[0].paths) == ("in-cern", ("/data]}/*",))


@pytest.mark.parametrize("written", ["${MISSING}", "${}", "${A B}", "${OPEN"])
def test_an_unknown_or_malformed_variable_is_one_mistake(tmp_path, written):
    problem = only_mistake(tmp_path, f"{INPUT}memory: '{written}'\n")
    assert problem.line == 2
    assert "is not set" in problem.message or "is no variable" in problem.message


def test_inputs_of_other_files_are_added_and_keep_their_own_lines(tmp_path):
    write(tmp_path, "- {name: b, paths: [y], pipeline: raw}\n", "inputs.d/10-b.yml")
    write(tmp_path, "# nothing yet\n", "inputs.d/20-c.yml")
    loaded_tree = load_with_origins(write(tmp_path, INPUT), host_name=lambda: "dtn")
    assert [item.name for item in loaded_tree.settings.inputs] == ["gridftp", "b"]
    assert loaded_tree.settings.inputs[1].paths == (str(tmp_path / "y"),)
    place = loaded_tree.places["inputs", 1, "name"]
    assert (place.file, place.line, place.key) == (str(tmp_path / "inputs.d/10-b.yml"), 1, "0.name")


def test_mistakes_in_other_files_name_those_files(tmp_path):
    write(tmp_path, "\n- {name: gridftp, paths: [y], pipelin: raw}\n", "inputs.d/b.yml")
    write(tmp_path, "inputs: []\n", "inputs.d/c.yml")
    problems = mistakes(tmp_path, INPUT)
    place = str(tmp_path / "inputs.d/b.yml")
    assert [(problem.file, problem.line, problem.key) for problem in problems] == [
        (place, 2, "0.name"),
        (place, 2, "0.pipeline"),
        (place, 2, "0.pipelin"),
        (str(tmp_path / "inputs.d/c.yml"), 1, None),
    ]


def test_inputs_may_lie_in_other_files_alone(tmp_path):
    write(tmp_path, "- {name: b, paths: [y], pipeline: raw}\n", "inputs.d/b.yml")
    assert [item.name for item in loaded(tmp_path, "host: dtn\n").inputs] == ["b"]


def test_a_machine_without_a_name_of_its_own_must_be_given_one(tmp_path):
    path = write(tmp_path, INPUT)
    with pytest.raises(ConfigurationError, match="The name of this machine is 'localhost'"):
        load(path, host_name=lambda: "localhost")


CLUSTER = "output:\n  elasticsearch:\n    hosts: [{hosts}]\n{more}"


def cluster(hosts="'https://es1:9200'", **keys):
    more = "".join(f"    {key}: {value}\n" for key, value in keys.items())
    return INPUT + CLUSTER.format(hosts=hosts, more=more)


def test_a_cluster_is_configured_with_files_for_its_secrets(tmp_path):
    write(tmp_path, "key==\n", "api_key", 0o600)
    write(tmp_path, "certificate", "ca.pem")
    settings = loaded(tmp_path, cluster(api_key_file="api_key", ca_certs="ca.pem", compress="false", deadline="30s"))
    assert settings.output == ElasticsearchSettings(
        hosts=("https://es1:9200",),
        api_key_file=tmp_path / "api_key",
        ca_certs=tmp_path / "ca.pem",
        compress=False,
        deadline=30.0,
    )


def test_a_password_is_read_from_its_file(tmp_path):
    write(tmp_path, "hunter2\n", "password", 0o600)
    output = loaded(tmp_path, cluster(username="shipper", password_file="password")).output
    assert isinstance(output, ElasticsearchSettings)
    assert output.password == "hunter2"
    assert "hunter2" not in repr(output)


@pytest.mark.parametrize("mode", [0o644, 0o602, 0o604])
def test_a_secret_file_that_everybody_can_read_is_refused(tmp_path, mode):
    write(tmp_path, "key", "api_key", mode)
    assert "Everybody can read or write the secret" in only_mistake(tmp_path, cluster(api_key_file="api_key")).message


def test_an_empty_secret_file_is_refused(tmp_path):
    write(tmp_path, "\n", "api_key", 0o600)
    assert "holds no secret" in only_mistake(tmp_path, cluster(api_key_file="api_key")).message


def test_a_secret_in_a_configuration_that_everybody_can_read_is_refused_without_showing_it(tmp_path):
    path = write(tmp_path, cluster(api_key="hunter2"), mode=0o644)
    with pytest.raises(ConfigurationError, match="Everybody can read") as caught:
        load(path, host_name=lambda: "dtn")
    assert "hunter2" not in str(caught.value)


def test_a_secret_from_the_environment_may_be_named_in_a_file_that_everybody_can_read(tmp_path):
    path = write(tmp_path, cluster(api_key="${KEY}"), mode=0o644)
    output = load(path, environment={"KEY": "hunter2"}, host_name=lambda: "dtn").output
    assert isinstance(output, ElasticsearchSettings)
    assert output.api_key == "hunter2"


@pytest.mark.parametrize("host", ["http://127.0.0.1:9200", "http://localhost:9200", "http://[::1]:9200"])
def test_credentials_may_travel_in_the_clear_to_this_machine_only(tmp_path, host):
    output = loaded(tmp_path, cluster(f"'{host}'", api_key="hunter2")).output
    assert isinstance(output, ElasticsearchSettings)
    assert output.hosts == (host,)
    problem = only_mistake(tmp_path, cluster(f"'{host}', 'http://es2:9200'", api_key="hunter2"))
    assert problem.key == "output.elasticsearch.hosts.1"
    assert "plain HTTP" in problem.message


@pytest.mark.parametrize("host", ["http://127.0.0.1.example.org", "http://localhost.example.org", "http://128.0.0.1"])
def test_names_that_only_look_like_this_machine_get_no_credentials(tmp_path, host):
    assert "plain HTTP" in only_mistake(tmp_path, cluster(f"'{host}'", api_key="x")).message


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({"api_key": "a", "api_key_file": "secret"}, "There are several credentials: api_key, api_key_file"),
        ({"username": "a"}, "A username needs a password"),
        ({"password_file": "secret"}, "A password needs a username"),
        ({"ca_fingerprint": "ab:cd"}, "'ab:cd' is no SHA-256 fingerprint"),
        ({"ca_certs": "none.pem"}, "There is no file 'none.pem'"),
        ({"setup": "automatic"}, "Did you mean 'auto'?"),
        ({"compress": "yes"}, "'yes' is neither true nor false"),
        ({"senders": "99"}, "allowed is 1 to 32"),
        ({"deadline": "0s"}, "allowed is 1s to 1h"),
        ({"host": "x"}, "Did you mean 'hosts'?"),
    ],
)
def test_a_wrong_key_of_the_cluster_is_named(tmp_path, keys, sentence):
    write(tmp_path, "x", "secret", 0o600)
    problem = only_mistake(tmp_path, cluster(**keys))
    assert sentence in problem.message
    assert (problem.key or "").startswith("output.elasticsearch.")


@pytest.mark.parametrize("host", ["es1:9200", "ftp://es1", "https://", "https://es1:99999", "https://es1/?a=b"])
def test_what_is_no_address_is_refused(tmp_path, host):
    assert f"'{host}' is no address of a server" in only_mistake(tmp_path, cluster(f"'{host}'")).message


@pytest.mark.parametrize("host", ["https://joe:hunter2@es1", "http://joe:hun/ter2@es1", "x://joe:hunter2@"])
def test_a_password_in_an_address_is_refused_and_not_repeated(tmp_path, host):
    for text in (cluster(f"'{host}'", api_key="x"), cluster(f"'{host}'").replace("['", "'").replace("']", "'")):
        problems = mistakes(tmp_path, text)
        assert problems
        assert "ter2" not in " ".join(map(str, problems))


def test_an_address_with_a_password_names_the_keys_to_use(tmp_path):
    assert "use the keys username and password_file" in str(mistakes(tmp_path, cluster("'https://joe:hunter2@es1'"))[0])
