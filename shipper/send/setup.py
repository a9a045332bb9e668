"""Sees to it that the cluster knows our templates: without one, an index is made silently, with guessed types."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson

from shipper.errors import OutputError
from shipper.events_log import EventsLog
from shipper.records import Outcome, OutcomeKind
from shipper.send.bulk import decode
from shipper.send.connection import Answer, Connection
from shipper.send.failures import failed
from shipper.send.layout import SUSPECT, Layout, dataset_key
from shipper.send.output import Dataset
from shipper.send.templates import Template, policy_of, stamp_of, templates, under_policy

_CATEGORY = "template"


class Setup:
    """Looks for, and installs, the templates of datasets. Safe for several threads."""

    def __init__(
        self,
        connection: Connection,
        datasets: Iterable[Dataset],
        events: EventsLog,
        layout: Layout = Layout.INDICES,
        policies: Mapping[str, str] | None = None,
        others: Sequence[Template] = (),
    ) -> None:
        """`others`: templates that are none of a dataset."""
        self._connection = connection
        self._others = others
        self._policies = policies or {}
        self._layout = layout
        self._templates = {dataset_key(dataset): templates(dataset, layout) for dataset in datasets}
        self._events = events
        self._seen: set[str] = set()
        self._lock = threading.Lock()

    def announce(self, datasets: Iterable[Dataset]) -> None:
        """Take other types of datasets; every index is looked up again."""
        with self._lock:
            self._templates.update({dataset_key(dataset): templates(dataset, self._layout) for dataset in datasets})
            self._seen.clear()

    def obstacle(self, index: str, *, install: bool) -> Outcome | None:
        """Why documents must not be sent to the index now; None once our template was seen.

        Each new index is looked up, since the template may have been deleted after the previous one was made. A
        missing or older template is installed if `install` says so.
        """
        if index in self._seen:
            return None
        with self._lock:
            problem = None if index in self._seen else self.ensure(self._template(index), install=install)
            if problem is None:
                self._seen.add(index)
            return problem

    def missing(self) -> list[Template]:
        """The templates of all datasets that are missing or made from other types. OutputError if nobody can tell."""
        found = []
        for template in self._wanted():
            answer = self._look_up(template)
            if answer.status not in (200, 404):
                raise OutputError(
                    failed(f"The index template {template.name} could not be looked up", answer, _CATEGORY).reason
                )
            if not template.stamp.is_satisfied_by(stamp_of(_template_in(answer, template.name))):
                found.append(template)
        return found

    def apply(self) -> dict[str, Outcome | None]:
        """Install all templates that are missing or older; what stands against it, by template name."""
        return {template.name: self.ensure(template, install=True) for template in self._wanted()}

    def _wanted(self) -> list[Template]:
        return [*(template for _, both in sorted(self._templates.items()) for template in both), *self._others]

    def _look_up(self, template: Template) -> Answer:
        return self._connection.request("GET", f"/_index_template/{template.name}")

    def _template(self, index: str) -> Template:
        """The template that decides on an index; a dataset that nobody announced has no declared types."""
        key, _, period = index.rpartition("-")
        if key not in self._templates:
            name, _, namespace = key.rpartition("-")
            self._templates[key] = templates(Dataset(name, namespace, {}), self._layout)
        usual, suspect = self._templates[key]
        return suspect if period == SUSPECT else usual

    def ensure(self, template: Template, *, install: bool) -> Outcome | None:
        """Why there is not this template, or a later one; None if there is. Installs it if `install` says so."""
        name = template.name
        answer = self._look_up(template)
        if answer.status not in (200, 404):
            return failed(f"The index template {name} could not be looked up", answer, _CATEGORY)
        there = policy_of(_template_in(answer, name))
        policy = self._policies.get(name, there)
        if template.stamp.is_satisfied_by(stamp_of(_template_in(answer, name))) and policy == there:
            return None
        if not install:
            state = "is missing" if answer.status == 404 else "is not the one that these pipelines need"
            reason = f"The index template {name} {state}; run: shipper setup --apply"
            return Outcome(OutcomeKind.PAUSED, _CATEGORY, reason)
        return self._install(template, policy)

    def _install(self, template: Template, policy: str | None) -> Outcome | None:
        """Install it; a lifecycle policy that the one before it named is named again."""
        name = template.name
        body = orjson.dumps(under_policy(template.body, policy))
        answer = self._connection.request("PUT", f"/_index_template/{name}", body)
        if answer.status != 200 or decode(answer.body) != {"acknowledged": True}:
            return failed(f"The index template {name} could not be installed", answer, _CATEGORY)
        self._events.info("template_installed", template=name)
        return None


def _template_in(answer: Answer, name: str) -> Any:
    """The template in the answer to a look-up."""
    if answer.status != 200:
        return None
    match decode(answer.body):
        case {"index_templates": [{"name": found, "index_template": index_template}]} if found == name:
            return index_template
    return None
