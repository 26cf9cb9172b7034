-- From when to when each file says that somebody was in the meeting, or viewed the recording, of a session: as the meeting provider told
-- it, overlaps and all. What several files say is here several times, so that one can be taken back and the others still say it. The roll
-- call has what all of it comes to.
CREATE TABLE evidence (
    session_id BLOB NOT NULL CHECK (length(session_id) = 16) REFERENCES roll_calls (session_id),
    enrollment_id BLOB NOT NULL CHECK (length(enrollment_id) = 16),
    intake_id BLOB NOT NULL CHECK (length(intake_id) = 16),
    joined_at INTEGER NOT NULL,
    left_at INTEGER NOT NULL,
    import_id BLOB NOT NULL CHECK (length(import_id) = 16) REFERENCES imports (id),
    recorded_at INTEGER NOT NULL,
    PRIMARY KEY (session_id, enrollment_id, joined_at, left_at, import_id),
    CHECK (joined_at < left_at),
    FOREIGN KEY (session_id, intake_id) REFERENCES sessions (id, intake_id),
    FOREIGN KEY (intake_id, enrollment_id) REFERENCES enrollments (intake_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX evidence_session ON evidence (session_id, intake_id);
CREATE INDEX evidence_enrollment ON evidence (intake_id, enrollment_id);
CREATE INDEX evidence_import ON evidence (import_id);

CREATE TRIGGER evidence_insert_while_open BEFORE INSERT ON evidence
WHEN (SELECT state FROM roll_calls WHERE session_id = NEW.session_id) = 'closed' BEGIN
    SELECT RAISE(ABORT, 'muster:roll_call_closed');
END;
CREATE TRIGGER evidence_delete_while_open BEFORE DELETE ON evidence
WHEN (SELECT state FROM roll_calls WHERE session_id = OLD.session_id) = 'closed' BEGIN
    SELECT RAISE(ABORT, 'muster:roll_call_closed');
END;
CREATE TRIGGER evidence_is_immutable BEFORE UPDATE ON evidence BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
CREATE TRIGGER evidence_is_not_replaced BEFORE INSERT ON evidence
WHEN EXISTS (SELECT 1 FROM evidence WHERE session_id = NEW.session_id AND enrollment_id = NEW.enrollment_id
    AND joined_at = NEW.joined_at AND left_at = NEW.left_at AND import_id = NEW.import_id) BEGIN
    SELECT RAISE(ABORT, 'muster:already_exists');
END;
