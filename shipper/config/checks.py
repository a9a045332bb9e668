"""Contradictions between keys, found in the raw data so that they are reported together with all other mistakes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from pathlib import Path as FilePath
from typing import Any

from pydantic_core import Url

from shipper.config import units
from shipper.config.models import SECRETS
from shipper.config.tree import Path, Tree
from shipper.errors import Problem
from shipper.settings import MIB

_WAYS_IN = ("api_key", "api_key_file", "password", "password_file")


def contradictions(tree: Tree) -> list[Problem]:
    """Every contradiction in a configuration whose parts may themselves be wrong."""
    outputs = dict(_all_outputs(tree))
    clusters = {
        (*path, "elasticsearch"): _mapping(_mapping(each).get("elasticsearch")) for path, each in outputs.items()
    }
    return [
        *_repeated_names(tree),
        *_one_or_several(tree),
        *(problem for path, each in outputs.items() for problem in _choice(tree, path, each)),
        *_shared_databases(tree, outputs),
        *_metrics_nowhere(tree),
        *_batch_beyond_memory(tree),
        *(problem for root, cluster in clusters.items() for problem in _credentials(tree, root, cluster)),
        *(problem for root, cluster in clusters.items() for problem in _plain_text_credentials(tree, root, cluster)),
    ]


def _all_outputs(tree: Tree) -> Iterator[tuple[Path, Any]]:
    """The path of each output, and what is written there."""
    if "output" in tree.data:
        yield ("output",), tree.data["output"]
    for name, each in _mapping(tree.data.get("outputs")).items():
        yield ("outputs", name), each


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _repeated_names(tree: Tree) -> Iterator[Problem]:
    first: dict[str, Path] = {}
    for position, item in enumerate(_list(tree.data.get("inputs"))):
        name = _mapping(item).get("name")
        if not isinstance(name, str):
            continue
        path: Path = ("inputs", position, "name")
        if name in first:
            place = tree.place(first[name])
            yield tree.problem(path, f"The name '{name}' is taken by the input in {place.file}, line {place.line}.")
        first.setdefault(name, path)


def _one_or_several(tree: Tree) -> Iterator[Problem]:
    if {"output", "outputs"} <= tree.data.keys():
        yield tree.problem(("outputs",), "There are both output and outputs; keep one of them.")


def _choice(tree: Tree, path: Path, output: Any) -> Iterator[Problem]:
    if isinstance(output, dict) and {"sqlite", "elasticsearch"} <= output.keys():
        message = "There are two outputs; keep one of sqlite and elasticsearch"
        more = "." if path != ("output",) else ", or give each a name under `outputs`."
        yield tree.problem(path, message + more)
    if output == {}:
        yield tree.problem(path, "No output is chosen; write sqlite or elasticsearch, or leave the key out.")


def _shared_databases(tree: Tree, outputs: Mapping[Path, Any]) -> Iterator[Problem]:
    """Each output has an agent of its own, and a database has one writer."""
    first: dict[str, Path] = {}
    for path, each in outputs.items():
        file = _mapping(_mapping(each).get("sqlite")).get("path")
        if not isinstance(file, str):
            continue
        if file in first:
            message = f"Two outputs cannot share one database: '{file}' is that of {'.'.join(map(str, first[file]))}."
            yield tree.problem((*path, "sqlite", "path"), message)
        first.setdefault(file, path)


def _metrics_nowhere(tree: Tree) -> Iterator[Problem]:
    metrics = tree.data.get("metrics")
    if isinstance(metrics, dict) and not {"port", "file"} & metrics.keys():
        yield tree.problem(("metrics",), "Metrics have no place; write port, file or both, or leave the key out.")


def _batch_beyond_memory(tree: Tree) -> Iterator[Problem]:
    try:
        memory = units.size(tree.data["memory"]) if "memory" in tree.data else 32 * MIB
        batch = units.size(tree.data["batch_bytes"]) if "batch_bytes" in tree.data else 4 * MIB
    except (ValueError, TypeError):
        return  # the model reports the value that is no size
    if batch > memory:
        path: Path = ("batch_bytes",) if "batch_bytes" in tree.data else ("memory",)
        yield tree.problem(
            path,
            f"A batch of {units.size_text(batch)} does not fit into {units.size_text(memory)} of memory; "
            "batch_bytes must not exceed memory.",
        )


def _credentials(tree: Tree, root: Path, cluster: dict[str, Any]) -> Iterator[Problem]:
    ways = [key for key in _WAYS_IN if key in cluster]
    if len(ways) > 1:
        yield tree.problem((*root, ways[1]), f"There are several credentials: {', '.join(ways)}; keep one of them.")
    with_password = bool({"password", "password_file"} & cluster.keys())
    if "username" in cluster and not with_password:
        yield tree.problem((*root, "username"), "A username needs a password; add password_file.")
    if with_password and "username" not in cluster:
        yield tree.problem((*root, ways[-1]), "A password needs a username; add username.")
    for key in sorted(SECRETS & cluster.keys()):
        place = tree.place((*root, key))
        if (*root, key) not in tree.substituted and _readable_by_all(place.file):
            yield tree.problem(
                (*root, key),
                f"Everybody can read {place.file}, which holds this secret; use {key}_file, "
                f"or run: chmod 640 {place.file}",
            )


def _readable_by_all(file: str) -> bool:
    return bool(FilePath(file).stat().st_mode & 0o004)


def _plain_text_credentials(tree: Tree, root: Path, cluster: dict[str, Any]) -> Iterator[Problem]:
    if not any(key in cluster for key in (*_WAYS_IN, "username")):
        return
    for position, host in enumerate(_list(cluster.get("hosts"))):
        if isinstance(host, str) and host.startswith("http:") and not _is_loopback(host):
            yield tree.problem(
                (*root, "hosts", position),
                f"Credentials must not travel over plain HTTP to '{host}'; write https://.",
            )


def _is_loopback(url: str) -> bool:
    try:
        name = (Url(url).host or "").strip("[]")
        return name == "localhost" or ip_address(name).is_loopback
    except ValueError:
        return False
