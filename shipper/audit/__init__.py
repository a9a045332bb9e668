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
  up?), `gone` and `beginnings` (families without files), `gaps` (what was lost at the source) and `unread`
  (by an agent that ended)
* `drilldown`, a package: a part of a log event by event, and what is found there; `rules` (which pipeline ruled which
  lines) and `places` (in which index documents lie)
* the order: `examine` (one family), `unreadable` and `obstacles` (files that cannot be read), `doubts` (what moved
  meanwhile), `another_output`, `auditor` (of all); `resume` and `resume_parts` (what an interrupted audit need not do
  again)
* what follows: `timeline` (what became of lines, by their time); `repair`, which keeps in `kept` what it deletes;
  `incomplete` (documents that lack values); `elsewhere` (files of another host); `report`, a package: the audit as
  text, JSON and a page
"""
