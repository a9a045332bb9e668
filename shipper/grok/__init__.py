r"""Grok: named pieces of regular expressions that turn lines of text into fields. Usable without the rest of shipper.

::

    from shipper.grok import Grok, GrokFilter, Library

    library = Library.load([Path("patterns")])  # on top of the patterns bundled by pygrok, unless base=None
    grok = library.compile("%{IP:[source][ip]} %{NUMBER:bytes:int}")
    grok.match("10.0.0.1 42")  # {"source": {"ip": "10.0.0.1"}, "bytes": 42}, or None
    grok.explain("10.0.0.1 x")  # how far it matches, what fails, what stands there
    GrokFilter(library, match={"message": ["%{A}", "%{B}"]}, overwrite=["message"])(event)

How it works
    `definitions` reads pattern files, `library` keeps them; `compile` replaces references by what they stand for;
    `translate` (with `scanner`, `notation`, `classes`, `fragments`) rewrites the result from Oniguruma's syntax, in
    which grok patterns are written, to Python's; `match` applies it; `explain` says why it does not match; `filter`
    (with `event` and `timeout`) is Logstash's filter. Nothing is kept outside the objects, and only `definitions` reads
    files.

What an expression may contain
    =============================  ==============================================================================
    `%{NAME}`                      what NAME stands for, not captured
    `%{NAME:field}`                captured: `a` or `a.b` is one key, `[a][b]` is nested, `@x` and `x-y` are allowed
    `%{NAME:field:int}`            converted: int, long, float, double, boolean; other types leave text
    `%{NAME=expression}`           defined here, also `%{NAME:field=expression}`; holds to the end of the expression
    `(?<field>expression)`         captured without a name of its own; also `(?P<field>…)`
    =============================  ==============================================================================

What it means
    Semantics are Logstash's: an expression matches anywhere in the text unless it is anchored; `.` matches a newline,
    `^ $` match at lines; `\w \d \s \h` are ASCII, `\b`, POSIX classes and properties are Unicode. A group that took no
    part or is empty makes no field; two texts under one name make a list. Numbers are converted as Ruby does:
    `12abc` is 12, `-` is 0. (The agent's pipelines convert by stricter rules, from `search` and `captures`.)
    The last definition of a name wins; `Library.shadowed` lists what it hides.

What differs from Logstash
    `long`, `double` and `boolean` convert (Elasticsearch's types). A `%{` that begins no reference, a field that is
    both a value and a parent of others, and a name in a file without an expression are errors; hidden files and
    editors' backups are not read. Not supported, and said so: subexpression calls, `\K`, `\X`, scripts as properties,
    absent operators, conditionals.

What differs from pygrok
    `Grok(pattern, custom_patterns_dir, custom_patterns).match(text)` is the same call. Groups that took no part are
    absent instead of None, two fields of one name make a list, wrong patterns raise PatternError when compiled.

Time
    A match is one search of Python's `re`; there is no bound on its time. Quantifiers on quantifiers are merged, which
    takes the exponential cases out of the common patterns; `shipper.grok.timeout.time_limit` interrupts the rest.
"""

from shipper.grok.filter import GrokFilter
from shipper.grok.library import Library
from shipper.grok.match import Grok

__all__ = ["Grok", "GrokFilter", "Library"]
