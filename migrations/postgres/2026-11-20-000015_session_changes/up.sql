-- What became of published sessions, for those whom it concerns. How a session stood and stands is kept with the names of that time.
CREATE TABLE session_changes (
    id uuid NOT NULL PRIMARY KEY,
    session_id uuid NOT NULL,
    intake_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('moved', 'changed', 'cancelled')),
    before_values text NOT NULL,
    after_values text,
    successor text,
    reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 2000),
    user_id uuid REFERENCES users (id),
    created_at timestamptz NOT NULL,
    CHECK ((kind = 'cancelled') = (after_values IS NULL)),
    FOREIGN KEY (session_id, intake_id) REFERENCES sessions (id, intake_id)
);
CREATE INDEX session_changes_session ON session_changes (session_id, intake_id);
CREATE INDEX session_changes_intake ON session_changes (intake_id);
CREATE INDEX session_changes_user ON session_changes (user_id);

-- The instructors and cohorts of before and after, and the guests, by their enrollments. Who of a cohort is concerned is whoever is placed
-- in it at `starts_at`, when the session was or is to begin.
CREATE TABLE session_change_audience (
    kind text NOT NULL CHECK (kind IN ('instructor', 'cohort', 'guest')),
    resource_id uuid NOT NULL,
    change_id uuid NOT NULL REFERENCES session_changes (id),
    starts_at timestamptz NOT NULL,
    PRIMARY KEY (kind, resource_id, change_id, starts_at)
);
CREATE INDEX session_change_audience_change ON session_change_audience (change_id);

CREATE FUNCTION session_changes_are_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'muster:immutable';
END $$;
CREATE TRIGGER session_changes_are_immutable BEFORE UPDATE OR DELETE ON session_changes
    FOR EACH ROW EXECUTE FUNCTION session_changes_are_immutable();
CREATE TRIGGER session_change_audience_is_immutable BEFORE UPDATE OR DELETE ON session_change_audience
    FOR EACH ROW EXECUTE FUNCTION session_changes_are_immutable();
CREATE TRIGGER session_changes_are_not_truncated BEFORE TRUNCATE ON session_changes FOR EACH STATEMENT EXECUTE FUNCTION is_not_truncated();
CREATE TRIGGER session_change_audience_are_not_truncated BEFORE TRUNCATE ON session_change_audience FOR EACH STATEMENT EXECUTE FUNCTION is_not_truncated();
