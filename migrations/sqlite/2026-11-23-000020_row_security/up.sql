-- Row-level security is Postgres's; of a SQLite file whoever can read it can read all.
SELECT 1;
