-- What was charged for usage on the day before `spent_on`, and late for older ones.
ALTER TABLE accounts ADD COLUMN spent_before INTEGER NOT NULL DEFAULT 0;
