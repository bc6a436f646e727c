-- Entries say the name of their pod since this version. Those that are older don't: the names of the pods that are there
-- now are kept, so that the books can be read when the pods are gone. Nothing is added to this table later.
CREATE TABLE pod_names (
    pod TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO pod_names (pod, name)
SELECT id, json_extract(document, '$.name') FROM pods WHERE json_extract(document, '$.name') IS NOT NULL;
