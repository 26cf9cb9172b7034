DROP TRIGGER hour_entries_are_posted_by_one_act;
DROP TABLE journal_audiences;
DROP TABLE journal_horizon;
DROP TABLE journal_seals;
DROP TABLE journal_unsealed;
DROP TABLE journal_payloads;
DROP TABLE journal_entries;
