-- Has a row while a copy of another store into this file is not finished: until then nobody may use it.
CREATE TABLE unfinished_copy (
    id INTEGER NOT NULL PRIMARY KEY
) STRICT;
