-- What became of requests with an idempotency key whose pods are gone.
CREATE TABLE requests (
    -- Of the pod.
    id TEXT NOT NULL PRIMARY KEY,
    -- Microseconds since 1970.
    created_at INTEGER NOT NULL,
    document TEXT NOT NULL
) STRICT;

CREATE INDEX requests_by_creation ON requests (created_at);
