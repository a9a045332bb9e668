"""What a person can do about findings that no repair mends: a sentence per cause."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from shipper.audit.findings import RESEND, Cause, Finding
from shipper.audit.repair import Repaired

_BY = " (DELETE /INDEX/_doc/ID; in SQLite: DELETE FROM documents WHERE id = 'ID')"
_WRONG_DOCUMENT = (
    f"If the file is right, delete the document from its index{_BY}: the next --repair --apply makes it again from the "
    "file."
)
_EDITED_FILE = (
    "The index holds the lines as they were read first. If the file was edited by mistake, put the original back. If "
    "not, the finding stays as long as the file does, or until an agent meets it as a new file: then what follows the "
    "edited place is shipped once more, beside what is there."
)
_LOST = (
    "No index has these lines. If a backup or a copy of the file holds them, put it under another name that the input "
    "matches: the agent ships what it does not know yet, and nothing twice."
)
_NOT_ON_DISK = (
    "What is named without its lines is not on disk any more. If a backup or a copy of the file holds it, put it under "
    "another name that the input matches, and audit again: it is repaired from there."
)

_ADVICE = {
    Cause.TRUNCATED: _LOST,
    Cause.DELETED: _LOST,
    Cause.LOST: _LOST,
    Cause.GONE_FROM_INDEX: _NOT_ON_DISK,
    Cause.CHANGED_IN_INDEX: _WRONG_DOCUMENT,
    Cause.CHANGED: "Compare the line with the document. " + _WRONG_DOCUMENT,
    Cause.CHANGED_ON_DISK: _EDITED_FILE,
    Cause.ADDED_ON_DISK: _EDITED_FILE,
    Cause.REMOVED_FROM_DISK: _EDITED_FILE,
    Cause.NEVER_ON_DISK: f"Look at the document. If nobody needs it, delete it from its index{_BY}.",
    Cause.TWO_PLACES: (
        "Compare the copies, and delete the wrong one from its index (DELETE /INDEX/_doc/ID). If neither is right, "
        "delete both: the next --repair --apply makes the document again from the file."
    ),
    Cause.LEDGER_DISAGREES: (
        "Files and index agree or not without the ledger, too: audit with --no-state. If they do, `shipper state "
        "rebuild` makes the ledger anew."
    ),
    Cause.EXPIRED: (
        "Nothing is wrong if the documents were deleted for their age. Delete the logs, too, and the finding goes. If "
        "the documents are wanted, make the retention longer first, and audit again."
    ),
    Cause.FILE_GONE: (
        "Lines that nobody counted are proved by their file alone: put a backup of it under a name that the input "
        "matches. If this host never had a file of that path, another host ships under its name: give each a `host` "
        "of its own."
    ),
    Cause.UNREADABLE: (
        "Audit as a user who may read the files, such as the one that the agent runs as. A folder in which no log lies "
        "can be excluded: exclude: ['FOLDER/**']. A damaged archive needs a sound copy in its place; if there is none, "
        "move it away: then what was shipped of it is vouched for by the ledger."
    ),
    Cause.IGNORED_FIELD: (
        "The values are in the documents; a search for `_ignored` and the name of the field finds those. To search for "
        "the values, the field needs another mapping, and the documents a new index."
    ),
}


def advice(findings: Iterable[Finding], *, disks_read: bool = True) -> Iterator[str]:
    """For each cause of findings without a repair, what to do; `disks_read`: not from the ledger alone."""
    for cause in dict.fromkeys(finding.cause for finding in findings if _needs_a_person(finding, disks_read)):
        if cause in _ADVICE:
            yield f"{cause.value}: {_ADVICE[cause]}"


def _needs_a_person(finding: Finding, disks_read: bool) -> bool:
    """Whether no command goes on: of what is missing only what is on no disk."""
    if finding.cause is Cause.GONE_FROM_INDEX:
        return disks_read and finding.repair is None and finding.first_line is None
    return finding.repair is None


def hidden(repaired: Repaired, findings: Iterable[Finding]) -> Iterator[str]:
    """After a repair: what it means that documents are missing still, although they were there already."""
    if repaired.already_stored and any(finding.repair == RESEND for finding in findings):
        yield (
            f"{repaired.already_stored:,} of the missing documents are in the index, which does not show them: these "
            "credentials see a part of it only (document level security), or its mapping is not shipper's. Audit with "
            "credentials that see all of it."
        )
