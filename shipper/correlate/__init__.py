"""Comparisons with what others wrote: indices that shipper did not fill, and logs of programs that know nothing of it.

Two questions are answered, both without configuration, state or an agent: do the records of some log files and the
documents of an index agree (`against`), and has every GridFTP transfer its TCP flows (`matching`)?

How to read it: `entries` (a parsed record or a document), `logs` and `indices` (where they come from), `quantities`
(units), `hosts` (names and addresses) and `assignment` serve both. The first is answered by `keys`, `conditions`,
`against` and `against_report`; the second by `transfers`, `flows` and `layouts`, `gathering`, `matching`, `judgement`,
`causes`, `comparison` (the order of it all) and `report`.
"""
