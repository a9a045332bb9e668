"""The demo: the whole job on bundled log samples, in a folder of its own, every promise checked.

`logs` replays the samples as growing and rotating files, `programs` runs the real `shipper` commands as a user
would, `index` looks at the SQLite index and takes documents out of it behind shipper's back, and `story` tells it
all in order. Nothing here knows the inside of the agent or of the audit: what the demo shows, a user can do.
"""
