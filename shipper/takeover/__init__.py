"""Taking over from another shipper: its positions become the places where ours begins, file by file.

`positions` is what another shipper says of files; `filebeat`, `fluent_bit` and `logstash` read it from their own books;
`plan` finds the files on disk that are meant, and records a `start` mark in each. What lies before it was shipped by
the other; it is read and hashed all the same, and counts as filtered by the rule `before_start`. Documents of the
other are neither looked for nor touched: ids of ours follow from content, so they could not be recognised.
"""
