-- Who a user is where they sign in, as one text; NULL: nobody has signed in as them yet.
ALTER TABLE users ADD COLUMN identity TEXT;
CREATE UNIQUE INDEX users_by_identity ON users (identity);

-- Users who were removed: what was asked for in their name and comes late is nobody's.
CREATE TABLE removed_users (
    id TEXT NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;
