-- Who did what, when. `seq` is drawn by the last statement of the writing transaction, so it agrees with cause and effect.
CREATE TABLE journal_entries (
    seq bigint NOT NULL PRIMARY KEY,
    id uuid NOT NULL UNIQUE,
    recorded_at timestamptz NOT NULL,
    token_id uuid,
    user_id uuid,
    role text NOT NULL,
    action text NOT NULL,
    subject_kind text NOT NULL,
    subject_id uuid NOT NULL,
    provider_id uuid,
    intake_id uuid,
    -- SHA-256 of the salt and the payload, so that a payload can be erased without breaking the chain.
    payload_digest bytea NOT NULL CHECK (length(payload_digest) = 32)
);
CREATE INDEX journal_entries_subject ON journal_entries (subject_id, seq);

CREATE TABLE journal_payloads (
    entry_id uuid NOT NULL PRIMARY KEY REFERENCES journal_entries (id),
    salt bytea NOT NULL CHECK (length(salt) = 16),
    body text NOT NULL
);

-- What waits to be sealed; filled by a trigger, so that sealing never looks at the whole journal.
CREATE TABLE journal_unsealed (
    seq bigint NOT NULL PRIMARY KEY REFERENCES journal_entries (seq)
);

-- Sealing gives each entry its gapless position and chains it to the one before. Action, subject and intake are the entry's, repeated
-- here so that a page of the audit is one range of an index.
CREATE TABLE journal_seals (
    position bigint NOT NULL PRIMARY KEY CHECK (position > 0),
    entry_id uuid NOT NULL UNIQUE REFERENCES journal_entries (id),
    hash bytea NOT NULL CHECK (length(hash) = 32),
    subject_id uuid NOT NULL,
    intake_id uuid,
    action text NOT NULL,
    -- From when what it records holds for whoever asks what held at an instant: no earlier than the entry before, and later than what
    -- was asked for before it was sealed.
    counts_from timestamptz NOT NULL
);
CREATE INDEX journal_seals_counts_from ON journal_seals (counts_from, position);
CREATE INDEX journal_seals_subject ON journal_seals (subject_id, position);
CREATE INDEX journal_seals_intake ON journal_seals (intake_id, position);
CREATE INDEX journal_seals_action ON journal_seals (action, position);

-- The last instant of which somebody was told what held then.
CREATE TABLE journal_horizon (
    id integer NOT NULL PRIMARY KEY CHECK (id = 1),
    told_until timestamptz NOT NULL
);
INSERT INTO journal_horizon (id, told_until) VALUES (1, 'epoch');

-- What was told stays true: what is sealed later counts later, and the horizon does not go back.
CREATE FUNCTION journal_seals_count_later() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.counts_from <= (SELECT told_until FROM journal_horizon)
        OR NEW.counts_from < (SELECT counts_from FROM journal_seals ORDER BY position DESC LIMIT 1) THEN
        RAISE EXCEPTION 'muster:journal_out_of_order';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER journal_seals_count_later BEFORE INSERT ON journal_seals FOR EACH ROW EXECUTE FUNCTION journal_seals_count_later();

CREATE FUNCTION journal_horizon_does_not_go_back() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.told_until < OLD.told_until THEN
        RAISE EXCEPTION 'muster:immutable';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER journal_horizon_does_not_go_back BEFORE UPDATE ON journal_horizon FOR EACH ROW EXECUTE FUNCTION journal_horizon_does_not_go_back();

-- Whose auditors see an entry: its provider and everything above. A row for each of them, so that a page is one range here too.
CREATE TABLE journal_audiences (
    organization_id uuid NOT NULL,
    position bigint NOT NULL,
    action text NOT NULL,
    PRIMARY KEY (organization_id, position)
);
CREATE INDEX journal_audiences_action ON journal_audiences (organization_id, action, position);

-- Nobody gives a number, so that none slips in before what was there already: not even where a transaction that went back left a gap.
CREATE SEQUENCE journal_entries_seq_seq OWNED BY journal_entries.seq;
CREATE FUNCTION journal_entries_draw_seq() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.seq IS NOT NULL THEN
        RAISE EXCEPTION 'muster:journal_out_of_order';
    END IF;
    NEW.seq := nextval('journal_entries_seq_seq');
    RETURN NEW;
