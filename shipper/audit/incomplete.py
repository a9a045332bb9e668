"""Values that did not arrive as they were meant, although their lines did: counts, no faults of completeness."""

from __future__ import annotations

from shipper.audit.findings import Cause, Finding, Kind
from shipper.audit.subjects import Stretch, Subject
from shipper.records import Tally
from shipper.send.output import Flaw

TAGS = {
    "_type_failure": (Cause.TYPE_FAILURE, "a value could not be converted and is kept as text in <field>_text"),
    "_grokparsefailure": (Cause.UNPARSED, "no pattern matched; the line is shipped as it is"),
    "_groktimeout": (Cause.UNPARSED, "parsing took too long; the line is shipped as it is"),
    "_columnsfailure": (Cause.UNPARSED, "the columns do not fit the header; the line is shipped as it is"),
    "_kvfailure": (Cause.UNPARSED, "no keys and values were found; the line is shipped as it is"),
    "_jsonparsefailure": (Cause.UNPARSED, "it is no JSON; the line is shipped as it is"),
}
"""What parsing says of a document: the cause, and what it means."""


def incomplete_value(flaw: Flaw) -> Finding:
    """The count of one reason of one input, as a finding."""
    if flaw.field:
        cause, field = Cause.IGNORED_FIELD, flaw.field
        reason = f"field {field}: the index holds its value and cannot find or sum it; search for _ignored: {field}"
    else:
        cause, meaning = TAGS[flaw.tag]
        reason = f"tag {flaw.tag}: {meaning}"
    documents = f"{flaw.documents:,} {'document' if flaw.documents == 1 else 'documents'}"
    stretch = Stretch(tally=Tally(flaw.lines))
    return Subject(flaw.host, flaw.input).finding(Kind.INCOMPLETE_VALUE, cause, f"{documents}, {reason}", stretch)
