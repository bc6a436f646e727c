-- Documents are JSON in columns of text. `jsonb` would sort their fields, and refuse the character NUL (written as \u0000).
-- Other columns repeat what is searched, sorted by or compared; the program writes both together.
--
-- Texts compare by their bytes (COLLATE "C"), so that no update of the operating system's locales can break an index.
-- Postgres knows no text with the character NUL: the columns have it as two characters, see `sql.rs`.

CREATE TABLE pods (
    id text COLLATE "C" NOT NULL PRIMARY KEY,
    version bigint NOT NULL,
    owner text COLLATE "C" NOT NULL,
    slug text COLLATE "C" NOT NULL,
    -- Microseconds since 1970.
    created_at bigint NOT NULL,
    -- Deleted, and something of it may still be in the cluster.
    deleted boolean NOT NULL,
    -- The name of the volume.
    volume text COLLATE "C" NOT NULL,
    -- Deleted, or its volume has a time of deletion.
    may_take_volume boolean NOT NULL,
    document text NOT NULL,
    UNIQUE (owner, slug)
);

CREATE INDEX pods_by_creation ON pods (created_at, id);
CREATE INDEX pods_by_owner ON pods (owner, created_at, id);
CREATE INDEX pods_by_volume ON pods (owner, volume, created_at, id);

CREATE TABLE users (
    id text COLLATE "C" NOT NULL PRIMARY KEY,
    version bigint NOT NULL,
    -- The e-mail address in lower case.
    name text COLLATE "C" NOT NULL UNIQUE,
    -- Who a user is where they sign in, as one text; NULL: nobody has signed in as them yet.
    identity text COLLATE "C" UNIQUE,
    document text NOT NULL
);

-- Users who were removed: what was asked for in their name and comes late is nobody's.
CREATE TABLE removed_users (
    id text COLLATE "C" NOT NULL PRIMARY KEY
);

CREATE TABLE templates (
    id text COLLATE "C" NOT NULL PRIMARY KEY,
    version bigint NOT NULL,
    -- The name in lower case.
    name text COLLATE "C" NOT NULL UNIQUE,
    document text NOT NULL
);

CREATE TABLE prices (
    version bigint NOT NULL PRIMARY KEY,
    document text NOT NULL
);

-- What became of requests with an idempotency key whose pods are gone.
CREATE TABLE requests (
    -- Of the pod.
    id text COLLATE "C" NOT NULL PRIMARY KEY,
    -- Microseconds since 1970.
    created_at bigint NOT NULL,
    document text NOT NULL
);

CREATE INDEX requests_by_creation ON requests (created_at);

-- Amounts are in micro-euros.
CREATE TABLE accounts (
    user_id text COLLATE "C" NOT NULL PRIMARY KEY,
    kind text NOT NULL,
    available bigint NOT NULL,
    held bigint NOT NULL,
    -- The last day for which usage was charged (UTC, as in 2026-11-24), how much on it, and how much on the day before
    -- and late for older ones.
    spent_on text,
    spent bigint NOT NULL,
    spent_before bigint NOT NULL,
    -- The number of the last entry; 0: there is none.
    last_entry bigint NOT NULL
);

-- Only ever added to: the entries of an account are its balance.
CREATE TABLE entries (
    user_id text COLLATE "C" NOT NULL REFERENCES accounts,
    number bigint NOT NULL,
    -- Microseconds since 1970.
    at bigint NOT NULL,
    document text NOT NULL,
    PRIMARY KEY (user_id, number)
);

-- What happened under each key, as JSON.
CREATE TABLE keys (
    key text COLLATE "C" NOT NULL PRIMARY KEY,
    record text NOT NULL
);

-- Who did what.
CREATE TABLE audit (
    id text COLLATE "C" NOT NULL PRIMARY KEY,
    -- Microseconds since 1970.
    at bigint NOT NULL,
    action text NOT NULL,
    -- The texts by which an entry is found, in lower case.
    who text[] COLLATE "C" NOT NULL,
    whom text[] COLLATE "C" NOT NULL,
    -- It never changes any more.
    done boolean NOT NULL,
    document text NOT NULL
);

CREATE INDEX audit_by_time ON audit (at, id);
