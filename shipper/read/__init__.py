"""Reading: files -> chunks of events.

Identity is content, never a path or an inode; those are hints. `discover` finds files, `files` opens them
(plain or compressed), `identity` says which one it is, `framing` cuts bytes into lines and events, `tail` reads
one file on from where it was, and `reader` goes round all of them.

A read begins up to 1 KiB before the position and compares what stands there: a file that was truncated and has
grown again, or was replaced under the same inode number, is seen before one byte of it is taken for the old file.
Lines that do not make a whole event yet are not kept in memory: the next read begins at the event's start again.
Nothing here moves a checkpoint; only receipts do.
"""
