"""The proof: what is on disk, what the ledger says and what the index holds are one and the same.

Per fingerprint and bucket, without parsing, in lines, bytes and two sums of hashes::

    disk = index + ledger.filtered + ledger.dead

Equal is closed. Only an unequal bucket is drilled down to events, read and parsed again with the pipeline that ruled
there, and each of its events is stored, filtered, a dead letter, pending, missing or altered; what the index holds
beyond them is unexpected. What cannot be decided is unproved, and then the audit does not say "closed".

How to read it: `findings` (the words), `claims` (what the state says), `disk` (what is on disk, and which files are
copies), `families` (what belongs together), `balance` (the equation), `rules` (which pipeline ruled where),
`reconcile` (the comparison of sequences), `drill` (one drill-down), `judge` (its causes), `contents`, `gone`, `gaps`
and `heads` (special cases), `noted` and `choices` (dead letters without a state), `unaccounted` (a ledger that does
not add up), `slices` (long runs, cut), `examine` (one family), `doubts` (what moved meanwhile), `auditor` (the order of
it all), `report` and `repair`; `resume` and `resume_parts` (what an interrupted audit need not do again).
"""
