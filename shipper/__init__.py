"""shipper: ships logs, and proves that they arrived.

The promise: for every file that an input matches, lines on disk below the checkpoint
= stored + filtered (by a named rule) + dead letters (with a reason). `shipper audit` proves it.

The flow::

    files --read--> chunks of events --parse--> documents --send--> receipts --commit--> ledger, checkpoints
    audit: disk (read again) x ledger x index --> findings --> report, plan --> repair

Words: an *input* is a set of paths with one pipeline; an *event* is one or more lines that belong together;
a *document* is what is stored for an event; a *tally* counts lines and bytes and sums two hashes of each line;
a *receipt* holds one outcome per document; a *checkpoint* is the end of the longest contiguous run of events
that are settled; the *ledger* holds the tallies below the checkpoint by fate; a *mark* is a recorded decision
that parsing depends on. `docs/design.md` defines them all.

Read in this order: `records`, `hashes`, `agent` and `in_flight`, then the stages `read`, `parse`, `send`, `commit`,
then `audit`.
"""

__version__ = "0.1.0"