END $$;
CREATE TRIGGER journal_entries_draw_seq BEFORE INSERT ON journal_entries FOR EACH ROW EXECUTE FUNCTION journal_entries_draw_seq();

-- Once a statement, because an import appends tens of thousands of entries.
CREATE FUNCTION journal_entries_await_seal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO journal_unsealed (seq) SELECT seq FROM new_rows;
    RETURN NULL;
END $$;
CREATE TRIGGER journal_entries_await_seal AFTER INSERT ON journal_entries
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION journal_entries_await_seal();

CREATE FUNCTION journal_entries_are_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'muster:immutable';
END $$;
CREATE TRIGGER journal_entries_are_immutable BEFORE UPDATE ON journal_entries FOR EACH ROW EXECUTE FUNCTION journal_entries_are_immutable();

CREATE FUNCTION journal_entries_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'muster:immutable';
END $$;
CREATE TRIGGER journal_entries_stay BEFORE DELETE ON journal_entries FOR EACH ROW EXECUTE FUNCTION journal_entries_stay();

CREATE FUNCTION journal_payloads_are_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'muster:immutable';
END $$;
CREATE TRIGGER journal_payloads_are_immutable BEFORE UPDATE ON journal_payloads FOR EACH ROW EXECUTE FUNCTION journal_payloads_are_immutable();

CREATE FUNCTION journal_payloads_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'muster:immutable';
END $$;
CREATE TRIGGER journal_payloads_stay BEFORE DELETE ON journal_payloads FOR EACH ROW EXECUTE FUNCTION journal_payloads_stay();

CREATE FUNCTION journal_seals_are_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'muster:immutable';
END $$;
CREATE TRIGGER journal_seals_are_immutable BEFORE UPDATE ON journal_seals FOR EACH ROW EXECUTE FUNCTION journal_seals_are_immutable();

CREATE FUNCTION journal_seals_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'muster:immutable';
END $$;
CREATE TRIGGER journal_seals_stay BEFORE DELETE ON journal_seals FOR EACH ROW EXECUTE FUNCTION journal_seals_stay();

CREATE TRIGGER journal_horizon_stays BEFORE DELETE ON journal_horizon FOR EACH ROW EXECUTE FUNCTION journal_seals_stay();

CREATE FUNCTION journal_audiences_are_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'muster:immutable';
END $$;
CREATE TRIGGER journal_audiences_are_immutable BEFORE UPDATE ON journal_audiences FOR EACH ROW EXECUTE FUNCTION journal_audiences_are_immutable();

CREATE FUNCTION journal_audiences_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'muster:immutable';
END $$;
CREATE TRIGGER journal_audiences_stay BEFORE DELETE ON journal_audiences FOR EACH ROW EXECUTE FUNCTION journal_audiences_stay();

-- TRUNCATE fires no row triggers.
CREATE TRIGGER journal_audiences_are_not_truncated BEFORE TRUNCATE ON journal_audiences FOR EACH STATEMENT EXECUTE FUNCTION journal_entries_stay();
CREATE TRIGGER journal_entries_are_not_truncated BEFORE TRUNCATE ON journal_entries FOR EACH STATEMENT EXECUTE FUNCTION journal_entries_stay();
CREATE TRIGGER journal_horizon_is_not_truncated BEFORE TRUNCATE ON journal_horizon FOR EACH STATEMENT EXECUTE FUNCTION journal_entries_stay();
CREATE TRIGGER journal_payloads_are_not_truncated BEFORE TRUNCATE ON journal_payloads FOR EACH STATEMENT EXECUTE FUNCTION journal_entries_stay();
CREATE TRIGGER journal_seals_are_not_truncated BEFORE TRUNCATE ON journal_seals FOR EACH STATEMENT EXECUTE FUNCTION journal_entries_stay();

-- An act of the ledger has the id of its entry in the journal, which is written behind all else: nothing is posted for one that is over.
CREATE FUNCTION hour_entries_are_posted_by_one_act() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM new_rows n JOIN journal_entries j ON j.id = n.posting_id) THEN
        RAISE EXCEPTION 'muster:immutable';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER hour_entries_are_posted_by_one_act AFTER INSERT ON hour_entries
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION hour_entries_are_posted_by_one_act();
