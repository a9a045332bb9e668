"""Many hosts: each agent leaves its ledger in the output, and anybody who may read it sees what does not come.

Writing, once a minute, in a thread of its own and over a connection of its own, so that shipping never waits for it:
`account` reads the state, `journal` knows what was written before and what has changed, `reporter` writes that and a
sign of life. Where nothing happens, the sign of life is all.

Reading, from anywhere (`shipper audit --fleet`): `ledgers` makes of the documents of a host what its state would say,
`lines` compares that with the index by the equation of the audit, `watch` looks at signs of life and versions,
`schedule` and `expected` at what inputs should bring; `survey` is the order of it all, `report` tells it.

Which documents there are: `notes`. A document of the ledger is written before the sign of life that speaks of it. So
what a sign of life says holds at least for all documents that are there; that all fates of a file are of one moment
shows in their sum, which is the file's checkpoint.
"""
