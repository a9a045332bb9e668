"""What flows between the stages, and nothing else: no input, no output, no decisions."""

from shipper.records.delivery import (
    ALREADY_STORED,
    BUSY,
    STORED,
    Batch,
    Outcome,
    OutcomeKind,
    Receipt,
)
from shipper.records.documents import (
    Document,
    Filtered,
    Parsed,
    Refusal,
)
from shipper.records.held import (
    BucketTally,
    Stored,
)
from shipper.records.reading import (
    Chunk,
    Event,
    FileRow,
    Framing,
    Mark,
    MarkKind,
    Source,
)
from shipper.records.tallies import (
    BUCKET_BITS,
    Tally,
    bucket_of,
    total,
)

__all__ = [
    "ALREADY_STORED",
    "BUCKET_BITS",
    "BUSY",
    "STORED",
    "Batch",
    "BucketTally",
    "Chunk",
    "Document",
    "Event",
    "FileRow",
    "Filtered",
    "Framing",
    "Mark",
    "MarkKind",
    "Outcome",
    "OutcomeKind",
    "Parsed",
    "Receipt",
    "Refusal",
    "Source",
    "Stored",
    "Tally",
    "bucket_of",
    "total",
]
