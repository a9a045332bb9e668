"""Pattern and pipeline files that change while lines are shipped: tried on recent lines first, then taken or refused.

A definition that was taken is recorded in the state, so that wrong files on disk take neither a running nor a
restarting agent down.
"""
