"""An audit told: as text for a terminal, as JSON for scripts, as a page that can be sent to others.

All three say the same. The proof knows nothing of them.

* what is told: `document` (everything, as JSON), `hours` (the minutes of what is missing), `advice` (what to do next)
* how: `text`, `html` with `chart` and `page_style`
* `merge`: the documents of several hosts as one
"""
