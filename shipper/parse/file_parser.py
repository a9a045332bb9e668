"""One file from front to back: its events become documents, in lists, by bytes, marks and settings alone."""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Iterable, Sequence
from itertools import compress
from operator import length_hint

from shipper.grok.timeout import MatchTimeout
from shipper.parse.anchors import anchor, name_date
from shipper.parse.counting import corrections, first_day, later_day
from shipper.parse.dates import midnight
from shipper.parse.documents import DocumentMaker, Draft, Target
from shipper.parse.fields import Fields, as_text
from shipper.parse.guard import Guard
from shipper.parse.inference import convert_numbers
from shipper.parse.memory import Memory, carried, recalled
from shipper.parse.rules import Rules
from shipper.parse.shapes import Shape
from shipper.parse.start import BEFORE_START, start_in
from shipper.parse.tables import Kind, Tables
from shipper.parse.text import text_of
from shipper.parse.timestamps import Moment, TimeReader
from shipper.parse.walls import Wall
from shipper.records import Event, Filtered, Framing, Mark, MarkKind, Parsed, Refusal, Source

INHERITED = "_timestamp_inherited"
INCOMPLETE = "_line_incomplete"
RUNAWAY = "_groktimeout"
"""No field was found within the time that an event may take."""
BEGINNING = Moment(0, "1970-01-01T00:00:00Z")
"""The time of events before any time is known: visibly wrong, and the same at every reading."""
_REFUSED = "The file ends inside this line and can grow no more; the pipeline refuses lines that are cut."


class FileParser:
    """Parses one file from front to back. It remembers the header lines, the last time and the date."""

    def __init__(
        self,
        rules: Rules,
        target: Target,
        framing: Framing,
        needs_date: bool,
        source: Source,
        marks: Sequence[Mark],
        carry: str | None,
        guard: Guard,
    ) -> None:
        self.version = target.pipeline
        self._rules = rules
        self._guard = guard
        self._refuse = framing.incomplete == "refuse"
        self._needs_date = needs_date
        self._source = source
        self._maker = DocumentMaker(source, target)
        self._tables = Tables(self._maker, self._write_alone)
        self._live = carry is not None
        self._header, self._clock, self._inference = recalled(carry)
        since = self._clock.mark.offset if self._clock.mark else -1
        self._start = start_in(marks)
        self._marks = sorted(mark for mark in marks if mark.kind is MarkKind.DATE and mark.offset > since)

    def parse(self, events: Sequence[Event], *, modified: float, at_end: bool) -> Parsed:
        """Documents, filtered and refused events, and new date marks, which depend on `modified` and `at_end`.

        `modified` is the file's modification time (seconds since the epoch), `at_end` says that the last event was
        the file's last when it was read.
        """
        if events and events[0].offset == 0 and events[0].raw.startswith(BOM_UTF8):
            events = [events[0]._replace(raw=events[0].raw.removeprefix(BOM_UTF8)), *events[1:]]
        parsed = Parsed([], [], [], [], "")
        drafts = self._drafts(events, parsed)
        if self._needs_date and drafts:
            self._decide_dates(drafts, parsed, modified, at_end=at_end)
        chains = self._make_documents(drafts, parsed)
        self._tables.write()
        made = [*parsed.documents, *(refusal.document for refusal in parsed.refused)]
        if parsed.refused or parsed.runaways:
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
            moment, mark = self._inherited(raw.tags)
            parsed.documents.append(self._maker.make(raw, {}, moment, mark))
            parsed.unparsed += 1
            parsed.runaways.append("")

    def _is_refused(self, event: Event) -> bool:
        return self._refuse and INCOMPLETE in event.tags and event.offset >= self._start

    def _refuse_draft(self, draft: Draft, parsed: Parsed) -> None:
        moment, mark = self._inherited(draft.tags)
        parsed.refused.append(Refusal(self._maker.make(draft, {}, moment, mark), "incomplete", _REFUSED))

    def _decide_dates(self, drafts: Sequence[Draft], parsed: Parsed, modified: float, *, at_end: bool) -> None:
        """Add the marks that this read needs."""
        rules, clock = self._rules, self._clock
        known = anchor(self._source.path, modified, rules.zone)
        first = drafts[0].event.offset
        timed = [
            (draft.event.offset, wall) for draft in drafts if (wall := undated(rules.times, draft.fields)) is not None
        ]
        marks: list[Mark] = []
        if clock.day is None and not (self._marks and self._marks[0].offset <= first):
            day = known.last(None) if rules.by_modification else first_day((wall for _, wall in timed), known)
            assert day is not None
            marks = [Mark(first, MarkKind.DATE, day.isoformat())]
        elif at_end and self._live and not self._marks and name_date(self._source.path) is None:
            marks = later_day(clock, known, first) if rules.by_modification else corrections(clock, timed, known)
        parsed.marks.extend(marks)
        self._marks = sorted([*self._marks, *marks])

    def _document(self, draft: Draft, parsed: Parsed) -> bool:
        """Make the document of a draft; False if a rule drops it."""
        rules, fields, tags = self._rules, draft.fields, draft.tags
        if self._marks and self._marks[0].offset <= draft.event.offset:
            self._clock.enter(self._marks.pop(0))
        moment, mark = self._time(fields, tags)
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
        del fields["message"]
        for name in rules.remove.intersection(fields):
            del fields[name]
        fields.update(rules.constants)
        return None

    def _time(self, fields: Fields, tags: list[str]) -> tuple[Moment, Mark | None]:
        """The event's time, and the date mark that it depends on."""
        clock = self._clock
        for reader in self._rules.times:
            value = fields.get(reader.field)
            if value is None:
                continue
            text = value if value.__class__ is str else as_text(value)
            moment = reader.read(text, clock)
            if moment is None:
                break
            if clock.tags:
                tags.extend(clock.tags)
                clock.tags = []
            clock.last = moment
            return moment, clock.mark if reader.needs_date and _lacks_date(reader.wall(text)) else None
        return self._inherited(tags)

    def _inherited(self, tags: list[str]) -> tuple[Moment, Mark | None]:
        """The time of the event before, else the day of the mark, else none that could be right."""
        tags.append(INHERITED)
        clock = self._clock
        if clock.day is not None and (self._rules.by_modification or clock.last is None):
            return midnight(clock.day, self._rules.zone), clock.mark
        return clock.last or BEGINNING, clock.mark


def undated(times: Sequence[TimeReader], fields: Fields) -> Wall | None:
    """The time that an event has, if it is one that lacks its year or date."""
    for reader in times:
        value = fields.get(reader.field)
        if value is not None:
            wall = reader.wall(as_text(value)) if reader.needs_date else None
            return wall if _lacks_date(wall) else None
    return None


def _lacks_date(wall: Wall | None) -> bool:
    return wall is not None and (wall.year is None or wall.day is None)
