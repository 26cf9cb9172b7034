-- Who did what, when. `seq` is drawn by the last statement of the writing transaction, so it agrees with cause and effect.
CREATE TABLE journal_entries (
    seq INTEGER NOT NULL PRIMARY KEY,
    id BLOB NOT NULL CHECK (length(id) = 16) UNIQUE,
    recorded_at INTEGER NOT NULL,
    token_id BLOB CHECK (length(token_id) = 16),
    user_id BLOB CHECK (length(user_id) = 16),
    role TEXT NOT NULL,
    action TEXT NOT NULL,
    subject_kind TEXT NOT NULL,
    subject_id BLOB NOT NULL CHECK (length(subject_id) = 16),
    provider_id BLOB CHECK (length(provider_id) = 16),
    intake_id BLOB CHECK (length(intake_id) = 16),
    -- SHA-256 of the salt and the payload, so that a payload can be erased without breaking the chain.
    payload_digest BLOB NOT NULL CHECK (length(payload_digest) = 32)
) STRICT;
CREATE INDEX journal_entries_subject ON journal_entries (subject_id, seq);

CREATE TABLE journal_payloads (
    entry_id BLOB NOT NULL PRIMARY KEY CHECK (length(entry_id) = 16) REFERENCES journal_entries (id),
    salt BLOB NOT NULL CHECK (length(salt) = 16),
    body TEXT NOT NULL
) STRICT;

-- What waits to be sealed; filled by a trigger, so that sealing never looks at the whole journal.
CREATE TABLE journal_unsealed (
    seq INTEGER NOT NULL PRIMARY KEY REFERENCES journal_entries (seq)
) STRICT;

-- Sealing gives each entry its gapless position and chains it to the one before. Action, subject and intake are the entry's, repeated
-- here so that a page of the audit is one range of an index.
CREATE TABLE journal_seals (
    position INTEGER NOT NULL PRIMARY KEY CHECK (position > 0),
    entry_id BLOB NOT NULL CHECK (length(entry_id) = 16) UNIQUE REFERENCES journal_entries (id),
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    subject_id BLOB NOT NULL CHECK (length(subject_id) = 16),
    intake_id BLOB CHECK (length(intake_id) = 16),
    action TEXT NOT NULL,
    -- From when what it records holds for whoever asks what held at an instant: no earlier than the entry before, and later than what
    -- was asked for before it was sealed.
    counts_from INTEGER NOT NULL
) STRICT;
CREATE INDEX journal_seals_counts_from ON journal_seals (counts_from, position);
CREATE INDEX journal_seals_subject ON journal_seals (subject_id, position);
CREATE INDEX journal_seals_intake ON journal_seals (intake_id, position);
CREATE INDEX journal_seals_action ON journal_seals (action, position);

-- The last instant of which somebody was told what held then.
CREATE TABLE journal_horizon (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    told_until INTEGER NOT NULL
) STRICT;
INSERT INTO journal_horizon (id, told_until) VALUES (1, 0);

-- What was told stays true: what is sealed later counts later, and the horizon does not go back.
CREATE TRIGGER journal_seals_count_later BEFORE INSERT ON journal_seals
WHEN NEW.counts_from <= (SELECT told_until FROM journal_horizon)
    OR NEW.counts_from < coalesce((SELECT counts_from FROM journal_seals ORDER BY position DESC LIMIT 1), 0) BEGIN
    SELECT RAISE(ABORT, 'muster:journal_out_of_order');
END;
CREATE TRIGGER journal_horizon_does_not_go_back BEFORE UPDATE ON journal_horizon WHEN NEW.told_until < OLD.told_until BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
CREATE TRIGGER journal_horizon_stays BEFORE DELETE ON journal_horizon BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
CREATE TRIGGER journal_horizon_is_not_replaced BEFORE INSERT ON journal_horizon WHEN EXISTS (SELECT 1 FROM journal_horizon) BEGIN
    SELECT RAISE(ABORT, 'muster:already_exists');
END;

-- Whose auditors see an entry: its provider and everything above. A row for each of them, so that a page is one range here too.
CREATE TABLE journal_audiences (
    organization_id BLOB NOT NULL CHECK (length(organization_id) = 16),
    position INTEGER NOT NULL,
    action TEXT NOT NULL,
    PRIMARY KEY (organization_id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX journal_audiences_action ON journal_audiences (organization_id, action, position);

CREATE TRIGGER journal_entries_await_seal AFTER INSERT ON journal_entries BEGIN
    INSERT INTO journal_unsealed (seq) VALUES (NEW.seq);
END;

-- Rows stay and each follows the one before: the only number that can be given is the one that would be drawn.
CREATE TRIGGER journal_entries_follow AFTER INSERT ON journal_entries
WHEN NEW.seq <> 1 + coalesce((SELECT max(seq) FROM journal_entries WHERE seq < NEW.seq), 0) BEGIN
    SELECT RAISE(ABORT, 'muster:journal_out_of_order');
END;

CREATE TRIGGER journal_entries_are_immutable BEFORE UPDATE ON journal_entries BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
CREATE TRIGGER journal_entries_stay BEFORE DELETE ON journal_entries BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
CREATE TRIGGER journal_payloads_are_immutable BEFORE UPDATE ON journal_payloads BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
CREATE TRIGGER journal_payloads_stay BEFORE DELETE ON journal_payloads BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
CREATE TRIGGER journal_seals_are_immutable BEFORE UPDATE ON journal_seals BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
CREATE TRIGGER journal_seals_stay BEFORE DELETE ON journal_seals BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
CREATE TRIGGER journal_audiences_are_immutable BEFORE UPDATE ON journal_audiences BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
CREATE TRIGGER journal_audiences_stay BEFORE DELETE ON journal_audiences BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
CREATE TRIGGER journal_entries_are_not_replaced BEFORE INSERT ON journal_entries
WHEN EXISTS (SELECT 1 FROM journal_entries WHERE seq = NEW.seq OR id = NEW.id) BEGIN
    SELECT RAISE(ABORT, 'muster:already_exists');
END;
CREATE TRIGGER journal_payloads_are_not_replaced BEFORE INSERT ON journal_payloads
WHEN EXISTS (SELECT 1 FROM journal_payloads WHERE entry_id = NEW.entry_id) BEGIN
    SELECT RAISE(ABORT, 'muster:already_exists');
END;
CREATE TRIGGER journal_seals_are_not_replaced BEFORE INSERT ON journal_seals
WHEN EXISTS (SELECT 1 FROM journal_seals WHERE position = NEW.position OR entry_id = NEW.entry_id) BEGIN
    SELECT RAISE(ABORT, 'muster:already_exists');
END;

-- An act of the ledger has the id of its entry in the journal, which is written behind all else: nothing is posted for one that is over.
CREATE TRIGGER hour_entries_are_posted_by_one_act BEFORE INSERT ON hour_entries
WHEN EXISTS (SELECT 1 FROM journal_entries WHERE id = NEW.posting_id) BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
