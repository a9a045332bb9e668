"""From a name in a folder to a file that is read on from where it was, or to the reason why not."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from shipper.errors import OutputError, SourceError
from shipper.read.beginnings import Beginnings
from shipper.read.discover import Found, Key
from shipper.read.files import Content, Renamed, open_found, opened_again
from shipper.read.recognise import Recogniser, finished_stamp
from shipper.read.tail import TailedFile
from shipper.read.troubles import Troubles
from shipper.records import FileRow, Framing, Source
from shipper.settings import InputSettings


class Opener:
    """Opens files, recognises them, and remembers which need not be opened again."""

    def __init__(
        self,
        host: str,
        framings: Mapping[str, Framing],
        recogniser: Recogniser,
        beginnings: Beginnings,
        troubles: Troubles,
    ) -> None:
        self._host = host
        self._framings = dict(framings)
        self._recogniser = recogniser
        self._beginnings = beginnings
        self._troubles = troubles
        self._read: dict[Key, str] = {}
        """Files that were read to their end and closed: how they looked then."""

    def reframe(self, input_name: str, framing: Framing) -> None:
        """Make events of an input's lines by another framing."""
        self._framings[input_name] = framing

    def looked(self, settings: InputSettings, files: Sequence[Found]) -> None:
        """Take note of all files of an input as they are now."""
        self._beginnings.looked(settings, files)

    def is_read(self, key: Key, found: Found) -> bool:
        """Whether a file was read to its end and looks as it did then."""
        return self._read.get(key) == finished_stamp(found.status.st_size, found.status.st_mtime_ns)

    def was_read(self, key: Key, stamp: str) -> None:
        """A file was read to its end and is closed; the stamp is how it looked before its last bytes were read."""
        self._read[key] = stamp

    def keep(self, present: Collection[Key]) -> None:
        """Forget the files that are gone."""
        self._read = {key: stamp for key, stamp in self._read.items() if key in present}

    def open(self, settings: InputSettings, found: Found, *, left: int) -> TailedFile | None:
        """The file, ready to be read; None if there is nothing to read. Raises Renamed.

        `left` is how many files of the last look are to be opened after it.
        """
        try:
            content = open_found(found)
            return self.identified(settings, found._replace(status=content.stat()), content)
        except Renamed:
            raise
        except (SourceError, OSError) as error:
            self._troubles.cannot_open(settings, found, error)
            return None
        finally:
            self._beginnings.opened(left=left)

    def identified(self, settings: InputSettings, found: Found, content: Content) -> TailedFile | None:
        """Whatever is open, as the file that it is; closed if it cannot be told from others, or has nothing more."""
        tailed = None
        try:
            tailed = self._recognised(settings, found, content)
        except (SourceError, OutputError, OSError) as error:
            self._troubles.cannot_open(settings, found, error)
        if tailed is None:
            content.close()
        return tailed

    def identified_anew(self, settings: InputSettings, path: Path, content: Content) -> TailedFile | None:
        """A file whose content was exchanged. Its descriptor goes on, for it may have lost its name, too."""
        found = Found(path, content.stat())
        try:
            return self.identified(settings, found, opened_again(content, path))
        except SourceError as error:
            self._troubles.cannot_open(settings, found, error)
            return None

    def _recognised(self, settings: InputSettings, found: Found, content: Content) -> TailedFile | None:
        framing = self._framings[settings.name]
        start = self._beginnings.start_of(settings, found, content)
        row = self._recogniser.row_of(settings, found, content, framing, start)
        if row is None:
            self._troubles.too_short(settings, found, content)
            return None
        self._beginnings.known(settings, found)
        if row.finished and row.finished == finished_stamp(found.status.st_size, found.status.st_mtime_ns):
            self._read[key_of(row)] = row.finished
            return None
        source = Source(self._host, row.input, row.path, row.fingerprint, row.id)
        return TailedFile(row, source, content, framing)


def key_of(row: FileRow) -> Key:
    """The file that a row was last seen as."""
    return (row.input, row.device, row.inode)
