"""All files of all inputs: found, recognised, read in turn."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from shipper.clock import Clock
from shipper.errors import SourceError
from shipper.events_log import EventsLog
from shipper.read.absences import Absences
from shipper.read.beginnings import Beginnings
from shipper.read.discover import Found, discover
from shipper.read.files import Renamed, UnfinishedArchive
from shipper.read.open_files import ClosedFiles, OpenFiles, to_spare
from shipper.read.opener import Opener, key_of
from shipper.read.pace import Pace
from shipper.read.recognise import Recogniser, Registry
from shipper.read.rescans import BREATH
from shipper.read.sizes import Sizes
from shipper.read.tail import Replaced, TailedFile
from shipper.read.to_open import HEAD_START, RECENT, ToOpen
from shipper.read.troubles import Troubles, Unidentified
from shipper.read.turns import Turns
from shipper.records import Chunk, Framing
from shipper.settings import InputSettings

REPLACED_FILE_WAITS = 300.0
"""Seconds for which a file that lost its name to another is read on after it last grew."""


class Reader:
    """Reads every matching file to its end, a chunk at a time, round robin, oldest first."""

    def __init__(
        self,
        host: str,
        inputs: Sequence[InputSettings],
        framings: Mapping[str, Framing],
        recogniser: Recogniser,
        absences: Absences,
        registry: Registry,
        clock: Clock,
        events: EventsLog,
        *,
        max_open_files: int = 512,
    ) -> None:
        self._settings = {item.name: item for item in inputs}
        self._recogniser = recogniser
        self._absences = absences
        self._clock = clock
        self._events = events
        self._pace = Pace(inputs, clock)
        self.sizes = Sizes()
        """For whoever hears of writes to look at how large files are."""
        self._files = OpenFiles(recogniser, registry, events, self.sizes, max_open_files)
        self._closed = ClosedFiles()
        self._turns: Turns[TailedFile] = Turns()
        self._waiting = ToOpen()
        self._busy_since: float | None = None
        """Monotonic time since when there was always something to read."""
        self._troubles = Troubles(inputs, events)
        self._opener = Opener(host, framings, recogniser, Beginnings(inputs, registry), self._troubles)
        self.matching = 0
        """How many files matched at the last look."""
        self.held: set[str] = set()
        """Inputs that are not read for now: their documents would only wait."""

    @property
    def tailed(self) -> Sequence[TailedFile]:
        """The files that are open."""
        return self._files.all

    @property
    def unreadable(self) -> Mapping[str, str]:
        """By path: why a file or folder cannot be read, as long as that is so."""
        return self._troubles.unreadable

    @property
    def unidentified(self) -> Mapping[str, Unidentified]:
        """By path: files that no row stands for yet."""
        return self._troubles.unidentified

    def reframe(self, input_name: str, framing: Framing) -> None:
        """Make events of an input's lines by another framing, from where each file has come to."""
        self._opener.reframe(input_name, framing)
        for tailed in self._files.all:
            if tailed.source.input == input_name:
                tailed.framing = framing

    def scan(self) -> None:
        """Look for new, renamed and vanished files; they are opened when their turn comes."""
        self._troubles.look(self._clock.monotonic())
        present, waiting = set(), []
        for settings in self._settings.values():
            files = discover(settings)
            self._opener.looked(settings, files)
            for found in files:
                key = found.key(settings.name)
                present.add(key)
                if key in self._files:
                    self._files.found(key, found)
                elif not self._opener.is_read(key, found):
                    waiting.append((settings, found))
        self.matching = len(present)
        self._files.looked(present)
        self._absences.look(present.union(self._files.keys), self._clock.time())
        self._waiting.replace(waiting)
        self._opener.keep(present)

    def chunks(self, *, once: bool) -> Iterator[Chunk]:
        """One pass: chunks of all files in turn, until each is at its end as it is now.

        Whoever stops in the middle goes on with another pass, where the turns are as they were.
        """
        self._turns.begin()
        self._waiting.begin()
        looked = now = self._clock.monotonic()
        self._busy_since = now if self._busy_since is None else self._busy_since
        while True:
            opened = self._open_next(now, parking=self._turns.all_looked_at)
            turn = self._turns.next()
            if turn is not None:
                yield from self._turn(*turn, once=once)
            elif not opened:
                break
            now = self._clock.monotonic()
            if now - looked >= BREATH and self._turns.has_backlog:
                self._turns.look_again(TailedFile.has_changed)
                looked = now
        if not self.to_open:
            self._busy_since = None

    def hold(self) -> None:
        """Open what waits, as far as descriptors allow, and read nothing: what is open may lose its name meanwhile."""
        while self._open_next(self._clock.monotonic(), parking=True):
            pass

    def _turn(self, tailed: TailedFile, live: bool, *, once: bool) -> Iterator[Chunk]:
        if self._waits(tailed.source.input):
            self._turns.rest(tailed)
            return
        chunk = self._next(tailed, once=once)
        if chunk is not None:
            self._turns.add(tailed, live=live)
            self._pace.took(tailed.source.input, chunk.end - chunk.start)
            yield chunk
        elif self._files.holds(tailed):
            self._let_go(tailed, once=once)

    def _waits(self, input_name: str) -> bool:
        """Whether an input must not be read now, whatever there is to read."""
        return input_name in self.held or self._pace.waits(input_name)

    def due(self) -> float | None:
        """Seconds until an input that its rate holds back may be read on; None if none is."""
        return self._pace.due()

    def _open_next(self, now: float, *, parking: bool) -> bool:
        """Open one of the files that wait, if descriptors allow; whether there was one to open."""
        if not self._has_room(parking=parking):
            return False
        late = self._busy_since is not None and now - self._busy_since >= HEAD_START
        opened = self._open(*self._waiting.next(self._clock.time() - RECENT if late else None))
        if opened is not None:
            opened.epoch = self._clock.time() - self._clock.monotonic()
            self._turns.add(opened, live=False)
        return True

    def _has_room(self, *, parking: bool) -> bool:
        """Whether a file that waits can be opened, made room for if need be."""
        spare = self._files.has_room
        if self._waiting.ready(self._waits):
            return spare or (parking and self._park())
        # A file that must not be read yet is opened only where there is room: it may be deleted while it waits.
        return spare and self._waiting.take_aside()

    def _park(self) -> bool:
        """Close a file at its end, to be opened again when it changes; whether there was one that can be spared."""
        spared = to_spare(self._turns.at_end())
        if spared is None:
            return False
        self._turns.remove(spared)
        if self._waits(spared.source.input):
            found = Found(spared.path, spared.content.stat())
            self._waiting.put_aside(self._settings[spared.source.input], found)
            self._files.give_back(spared)
        else:
            self._finish(spared)
        return True

    def grew(self, paths: Iterable[str]) -> bool:
        """Files were written to: those that are closed come first in the next pass.

        Whether one of them is another file now, so that a scan is needed.
        """
        replaced = False
        for input_name, found in self._closed.written(paths):
            if found is None:
                replaced = True
            else:
                self._waiting.add(self._settings[input_name], found, first=True)
        return replaced

    def forget(self, file: int) -> None:
        """Everything that was read of a closed file is settled: the state knows how far it was read."""
        self._recogniser.forget(file)

    @property
    def unanswered(self) -> bool:
        """Whether the output did not answer what it was asked of a file, which is left for the next look."""
        return self._troubles.unanswered

    @property
    def unfinished(self) -> bool:
        """After a single pass: whether files were left because their input must not be read now."""
        return self.to_open > 0 or any(tailed.named for tailed in self._turns.at_end())

    @property
    def to_open(self) -> int:
        """How many files still wait for their turn."""
        return len(self._waiting)

    def blocks(self, file: int, offset: int = 0) -> Iterator[bytes]:
        """The whole content of an open file from an offset on, for decisions that need to see all of it."""
        return self._files.blocks(file, offset)

    def pending_lines(self) -> int:
        """Lines that are there and not read as whole events, a last one without newline included."""
        return self._files.pending_lines() + sum(item.lines for item in self.unidentified.values())

    def close(self) -> None:
        """Give all descriptors back."""
        self._files.close()

    def _next(self, tailed: TailedFile, *, once: bool) -> Chunk | None:
        try:
            chunk = tailed.next_chunk(self._clock.monotonic(), once=once)
            self._troubles.can_read(str(tailed.path))
        except Replaced:
            self._replaced(tailed)
        except UnfinishedArchive:
            return None  # it is looked at again when it has changed
        except (SourceError, OSError) as error:
            self._troubles.cannot_read(tailed.row.current_path, error)
            self._files.give_back(tailed)
        else:
            return chunk
        return None

    def _let_go(self, tailed: TailedFile, *, once: bool) -> None:
        """Close what will bring nothing more; what has its end for now rests."""
        self._files.at_end(tailed)
        over = not tailed.named and self._clock.monotonic() - tailed.grew_at >= REPLACED_FILE_WAITS
        if over and not tailed.done:
            self._files.note_lost(tailed, "gone")  # half a line; it is read on if the file comes back
        if tailed.done or over or (once and tailed.has_name):
            self._finish(tailed)
        else:
            self._turns.rest(tailed)

    def _finish(self, tailed: TailedFile) -> None:
        """Close a file that was read to its end; it is opened again if it changes."""
        self._opener.was_read(key_of(tailed.row), tailed.looked_at)
        if tailed.named and not tailed.done:
            self._closed.add(tailed)
        self._files.give_back(tailed)

    def _replaced(self, tailed: TailedFile) -> None:
        """The file under this inode is another one now: what was unread is lost, unless a copy has it."""
        row, status = tailed.row, tailed.content.stat()
        if not tailed.content.compressed:
            tailed.size = max(tailed.size, self.sizes.before_truncation(str(tailed.path), status))
        size, lost = status.st_size, tailed.pending
        self._files.note_lost(tailed, "truncated")
        self._events.warning("file_truncated", path=row.current_path, size=size, position=tailed.position, unread=lost)
        self._files.drop(tailed)
        other = self._opener.identified_anew(self._settings[row.input], tailed.path, tailed.content)
        if other is not None:
            other.named = tailed.named
            self._files.add(other)
            self._turns.add(other, live=True)

    def _open(self, settings: InputSettings, found: Found) -> TailedFile | None:
        if found.key(settings.name) in self._files:
            return None  # a look at the folder and a notification told of the same file
        try:
            tailed = self._opener.open(settings, found, left=self.to_open)
        except Renamed:
            self._look_for(settings, found)
            return None
        if tailed is not None:
            self._files.add(tailed)
        return tailed

    def _look_for(self, settings: InputSettings, lost: Found) -> None:
        """A file was renamed before it was opened: find it, and what has its name now."""
        key = lost.key(settings.name)
        for found in discover(settings):
            if found.path == lost.path or found.key(settings.name) == key:
                self._waiting.add(settings, found)
