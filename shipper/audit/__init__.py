"""The proof: what is on disk, what the ledger says and what the index holds are one and the same.

Per fingerprint and bucket, without parsing, in lines, bytes and two sums of hashes::

    disk = index + ledger.filtered + ledger.dead

Equal is closed. Only an unequal bucket is drilled down to events, read and parsed again with the pipeline that ruled
there, and each of its events is stored, filtered, a dead letter, pending, missing or altered; what the index holds
beyond them is unexpected. What cannot be decided is unproved, and then the audit does not say "closed".

How to read it, from the words to the whole:

* words: `findings` (kinds, causes, totals, the verdict), `subjects` (what a finding is about), `request` (what is
  asked), `window` (a span of event time), `extents` (parts of a file), `context` (what every step is given)
* what is there: `claims` (what the state says), `disk` (files, and which are copies), `families` (what belongs
  together), `heads` (edited beginnings)
* without parsing: `balance` (a file's lines, tallied), `weighing` (the equation), `ledger_sums` (does the ledger add
  up?), `gone` and `beginnings` (families without files), `gaps` (what was lost at the source)
* a drill-down: `rules` and `part_rules` (which pipeline ruled where), `matching` (its words), `reconcile` (the
  comparison of sequences), `comparison` (of one part), `vouched` (documents of files that are gone), `drill` (all of
  it), `slices` (long runs, cut), `noted` and `choices` (dead letters without a state)
* its findings: `judge`, with `missing`, `sides`, `two_fates` and `copies`; `contents` (the deepest level); `moments`
  and `places` (when, and in which index)
* the order: `examine` (one family), `unreadable` and `obstacles` (files that cannot be read), `doubts` (what moved
  meanwhile), `another_output`, `auditor` (of all); `resume` and `resume_parts` (what an interrupted audit need not do
  again)
* what follows: `repair`, which keeps in `kept` what it deletes; `incomplete`, `timeline`, `hours`, `advice` and
  `document` for `report` (text), `html` and `chart`; `merge` (reports of several hosts); `elsewhere` (files of another)
"""
