"""Wheel, sdist and editable install each find the patterns, the pipelines and the demo's samples."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest

from shipper import __version__

ROOT = Path(__file__).resolve().parent.parent
LEFT_OUT = shutil.ignore_patterns(".*", "build", "dist", "*.egg-info", "__pycache__", "tests")
# `tests/run.sh` installs a setuptools that can; where it is older, building fetches one into a place of its own.
CAN_BUILD = int(version("setuptools").split(".")[0]) >= 77
PROBE = """
import json, shipper
from shipper import resources
names = lambda folder, ending: sorted(path.name for path in folder.iterdir() if path.name.endswith(ending))
print(json.dumps({
    "package": shipper.__file__,
    "patterns": names(resources.patterns(), ".grok"),
    "pipelines": names(resources.pipelines(), ".yml"),
    "samples": names(resources.demo_samples(), ""),
}))
"""

pytestmark = pytest.mark.slow


def run(*arguments, cwd):
    """The command's standard output; its errors are shown if it fails."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    answer = subprocess.run(arguments, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, f"{arguments}\n{answer.stdout}\n{answer.stderr}"
    return answer.stdout


def names_in(folder, ending):
    return sorted(path.name for path in (ROOT / folder).iterdir() if path.name.endswith(ending))


@pytest.fixture(scope="session")
def checkout(tmp_path_factory):
    """A copy of the sources, so that building leaves no trace in the real ones."""
    copy = tmp_path_factory.mktemp("sources") / "shipper"
    shutil.copytree(ROOT, copy, ignore=LEFT_OUT)
    return copy


@pytest.fixture(scope="session")
def distributions(checkout):
    """Wheel and sdist; built without isolation where this Python's setuptools is new enough."""
    isolation = ["--no-isolation"] if CAN_BUILD else []
    run(sys.executable, "-m", "build", *isolation, "--outdir", checkout / "dist", checkout, cwd=checkout)
    return {path.suffix: path for path in (checkout / "dist").iterdir()}


@pytest.fixture
def environment(tmp_path):
    """An empty virtual environment that borrows the installed dependencies, but not this project."""
    python = tmp_path / "venv" / "bin" / "python"
    run(sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv", cwd=tmp_path)
    site = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=tmp_path).strip())
    # A plain .pth line appends the folder; its own .pth files, with the editable install, are not processed.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python


def install(python, *what, cwd):
    # Whether the borrowed folder already holds a shipper must not matter: this one is installed in any case.
    options = ["--no-deps", "--ignore-installed", "--disable-pip-version-check"]
    offline = ["--no-index", "--no-build-isolation"] if CAN_BUILD else []
    run(sys.executable, "-m", "pip", "--python", python, "install", "--quiet", *options, *offline, *what, cwd=cwd)


def assert_everything_is_found(python, cwd, inside):
    found = json.loads(run(python, "-c", PROBE, cwd=cwd))
    assert Path(found["package"]).is_relative_to(inside)
    assert found["patterns"] == names_in("patterns", ".grok") != []
    assert found["pipelines"] == names_in("pipelines", ".yml") != []
    assert found["samples"] == names_in("shipper/demo/samples", "") != []
    assert run(python.with_name("shipper"), "--version", cwd=cwd).strip() == f"shipper, version {__version__}"


def test_the_wheel_brings_patterns_pipelines_and_samples(distributions, environment, tmp_path):
    install(environment, distributions[".whl"], cwd=tmp_path)
    assert_everything_is_found(environment, tmp_path, inside=tmp_path / "venv")


def test_the_sdist_brings_patterns_pipelines_and_samples(distributions, environment, tmp_path):
    install(environment, distributions[".gz"], cwd=tmp_path)
    assert_everything_is_found(environment, tmp_path, inside=tmp_path / "venv")


def test_an_editable_install_finds_patterns_pipelines_and_samples(checkout, environment, tmp_path):
    install(environment, "--editable", checkout, cwd=tmp_path)
    assert_everything_is_found(environment, tmp_path, inside=checkout)


def test_every_pipeline_with_its_samples_is_in_the_wheel(distributions):
    with zipfile.ZipFile(distributions[".whl"]) as wheel:
        inside = {name for name in wheel.namelist() if name.startswith("shipper/pipelines/")}
    folder = ROOT / "pipelines"
    beside = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    wanted = {f"shipper/pipelines/{name}" for name in beside if "__pycache__" not in name}
    assert wanted <= inside
