"""One file from front to back: its events become documents, in lists, by bytes, marks and settings alone."""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Iterable, Sequence
from itertools import compress
from operator import length_hint

from shipper.grok.timeout import MatchTimeout
from shipper.parse.documents import DocumentMaker, Draft, Target
from shipper.parse.event_times import BEGINNING, EventTimes
from shipper.parse.fields import Fields
from shipper.parse.guard import Guard
from shipper.parse.inference import convert_numbers
from shipper.parse.memory import Memory, carried, recalled
from shipper.parse.rules import Rules
from shipper.parse.shapes import Shape
from shipper.parse.start import BEFORE_START, start_in
from shipper.parse.tables import Kind, Tables
from shipper.parse.text import text_of
from shipper.records import Event, Filtered, Framing, Mark, Parsed, Refusal, Source

INCOMPLETE = "_line_incomplete"
RUNAWAY = "_groktimeout"
"""No field was found within the time that an event may take."""
_REFUSED = "The file ends inside this line and can grow no more; the pipeline refuses lines that are cut."


class FileParser:
    """Parses one file from front to back. It remembers the header lines, the last time and the date."""

    def __init__(
        self,
        rules: Rules,
        target: Target,
        framing: Framing,
        source: Source,
        marks: Sequence[Mark],
        carry: str | None,
        guard: Guard,
    ) -> None:
        self.version = target.pipeline
        self._rules = rules
        self._guard = guard
        self._refuse = framing.incomplete == "refuse"
        self._source = source
        self._maker = DocumentMaker(source, target)
        self._tables = Tables(self._maker, self._write_alone)
        self._live = carry is not None
        self._header, self._clock, self._inference = recalled(carry)
        self._times = EventTimes(rules, source.path, self._clock, marks)
        self._start = start_in(marks)

    def parse(self, events: Sequence[Event], *, modified: float, at_end: bool) -> Parsed:
        """Documents, filtered and refused events, and new date marks, which depend on `modified` and `at_end`.

        `modified` is the file's modification time (seconds since the epoch), `at_end` says that the last event was
        the file's last when it was read.
        """
        if events and events[0].offset == 0 and events[0].raw.startswith(BOM_UTF8):
            events = [events[0]._replace(raw=events[0].raw.removeprefix(BOM_UTF8)), *events[1:]]
        parsed = Parsed([], [], [], [], "")
        drafts = self._drafts(events, parsed)
        parsed.marks.extend(self._times.decided(drafts, modified, live=self._live and at_end))
        chains = self._make_documents(drafts, parsed)
        self._tables.write()
        made = [*parsed.documents, *(refusal.document for refusal in parsed.refused)]
        if len(chains) < len(made):  # events were refused, or interrupted
            chain_at = {event.offset: event.chain for event in events}
            chains = [chain_at[document.offset] for document in made]
        if made:
            self._maker.identify(made, chains)
        parsed.notices = self._inference.taken_news()
        parsed.carry = self.carry
        self._live = self._live or at_end
        return parsed

    @property
    def carry(self) -> str:
        """What is remembered after the last event, as JSON: another parser goes on with it."""
        return carried(Memory(self._header, self._clock, self._inference))

    def _drafts(self, events: Sequence[Event], parsed: Parsed) -> list[Draft]:
        """The events that are parsed, with their fields as text; the others are filtered or refused here."""
        drafts: list[Draft] = []
        guard, remaining = self._guard, iter(events)
        while True:
            # Nothing may stand between the end of the loop and the end of the watch, where a signal could come in.
            try:
                guard.watched = remaining
                self._add_drafts(remaining, drafts, parsed)
                guard.watched = None
            except MatchTimeout as runaway:
                guard.watched = None
                self._add_runaway(events[-1 - length_hint(remaining)], runaway.pattern, drafts, parsed)
            else:
                return drafts

    def _add_runaway(self, event: Event, pattern: str, drafts: list[Draft], parsed: Parsed) -> None:
        """The event that took too long is shipped raw, unless it was just done with."""
        done = max(drafts[-1].event.offset if drafts else -1, parsed.filtered[-1].offset if parsed.filtered else -1)
        if event.offset > done:
            text = self._redacted(text_of(event.raw, event.tags, self._rules.encoding))
            drafts.append(Draft(event, text, {"message": text}, [*event.tags, RUNAWAY]))
            parsed.unparsed += 1
            parsed.runaways.append(pattern)

    def _redacted(self, text: str) -> str:
        """The text that may be shipped: nothing of it where redacting it is what takes too long."""
        if self._rules.redaction is None:
            return text
        try:
            self._guard.watched = iter(())
            text = self._rules.redaction.text(text)
            self._guard.watched = None
        except MatchTimeout:
            self._guard.watched = None
            return ""
        return text

    def _add_drafts(self, events: Iterable[Event], drafts: list[Draft], parsed: Parsed) -> None:
        rules, header, encoding = self._rules, self._header, self._rules.encoding
        is_header = rules.header.match if rules.header else None
        redaction, apply, drop_blank = rules.redaction, rules.steps.single or rules.steps.apply, rules.drop_blank
        new = tuple.__new__  # half the price of Draft(…), and there is one for each line
        for event in events:
            text = text_of(event.raw, event.tags, encoding)
            if event.tags and self._is_refused(event):
                drafts.append(Draft(event, redaction.text(text) if redaction else text, {}, list(event.tags)))
                continue
            if is_header and is_header(text):
                header.add(text)
                parsed.filtered.append(Filtered(event.offset, "header", event.tally))
                continue
            if drop_blank and (not text or text.isspace()):
                parsed.filtered.append(Filtered(event.offset, "blank", event.tally))
                continue
            if redaction:
                text = redaction.text(text)
            fields: Fields = {"message": text}
            tags = list(event.tags)
            header.open = False
            failure = apply(fields, header.text)
            if failure:
                tags.append(failure)
                parsed.unparsed += 1
            if redaction:
                redaction.fields(fields)
            drafts.append(new(Draft, (event, text, fields, tags)))

    def _make_documents(self, drafts: Sequence[Draft], parsed: Parsed) -> list[int]:
        """Make the documents of drafts; the hash chains at those that are no refusals."""
        chains: list[int] = []
        guard, remaining = self._guard, iter(drafts)
        while True:
            try:
                guard.watched = remaining
                for draft in remaining:
                    if draft.event.tags and self._is_refused(draft.event):
                        self._refuse_draft(draft, parsed)
                    elif self._document(draft, parsed):
                        chains.append(draft.event.chain)
                guard.watched = None
            except MatchTimeout:
                guard.watched = None
                self._ship_raw(drafts[-1 - length_hint(remaining)], parsed)
            else:
                return chains

    def _ship_raw(self, draft: Draft, parsed: Parsed) -> None:
        """The document of an event whose conversions or drop rules took too long, unless it was just done with."""
        event = draft.event
        last = [document.offset for document in parsed.documents[-1:]]
        last += [filtered.offset for filtered in parsed.filtered[-1:]]
        last += [refusal.document.offset for refusal in parsed.refused[-1:]]
        if event.offset not in last:
            raw = Draft(event, draft.message, {}, [*event.tags, RUNAWAY])
            moment, mark = self._times.inherited(raw.tags)
            parsed.documents.append(self._maker.make(raw, {}, moment, mark))
            parsed.unparsed += 1
            parsed.runaways.append("")

    def _is_refused(self, event: Event) -> bool:
        return self._refuse and INCOMPLETE in event.tags and event.offset >= self._start

    def _refuse_draft(self, draft: Draft, parsed: Parsed) -> None:
        moment, mark = self._times.inherited(draft.tags)
        parsed.refused.append(Refusal(self._maker.make(draft, {}, moment, mark), "incomplete", _REFUSED))

    def _document(self, draft: Draft, parsed: Parsed) -> bool:
        """Make the document of a draft; False if a rule drops it."""
        rules, fields, tags = self._rules, draft.fields, draft.tags
        moment, mark = self._times.of(draft.event.offset, fields, tags)
        if draft.event.offset < self._start or (moment.ns < rules.since and moment is not BEGINNING):
            parsed.filtered.append(Filtered(draft.event.offset, BEFORE_START, draft.event.tally))
            return False
        shape = rules.shapes.of(fields) if rules.shapes else None
        undeclared = self._undeclared(shape, fields)
        numeric = self._inference.numeric(undeclared, fields) if undeclared else ()
        if shape and numeric:
            shape = shape.typed(numeric)
        if shape and shape.is_usual and (document := self._maker.begun(draft.event, moment)) is not None:
            self._tables.add(shape, mark, (draft, moment.text, document))
            parsed.documents.append(document)
            return True
        rule = self._finish(fields, tags, [*compress(undeclared, numeric)])
        if rule is not None:
            parsed.filtered.append(Filtered(draft.event.offset, rule, draft.event.tally))
            return False
        parsed.documents.append(self._maker.make(draft, self._maker.nested(fields), moment, mark))
        return True

    def _write_alone(self, kind: Kind, draft: Draft, time: str) -> bytes:
        """The body of a document whose values are not all what they should be."""
        self._finish(draft.fields, draft.tags, kind.shape.inferred)
        return self._maker.written(draft, self._maker.nested(draft.fields), time, kind.mark)

    def _undeclared(self, shape: Shape | None, fields: Fields) -> Sequence[str]:
        """The names whose type the file decides."""
        if shape is not None:
            return shape.undeclared
        return self._rules.undeclared.among(tuple(fields)) if self._rules.undeclared else ()

    def _finish(self, fields: Fields, tags: list[str], numeric: Sequence[str]) -> str | None:
        """Convert, copy, compute, remove and add fields; the name of the rule that drops the event, if one does."""
        rules = self._rules
        for dated in rules.dates:
            dated.apply(fields, tags)
        rules.types.convert(fields, tags)
        convert_numbers(numeric, fields, tags)
        for copy in rules.copies:
            copy.apply(fields)
        for formula in rules.formulas:
            formula.apply(fields)
        for drop in rules.drops:
            if drop.holds(fields):
                return drop.rule
        fields.pop("message", None)  # gone already if the definition gives it a type that it does not have
        for name in rules.remove.intersection(fields):
            del fields[name]
        fields.update(rules.constants)
        return None
