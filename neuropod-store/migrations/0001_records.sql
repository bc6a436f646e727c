-- Documents are JSON. Columns repeat what is searched, sorted by or compared; the program writes both together.

CREATE TABLE pods (
    id TEXT NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    owner TEXT NOT NULL,
    slug TEXT NOT NULL,
    -- Microseconds since 1970.
    created_at INTEGER NOT NULL,
    -- 1: deleted, and something of it may still be in the cluster.
    deleted INTEGER NOT NULL,
    document TEXT NOT NULL,
    UNIQUE (owner, slug)
) STRICT;

CREATE INDEX pods_by_creation ON pods (created_at, id);
CREATE INDEX pods_by_owner ON pods (owner, created_at, id);

CREATE TABLE users (
    id TEXT NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    -- The e-mail address in lower case.
    name TEXT NOT NULL UNIQUE,
    document TEXT NOT NULL
) STRICT;

CREATE TABLE templates (
    id TEXT NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    -- The name in lower case.
    name TEXT NOT NULL UNIQUE,
    document TEXT NOT NULL
) STRICT;

CREATE TABLE prices (
    version INTEGER NOT NULL PRIMARY KEY,
    document TEXT NOT NULL
) STRICT;

-- Amounts are in micro-euros.
CREATE TABLE accounts (
    user TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    available INTEGER NOT NULL,
    held INTEGER NOT NULL
) STRICT;

-- Only ever added to: the entries of an account are its balance.
CREATE TABLE entries (
    user TEXT NOT NULL REFERENCES accounts,
    number INTEGER NOT NULL,
    -- Microseconds since 1970.
    at INTEGER NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (user, number)
) STRICT, WITHOUT ROWID;

-- What happened under each key.
CREATE TABLE keys (
    key TEXT NOT NULL PRIMARY KEY,
    record TEXT NOT NULL
) STRICT, WITHOUT ROWID;
