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
