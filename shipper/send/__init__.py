"""Sending: documents -> batches -> an output -> receipts.

An output stores by creating only, and says one outcome per document; only a white list of answers counts as stored.
Where a document goes is a function of the document, so whatever has an unknown outcome is sent again, and a document
that is there already says so. `batches` closes batches by bytes, count and age; `dispatch` sends them by threads,
sends again what must be, with growing pauses, and never drops anything; `output` is what every output can do.
`refusals` sees to it that what is stored is not taken for refused when it is sent again.
"""
