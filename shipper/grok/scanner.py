"""A position in the text of a regular expression, and the error of a construct that cannot be translated."""

from __future__ import annotations


class TranslationError(Exception):
    """A construct that is wrong or has no equivalent; `compile` turns it into a PatternError."""


class Scanner:
    """Reads a text from left to right."""

    __slots__ = ("at", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    @property
    def more(self) -> bool:
        """Whether there is anything left."""
        return self.at < len(self.text)

    @property
    def here(self) -> str:
        """The next character, or an empty string at the end."""
        return self.text[self.at : self.at + 1]

    def looks_at(self, prefix: str) -> bool:
        """Whether the rest begins with this."""
        return self.text.startswith(prefix, self.at)

    def take(self) -> str:
        """The next character, which is passed."""
        if not self.more:
            raise self.error("ends in the middle of something")
        character = self.text[self.at]
        self.at += 1
        return character

    def skip(self, prefix: str) -> bool:
        """Pass this if it is what comes next."""
        if not self.looks_at(prefix):
            return False
        self.at += len(prefix)
        return True

    def take_until(self, end: str) -> str:
        """What stands before `end`, which is passed too."""
        found = self.text.find(end, self.at)
        if found < 0:
            raise self.error(f"has no closing '{end}'")
        taken = self.text[self.at : found]
        self.at = found + len(end)
        return taken

    def take_while(self, characters: str, most: int) -> str:
        """At most so many characters out of a set."""
        start = self.at
        while self.at - start < most and self.here and self.here in characters:
            self.at += 1
        return self.text[start : self.at]

    def error(self, message: str) -> TranslationError:
        """An error at this place."""
        seen = self.text[max(self.at - 20, 0) : self.at + 10]
        return TranslationError(f"{message} (near '{seen}')")
