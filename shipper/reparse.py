"""A corrected pipeline for old lines: documents that carry a tag are made again from disk and replaced.

The lines are found by the audit's means: a document counts as that of a line only if fingerprint, offset and hash
chain, which make its id, and its tally agree. Checkpoints and ledger do not change: the lines stay stored. What is
replaced twice, or while an agent runs, is replaced by the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field

import orjson

from shipper.audit.context import Context
from shipper.audit.drilldown.part_rules import rules_for
from shipper.audit.examine import parts_of
from shipper.audit.extents import Run
from shipper.audit.families import Family, Part
from shipper.audit.rules import Parse, Rules, remade, replay
from shipper.commit.state import State
from shipper.hashes import document_ids
from shipper.parse.file_parser import RUNAWAY
from shipper.parse.pipeline import Pipeline
from shipper.records import Document, OutcomeKind, Parsed, Stored
from shipper.send.output import Output, Replacement
from shipper.settings import Settings

_DOCUMENTS = 500
_BYTES = 4 << 20


@dataclass(slots=True)
class Reparsed:
    """What became of the tagged documents."""

    tagged: int = 0
    replaced: int = 0
    unchanged: int = 0
    """Those that the pipeline would tag again, filter or refuse."""
    gone: int = 0
    """Those whose lines are not on disk any more, or are others."""
    undelivered: dict[str, str] = field(default_factory=dict)
    """Ids and reasons: the output did not take them."""


class Reparser:
    """Brings a pipeline to the documents of an input."""

    def __init__(self, context: Context, output: Output, pipeline: Pipeline, tag: str, *, dry_run: bool) -> None:
        self._context = context
        self._output = output
        self._pipeline = pipeline
        self._tag = tag
        self._dry_run = dry_run
        self._waiting: list[Replacement] = []
        self._bytes = 0
        self.found = Reparsed()

    def reparse(self, family: Family) -> None:
        """Replace what is tagged of one family of files. Raises SourceError and OutputError."""
        left = self._tagged(family)
        if not left:
            return
        self.found.tagged += len(left)
        for part in parts_of(self._context, family) if family.files else ():
            for replacement in self._replacements(family, part, left):
                self._replace(replacement)
        self.found.gone += len(left)
        self.flush()

    def flush(self) -> None:
        """Send what is waiting."""
        if not self._waiting:
            return
        for replacement, outcome in zip(self._waiting, self._output.replace(self._waiting), strict=True):
            if outcome.kind is OutcomeKind.STORED:
                self.found.replaced += 1
            else:
                self.found.undelivered[replacement.document.id] = outcome.reason or outcome.category
        self._waiting, self._bytes = [], 0

    def _tagged(self, family: Family) -> dict[str, Stored]:
        """The documents that another version may make better, by id."""
        return {
            stored.id: stored
            for bucket in family.held
            for stored in self._context.spans(family, Run(bucket, bucket))
            if self._tag in stored.tags and (stored.pipeline != self._pipeline.version or self._tag == RUNAWAY)
        }

    def _replacements(self, family: Family, part: Part, left: dict[str, Stored]) -> Iterator[Replacement]:
        """Documents for tagged lines of a file; takes what was found out of `left`."""
        if not left:
            return
        documents = list(left.values()) if part.claim is None else []
        rules = rules_for(self._context, family, part, documents)
        begin = min(stored.offset for stored in left.values())
        for parse in replay(part.branch.file, rules, part.parsed, begin):
            found = self._found(family, parse, left)
            if found:
                yield from self._remade(parse, rules, part.branch.file.modified, found)
            if not left:
                return

    def _found(self, family: Family, parse: Parse, left: dict[str, Stored]) -> dict[int, Stored]:
        """The tagged documents of some events, by offset."""
        places = [(event.offset, event.chain) for event in parse.events]
        return {
            event.offset: left.pop(name)
            for name, event in zip(document_ids(family.fingerprint, places), parse.events, strict=True)
            if name in left and left[name].tally == event.tally
        }

    def _remade(
        self, parse: Parse, rules: Rules, modified: float, found: Mapping[int, Stored]
    ) -> Iterator[Replacement]:
        wanted = dict.fromkeys(found, self._pipeline)
        for event, parsed in remade(parse, rules, modified, wanted):
            document = self._better(parsed)
            if document is None:
                self.found.unchanged += 1
            else:
                yield Replacement(document, found[event.offset].place)

    def _better(self, parsed: Parsed) -> Document | None:
        """The document, if it is one without the tag whose date needs no new mark."""
        if not parsed.documents or parsed.marks:
            return None
        document = parsed.documents[0]
        return None if self._tag in orjson.loads(document.body)["tags"] else document

    def _replace(self, replacement: Replacement) -> None:
        if self._dry_run:
            self.found.replaced += 1
            return
        self._waiting.append(replacement)
        self._bytes += len(replacement.document.body)
        if len(self._waiting) >= _DOCUMENTS or self._bytes >= _BYTES:
            self.flush()


def remember(settings: Settings, pipeline: Pipeline) -> None:
    """Keep the definition where the audit finds it. One row, also while an agent writes; nothing without a state."""
    seen = State.open_read_only(settings.state, settings.host)
    if seen is None:
        return
    seen.close()
    with closing(State.open(settings.state, settings.host)) as state:
        state.define(pipeline.version, pipeline.definition)
