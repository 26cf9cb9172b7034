-- From when to when each file says that somebody was in the meeting, or viewed the recording, of a session: as the meeting provider told
-- it, overlaps and all. What several files say is here several times, so that one can be taken back and the others still say it. The roll
-- call has what all of it comes to.
CREATE TABLE evidence (
    session_id uuid NOT NULL REFERENCES roll_calls (session_id),
    enrollment_id uuid NOT NULL,
    intake_id uuid NOT NULL,
    joined_at timestamptz NOT NULL,
    left_at timestamptz NOT NULL,
    import_id uuid NOT NULL REFERENCES imports (id),
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (session_id, enrollment_id, joined_at, left_at, import_id),
    CHECK (joined_at < left_at),
    FOREIGN KEY (session_id, intake_id) REFERENCES sessions (id, intake_id),
    FOREIGN KEY (intake_id, enrollment_id) REFERENCES enrollments (intake_id, id)
);
CREATE INDEX evidence_session ON evidence (session_id, intake_id);
CREATE INDEX evidence_enrollment ON evidence (intake_id, enrollment_id);
CREATE INDEX evidence_import ON evidence (import_id);

CREATE TRIGGER evidence_insert_while_open BEFORE INSERT ON evidence FOR EACH ROW EXECUTE FUNCTION guests_insert_while_open();
CREATE TRIGGER evidence_delete_while_open BEFORE DELETE ON evidence FOR EACH ROW EXECUTE FUNCTION guests_delete_while_open();
CREATE TRIGGER evidence_is_immutable BEFORE UPDATE ON evidence FOR EACH ROW EXECUTE FUNCTION guests_are_immutable();
CREATE TRIGGER evidence_is_not_truncated BEFORE TRUNCATE ON evidence FOR EACH STATEMENT EXECUTE FUNCTION is_not_truncated();
