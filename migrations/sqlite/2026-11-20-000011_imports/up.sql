CREATE TABLE imports (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    kind TEXT NOT NULL CHECK (kind IN ('organizations', 'instructors', 'program', 'roster', 'schedule', 'holidays', 'shifts', 'evidence')),
    provider_id BLOB CHECK (length(provider_id) = 16) REFERENCES organizations (id),
    intake_id BLOB CHECK (length(intake_id) = 16) REFERENCES intakes (id),
    -- Of evidence: whose meeting the file is of.
    session_id BLOB CHECK (length(session_id) = 16),
    file_name TEXT NOT NULL CHECK (length(file_name) BETWEEN 1 AND 255),
    file_sha256 BLOB NOT NULL CHECK (length(file_sha256) = 32),
    state TEXT NOT NULL CHECK (state IN ('committed', 'undone')),
    rows INTEGER NOT NULL CHECK (rows >= 0),
    user_id BLOB CHECK (length(user_id) = 16) REFERENCES users (id),
    created_at INTEGER NOT NULL,
    undone_at INTEGER,
    CHECK ((state = 'undone') = (undone_at IS NOT NULL)),
    CHECK ((kind = 'evidence') = (session_id IS NOT NULL)),
    CHECK (session_id IS NULL OR intake_id IS NOT NULL),
    FOREIGN KEY (session_id, intake_id) REFERENCES sessions (id, intake_id)
) STRICT;
CREATE INDEX imports_provider ON imports (provider_id);
CREATE INDEX imports_intake ON imports (intake_id);
CREATE INDEX imports_user ON imports (user_id);
CREATE INDEX imports_session ON imports (session_id, intake_id);

-- What an import wrote, with the version it left and the values it found: enough to undo it while nothing else rests on it.
CREATE TABLE import_effects (
    import_id BLOB NOT NULL CHECK (length(import_id) = 16) REFERENCES imports (id),
    position INTEGER NOT NULL,
    subject_kind TEXT NOT NULL,
    subject_id BLOB NOT NULL CHECK (length(subject_id) = 16),
    created INTEGER NOT NULL CHECK (created IN (0, 1)),
    version INTEGER NOT NULL,
    before_values TEXT,
    PRIMARY KEY (import_id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX import_effects_subject ON import_effects (subject_id);

-- An import is taken back once, and nothing else of it changes; what it wrote says what there is to take back.
CREATE TRIGGER imports_are_undone_once BEFORE UPDATE ON imports
WHEN OLD.state <> 'committed' OR NEW.state <> 'undone' OR NEW.id <> OLD.id OR NEW.kind <> OLD.kind
    OR NEW.provider_id IS NOT OLD.provider_id OR NEW.intake_id IS NOT OLD.intake_id OR NEW.session_id IS NOT OLD.session_id
    OR NEW.file_name <> OLD.file_name OR NEW.file_sha256 <> OLD.file_sha256 OR NEW.rows <> OLD.rows
    OR NEW.user_id IS NOT OLD.user_id OR NEW.created_at <> OLD.created_at BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
CREATE TRIGGER imports_stay BEFORE DELETE ON imports BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
CREATE TRIGGER imports_are_not_replaced BEFORE INSERT ON imports
WHEN EXISTS (SELECT 1 FROM imports WHERE id = NEW.id) BEGIN
    SELECT RAISE(ABORT, 'muster:already_exists');
END;
-- Where a later import of the same thing is taken back, its version is raised by two; so is what is remembered of it.
CREATE TRIGGER import_effects_are_immutable BEFORE UPDATE ON import_effects
WHEN NEW.version <> OLD.version + 2 OR NEW.import_id <> OLD.import_id OR NEW.position <> OLD.position
    OR NEW.subject_kind <> OLD.subject_kind OR NEW.subject_id <> OLD.subject_id OR NEW.created <> OLD.created
    OR NEW.before_values IS NOT OLD.before_values BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
CREATE TRIGGER import_effects_stay BEFORE DELETE ON import_effects BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
CREATE TRIGGER import_effects_are_not_replaced BEFORE INSERT ON import_effects
WHEN EXISTS (SELECT 1 FROM import_effects WHERE import_id = NEW.import_id AND position = NEW.position) BEGIN
    SELECT RAISE(ABORT, 'muster:already_exists');
END;
