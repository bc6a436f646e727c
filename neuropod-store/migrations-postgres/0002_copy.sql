-- Has a row while a copy of another store into this database is not finished: until then nobody may use it.
CREATE TABLE unfinished_copy (
    id bigint NOT NULL PRIMARY KEY
);

-- The names of pods for entries of earlier versions, which lack them. PostgreSQL never had such entries: they come from
-- other stores, by a copy.
CREATE TABLE pod_names (
    pod text COLLATE "C" NOT NULL PRIMARY KEY,
    name text NOT NULL
);
