-- What was charged for usage on the last day that any was charged for: that day (UTC, as in 2026-11-24), and how much.
ALTER TABLE accounts ADD COLUMN spent_on TEXT;
ALTER TABLE accounts ADD COLUMN spent INTEGER NOT NULL DEFAULT 0;
