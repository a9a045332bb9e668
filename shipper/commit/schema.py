"""The tables of the state: all SQL that creates and migrates them. `user_version` is the schema's number."""

VERSION = 2

FORGOTTEN = """
CREATE TABLE forgotten (
    output INTEGER NOT NULL, fingerprint TEXT NOT NULL,
    lines INTEGER NOT NULL, bytes INTEGER NOT NULL, h0 INTEGER NOT NULL, h1 INTEGER NOT NULL,
    PRIMARY KEY (output, fingerprint)) WITHOUT ROWID;
"""

TABLES = f"""
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE outputs (id INTEGER PRIMARY KEY, identity TEXT NOT NULL UNIQUE);
CREATE TABLE files (
    id INTEGER PRIMARY KEY, input TEXT NOT NULL, path TEXT NOT NULL, current_path TEXT NOT NULL,
    device INTEGER NOT NULL, inode INTEGER NOT NULL, fingerprint TEXT NOT NULL, size INTEGER NOT NULL,
    heir_of INTEGER NOT NULL, gone_since REAL);
CREATE INDEX files_by_inode ON files (input, device, inode);
CREATE INDEX files_by_fingerprint ON files (fingerprint);
CREATE TABLE checkpoints (
    output INTEGER NOT NULL, file INTEGER NOT NULL, offset INTEGER NOT NULL, chain TEXT NOT NULL, guard TEXT NOT NULL,
    carry TEXT, finished TEXT NOT NULL, PRIMARY KEY (output, file)) WITHOUT ROWID;
CREATE TABLE ledger (
    output INTEGER NOT NULL, file INTEGER NOT NULL, bucket INTEGER NOT NULL, fate TEXT NOT NULL,
    lines INTEGER NOT NULL, bytes INTEGER NOT NULL, h0 INTEGER NOT NULL, h1 INTEGER NOT NULL,
    PRIMARY KEY (output, file, bucket, fate)) WITHOUT ROWID;
CREATE TABLE marks (
    file INTEGER NOT NULL, offset INTEGER NOT NULL, kind TEXT NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY (file, offset, kind)) WITHOUT ROWID;
CREATE TABLE definitions (version TEXT PRIMARY KEY, definition TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE dead_letters (
    output INTEGER NOT NULL, file INTEGER NOT NULL, id TEXT NOT NULL, offset INTEGER NOT NULL,
    lines INTEGER NOT NULL, bytes INTEGER NOT NULL, h0 INTEGER NOT NULL, h1 INTEGER NOT NULL,
    category TEXT NOT NULL, reason TEXT NOT NULL, dataset TEXT NOT NULL, index_name TEXT NOT NULL,
    timestamp INTEGER NOT NULL, pipeline TEXT NOT NULL, body BLOB NOT NULL, refused_at REAL NOT NULL,
    PRIMARY KEY (output, file, id));
CREATE TABLE stalls (scope TEXT PRIMARY KEY, reason TEXT NOT NULL, since REAL NOT NULL) WITHOUT ROWID;
{FORGOTTEN}"""

MIGRATIONS = {1: f"ALTER TABLE files ADD COLUMN gone_since REAL;{FORGOTTEN}"}
"""What makes each older schema the next one."""

ADD_TO_LEDGER = """
INSERT INTO ledger VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
       lines = lines + excluded.lines, bytes = bytes + excluded.bytes, h0 = h0 + excluded.h0, h1 = h1 + excluded.h1
"""
