-- Who did what. `who` and `whom` have the texts by which an entry is found, in lower case, each as a JSON string on a
-- line of its own, with a line break before the first and after the last.
CREATE TABLE audit (
    id TEXT NOT NULL PRIMARY KEY,
    -- Microseconds since 1970.
    at INTEGER NOT NULL,
    action TEXT NOT NULL,
    who TEXT NOT NULL,
    whom TEXT NOT NULL,
    -- 1: it never changes any more.
    done INTEGER NOT NULL,
    document TEXT NOT NULL
) STRICT;

CREATE INDEX audit_by_time ON audit (at, id);
