-- What became of published sessions, for those whom it concerns. How a session stood and stands is kept with the names of that time.
CREATE TABLE session_changes (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    session_id BLOB NOT NULL CHECK (length(session_id) = 16),
    intake_id BLOB NOT NULL CHECK (length(intake_id) = 16),
    kind TEXT NOT NULL CHECK (kind IN ('moved', 'changed', 'cancelled')),
    before_values TEXT NOT NULL,
    after_values TEXT,
    successor TEXT,
    reason TEXT NOT NULL CHECK (length(reason) BETWEEN 1 AND 2000),
    user_id BLOB CHECK (length(user_id) = 16) REFERENCES users (id),
    created_at INTEGER NOT NULL,
    CHECK ((kind = 'cancelled') = (after_values IS NULL)),
    FOREIGN KEY (session_id, intake_id) REFERENCES sessions (id, intake_id)
) STRICT;
CREATE INDEX session_changes_session ON session_changes (session_id, intake_id);
CREATE INDEX session_changes_intake ON session_changes (intake_id);
CREATE INDEX session_changes_user ON session_changes (user_id);

-- The instructors and cohorts of before and after, and the guests, by their enrollments. Who of a cohort is concerned is whoever is placed
-- in it at `starts_at`, when the session was or is to begin.
CREATE TABLE session_change_audience (
    kind TEXT NOT NULL CHECK (kind IN ('instructor', 'cohort', 'guest')),
    resource_id BLOB NOT NULL CHECK (length(resource_id) = 16),
    change_id BLOB NOT NULL CHECK (length(change_id) = 16) REFERENCES session_changes (id),
    starts_at INTEGER NOT NULL,
    PRIMARY KEY (kind, resource_id, change_id, starts_at)
) STRICT, WITHOUT ROWID;
CREATE INDEX session_change_audience_change ON session_change_audience (change_id);

CREATE TRIGGER session_changes_are_immutable BEFORE UPDATE ON session_changes BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
CREATE TRIGGER session_changes_stay BEFORE DELETE ON session_changes BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
CREATE TRIGGER session_changes_are_not_replaced BEFORE INSERT ON session_changes
WHEN EXISTS (SELECT 1 FROM session_changes WHERE id = NEW.id) BEGIN
    SELECT RAISE(ABORT, 'muster:already_exists');
END;
CREATE TRIGGER session_change_audience_is_immutable BEFORE UPDATE ON session_change_audience BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
CREATE TRIGGER session_change_audience_stays BEFORE DELETE ON session_change_audience BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
