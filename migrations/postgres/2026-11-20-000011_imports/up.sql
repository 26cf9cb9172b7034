CREATE TABLE imports (
    id uuid NOT NULL PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('organizations', 'instructors', 'program', 'roster', 'schedule', 'holidays', 'shifts', 'evidence')),
    provider_id uuid REFERENCES organizations (id),
    intake_id uuid REFERENCES intakes (id),
    -- Of evidence: whose meeting the file is of.
    session_id uuid,
    file_name text NOT NULL CHECK (length(file_name) BETWEEN 1 AND 255),
    file_sha256 bytea NOT NULL CHECK (length(file_sha256) = 32),
    state text NOT NULL CHECK (state IN ('committed', 'undone')),
    rows integer NOT NULL CHECK (rows >= 0),
    user_id uuid REFERENCES users (id),
    created_at timestamptz NOT NULL,
    undone_at timestamptz,
    CHECK ((state = 'undone') = (undone_at IS NOT NULL)),
    CHECK ((kind = 'evidence') = (session_id IS NOT NULL)),
    CHECK (session_id IS NULL OR intake_id IS NOT NULL),
    FOREIGN KEY (session_id, intake_id) REFERENCES sessions (id, intake_id)
);
CREATE INDEX imports_provider ON imports (provider_id);
CREATE INDEX imports_intake ON imports (intake_id);
CREATE INDEX imports_user ON imports (user_id);
CREATE INDEX imports_session ON imports (session_id, intake_id);

-- What an import wrote, with the version it left and the values it found: enough to undo it while nothing else rests on it.
CREATE TABLE import_effects (
    import_id uuid NOT NULL REFERENCES imports (id),
    position integer NOT NULL,
    subject_kind text NOT NULL,
    subject_id uuid NOT NULL,
    created boolean NOT NULL,
    version integer NOT NULL,
    before_values text,
    PRIMARY KEY (import_id, position)
);
CREATE INDEX import_effects_subject ON import_effects (subject_id);

-- An import is taken back once, and nothing else of it changes; what it wrote says what there is to take back.
CREATE FUNCTION imports_are_undone_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state <> 'committed' OR NEW.state <> 'undone' OR (to_jsonb(NEW) - 'state' - 'undone_at') <> (to_jsonb(OLD) - 'state' - 'undone_at') THEN
        RAISE EXCEPTION 'muster:immutable';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER imports_are_undone_once AFTER UPDATE ON imports FOR EACH ROW EXECUTE FUNCTION imports_are_undone_once();
-- Where a later import of the same thing is taken back, its version is raised by two; so is what is remembered of it.
CREATE FUNCTION import_effects_are_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.version <> OLD.version + 2 OR (to_jsonb(NEW) - 'version') <> (to_jsonb(OLD) - 'version') THEN
        RAISE EXCEPTION 'muster:immutable';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER import_effects_are_immutable AFTER UPDATE ON import_effects FOR EACH ROW EXECUTE FUNCTION import_effects_are_immutable();
CREATE FUNCTION imports_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'muster:immutable';
END $$;
CREATE TRIGGER imports_stay BEFORE DELETE ON imports FOR EACH ROW EXECUTE FUNCTION imports_stay();
CREATE TRIGGER import_effects_stay BEFORE DELETE ON import_effects FOR EACH ROW EXECUTE FUNCTION imports_stay();
CREATE TRIGGER imports_are_not_truncated BEFORE TRUNCATE ON imports FOR EACH STATEMENT EXECUTE FUNCTION is_not_truncated();
CREATE TRIGGER import_effects_are_not_truncated BEFORE TRUNCATE ON import_effects FOR EACH STATEMENT EXECUTE FUNCTION is_not_truncated();
