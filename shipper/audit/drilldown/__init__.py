"""One part of a log, event by event: what is on disk against what the index holds.

Only where the sums of a bucket differ is its part of the log read and parsed again, by the pipelines that ruled there,
and laid beside the documents of that part. Sequences are compared before single events, so that a copied, moved or
edited line is one finding and not two.

* what to lay beside each other: `slices` (long runs, cut), `part_rules` (which pipeline ruled where), `vouched`
  (documents of files that are gone)
* the comparison: `matching` (its words), `reconcile` (of sequences), `comparison` (of one part), `drill` (all of it)
* dead letters without a state: `noted` and `choices`
* findings: `judge`, with `missing`, `sides`, `two_fates` and `copies`; `contents` (the deepest level); `moments` (when)
"""
