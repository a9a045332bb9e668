"""The patterns that expressions are made of: those the pygrok package bundles, and the user's own on top."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from shipper.errors import UsageError
from shipper.grok.definitions import Definition, Definitions, Shadowing, bundled_directory, read_definitions
from shipper.grok.match import Grok


class Library:
    """Named definitions; immutable. `library["IP"]` is a Definition."""

    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions

    @classmethod
    def load(cls, directories: Iterable[Path] = (), base: str | None = "pygrok", glob: str = "*") -> Library:
        """Read the base patterns and then pattern directories (or files), the last definition of a name wins.

        Raises ConfigurationError with every line that is no definition, UsageError for a missing directory.
        """
        definitions = Definitions({})
        if base == "pygrok":
            definitions = definitions.followed_by(read_definitions([bundled_directory()]))
        elif base is not None:
            raise UsageError(f"There are no base patterns '{base}'; it can be 'pygrok' or none.")
        return cls(definitions.followed_by(read_definitions(directories, glob)))

    @classmethod
    def from_definitions(cls, definitions: Mapping[str, str]) -> Library:
        """A library of just these: name -> expression."""
        return cls(Definitions({})).with_definitions(definitions)

    def with_definitions(self, definitions: Mapping[str, str]) -> Library:
        """The library that has also definitions that win over its own."""
        return self._with(Definition(name, body) for name, body in definitions.items())

    def with_files(self, directories: Iterable[Path], glob: str = "*") -> Library:
        """The library that has also the definitions of more directories, which win over its own."""
        return self._with(read_definitions(directories, glob))

    def _with(self, definitions: Iterable[Definition]) -> Library:
        return Library(self._definitions.followed_by(definitions))

    @property
    def shadowed(self) -> tuple[Shadowing, ...]:
        """Definitions that a later one of the same name hides, in reading order."""
        return self._definitions.shadowed

    def __getitem__(self, name: str) -> Definition:
        return self._definitions.by_name[name]

    def __contains__(self, name: str) -> bool:
        return name in self._definitions.by_name

    def __iter__(self) -> Iterator[str]:
        return iter(self._definitions.by_name)

    def __len__(self) -> int:
        return len(self._definitions.by_name)

    def compile(
        self, pattern: str, *, file: str | None = None, line: int | None = None, named_captures_only: bool = True
    ) -> Grok:
        """Compile an expression; `file` and `line` say where it stands. Raises PatternError."""
        definitions = self._definitions.by_name
        return Grok(pattern, definitions=definitions, file=file, line=line, named_captures_only=named_captures_only)

    def definitions_used(self, pattern: str) -> dict[str, str]:
        """Names and bodies of all definitions that an expression is made of. Raises PatternError."""
        return self.compile(pattern).definitions
