CREATE TABLE imports (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    kind TEXT NOT NULL CHECK (kind IN ('organizations', 'instructors', 'program', 'roster', 'schedule', 'holidays', 'shifts', 'evidence')),
    provider_id BLOB CHECK (length(provider_id) = 16) REFERENCES organizations (id),
    intake_id BLOB CHECK (length(intake_id) = 16) REFERENCES intakes (id),
    file_name TEXT NOT NULL CHECK (length(file_name) BETWEEN 1 AND 255),
    file_sha256 BLOB NOT NULL CHECK (length(file_sha256) = 32),
    state TEXT NOT NULL CHECK (state IN ('committed', 'undone')),
    rows INTEGER NOT NULL CHECK (rows >= 0),
    user_id BLOB CHECK (length(user_id) = 16) REFERENCES users (id),
    created_at INTEGER NOT NULL,
    undone_at INTEGER,
    CHECK ((state = 'undone') = (undone_at IS NOT NULL))
) STRICT;
CREATE INDEX imports_provider ON imports (provider_id);
CREATE INDEX imports_intake ON imports (intake_id);
CREATE INDEX imports_user ON imports (user_id);

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
