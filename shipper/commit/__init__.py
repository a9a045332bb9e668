"""Committing: receipts -> ledger, checkpoints, dead letters; in one transaction, never ahead of what is settled.

`ledger` decides, without input or output, how far each file is settled in one piece: the checkpoint is the end of
the longest contiguous run of events that are stored, filtered or dead letters, and only what lies below it is in the
ledger, so that per file the sum of the ledger is the number of lines below the checkpoint. `state` keeps it on disk:
one SQLite file per agent, with the file rows, marks and pipeline definitions that reading and parsing depend on.
"""
