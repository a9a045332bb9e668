"""The field type `date`: a text becomes the RFC 3339 text of the moment that it means, by complete formats alone."""

from __future__ import annotations

from collections.abc import Sequence

from shipper.parse.dates import NoClock
from shipper.parse.timestamps import TimeReader


class DateField:
    """Converts a text to a date."""

    def __init__(self, reader: TimeReader) -> None:
        self._reader = reader
        self._clock = NoClock()

    def __call__(self, text: str) -> str:
        """The RFC 3339 text; raises ValueError."""
        moment = self._reader.read(text, self._clock)
        if moment is None:
            raise ValueError(text)
        return moment.text

    def together(self, texts: Sequence[str]) -> list[str] | None:
        """The RFC 3339 texts of many; None if each has to be looked at."""
        return self._reader.together(texts, self._clock)
