CREATE TABLE imports (
    id uuid NOT NULL PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('organizations', 'instructors', 'program', 'roster', 'schedule', 'holidays', 'shifts', 'evidence')),
    provider_id uuid REFERENCES organizations (id),
    intake_id uuid REFERENCES intakes (id),
    file_name text NOT NULL CHECK (length(file_name) BETWEEN 1 AND 255),
    file_sha256 bytea NOT NULL CHECK (length(file_sha256) = 32),
    state text NOT NULL CHECK (state IN ('committed', 'undone')),
    rows integer NOT NULL CHECK (rows >= 0),
    user_id uuid REFERENCES users (id),
    created_at timestamptz NOT NULL,
    undone_at timestamptz,
    CHECK ((state = 'undone') = (undone_at IS NOT NULL))
);
CREATE INDEX imports_provider ON imports (provider_id);
CREATE INDEX imports_intake ON imports (intake_id);
CREATE INDEX imports_user ON imports (user_id);

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
