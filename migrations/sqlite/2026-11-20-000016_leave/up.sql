-- Leave that was asked for, for one enrollment or for a crew of a sponsor, from when to when (half-open).
CREATE TABLE leave_requests (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    intake_id BLOB NOT NULL CHECK (length(intake_id) = 16) REFERENCES intakes (id),
    kind TEXT NOT NULL CHECK (kind IN ('sick', 'personal', 'work', 'other')),
    -- Of a crew: whose it is, and its code. Who was in it then stands in leave_enrollments.
    sponsor_id BLOB CHECK (length(sponsor_id) = 16) REFERENCES organizations (id),
    crew TEXT CHECK (length(crew) BETWEEN 1 AND 64),
    starts_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL,
    reason TEXT NOT NULL CHECK (length(reason) BETWEEN 1 AND 2000),
    state TEXT NOT NULL CHECK (state IN ('asked', 'endorsed', 'granted', 'refused', 'withdrawn')),
    -- Who asked.
    user_id BLOB CHECK (length(user_id) = 16) REFERENCES users (id),
    version INTEGER NOT NULL DEFAULT 1 CHECK (version > 0),
    created_at INTEGER NOT NULL,
    UNIQUE (id, intake_id),
    CHECK (ends_at > starts_at),
    CHECK ((crew IS NULL) = (sponsor_id IS NULL))
) STRICT;
CREATE INDEX leave_requests_intake ON leave_requests (intake_id, starts_at);
CREATE INDEX leave_requests_sponsor ON leave_requests (sponsor_id);
CREATE INDEX leave_requests_user ON leave_requests (user_id);

-- For whom, as it was when leave was asked for.
CREATE TABLE leave_enrollments (
    leave_request_id BLOB NOT NULL CHECK (length(leave_request_id) = 16),
    enrollment_id BLOB NOT NULL CHECK (length(enrollment_id) = 16),
    intake_id BLOB NOT NULL CHECK (length(intake_id) = 16),
    PRIMARY KEY (leave_request_id, enrollment_id),
    FOREIGN KEY (leave_request_id, intake_id) REFERENCES leave_requests (id, intake_id),
    FOREIGN KEY (intake_id, enrollment_id) REFERENCES enrollments (intake_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX leave_enrollments_request ON leave_enrollments (leave_request_id, intake_id);
CREATE INDEX leave_enrollments_enrollment ON leave_enrollments (enrollment_id);
CREATE INDEX leave_enrollments_intake ON leave_enrollments (intake_id, enrollment_id);

-- Every step of a request, kept for ever. It comes to each state once at most.
CREATE TABLE leave_steps (
    leave_request_id BLOB NOT NULL CHECK (length(leave_request_id) = 16) REFERENCES leave_requests (id),
    to_state TEXT NOT NULL,
    from_state TEXT,
    reason TEXT CHECK (length(reason) BETWEEN 1 AND 2000),
    role TEXT NOT NULL,
    user_id BLOB CHECK (length(user_id) = 16) REFERENCES users (id),
    recorded_at INTEGER NOT NULL,
    PRIMARY KEY (leave_request_id, to_state),
    CHECK (coalesce(from_state, '') || '>' || to_state IN ('>asked', 'asked>endorsed', 'asked>granted', 'endorsed>granted', 'asked>refused',
        'endorsed>refused', 'asked>withdrawn', 'endorsed>withdrawn', 'granted>withdrawn')),
    CHECK (reason IS NOT NULL OR (to_state <> 'refused' AND coalesce(from_state, '') <> 'granted'))
) STRICT, WITHOUT ROWID;
CREATE INDEX leave_steps_user ON leave_steps (user_id);

CREATE TRIGGER leave_requests_begin_as_asked BEFORE INSERT ON leave_requests WHEN NEW.state <> 'asked' BEGIN
    SELECT RAISE(ABORT, 'muster:illegal_transition');
END;
CREATE TRIGGER leave_requests_steps BEFORE UPDATE ON leave_requests
WHEN OLD.state || '>' || NEW.state NOT IN ('asked>endorsed', 'asked>granted', 'endorsed>granted', 'asked>refused', 'endorsed>refused',
    'asked>withdrawn', 'endorsed>withdrawn', 'granted>withdrawn') BEGIN
    SELECT RAISE(ABORT, 'muster:illegal_transition');
END;
-- What was asked for stays; another span or another reason is another request.
CREATE TRIGGER leave_requests_are_fixed BEFORE UPDATE ON leave_requests
WHEN NEW.id <> OLD.id OR NEW.intake_id <> OLD.intake_id OR NEW.kind <> OLD.kind OR NEW.sponsor_id IS NOT OLD.sponsor_id
    OR NEW.crew IS NOT OLD.crew OR NEW.starts_at <> OLD.starts_at OR NEW.ends_at <> OLD.ends_at OR NEW.reason <> OLD.reason
    OR NEW.user_id IS NOT OLD.user_id OR NEW.created_at <> OLD.created_at BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
CREATE TRIGGER leave_requests_stay BEFORE DELETE ON leave_requests BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
CREATE TRIGGER leave_requests_are_not_replaced BEFORE INSERT ON leave_requests
WHEN EXISTS (SELECT 1 FROM leave_requests WHERE id = NEW.id) BEGIN
    SELECT RAISE(ABORT, 'muster:already_exists');
END;
-- Nobody is added to a request after it was made.
CREATE TRIGGER leave_enrollments_insert_first BEFORE INSERT ON leave_enrollments
WHEN EXISTS (SELECT 1 FROM leave_steps WHERE leave_request_id = NEW.leave_request_id) BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
-- A crew is one sponsor's.
CREATE TRIGGER leave_enrollments_of_its_sponsor BEFORE INSERT ON leave_enrollments
WHEN EXISTS (SELECT 1 FROM leave_requests r JOIN enrollments e ON e.id = NEW.enrollment_id
    WHERE r.id = NEW.leave_request_id AND r.sponsor_id <> e.sponsor_id) BEGIN
    SELECT RAISE(ABORT, 'muster:of_another_sponsor');
END;
CREATE TRIGGER leave_enrollments_are_immutable BEFORE UPDATE ON leave_enrollments BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
CREATE TRIGGER leave_enrollments_stay BEFORE DELETE ON leave_enrollments BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
-- A step is told once the request has taken it.
CREATE TRIGGER leave_steps_insert_as_taken BEFORE INSERT ON leave_steps
WHEN NEW.to_state IS NOT (SELECT state FROM leave_requests WHERE id = NEW.leave_request_id) BEGIN
    SELECT RAISE(ABORT, 'muster:illegal_transition');
END;
CREATE TRIGGER leave_steps_are_not_replaced BEFORE INSERT ON leave_steps
WHEN EXISTS (SELECT 1 FROM leave_steps WHERE leave_request_id = NEW.leave_request_id AND to_state = NEW.to_state) BEGIN
    SELECT RAISE(ABORT, 'muster:already_exists');
END;
CREATE TRIGGER leave_steps_are_immutable BEFORE UPDATE ON leave_steps BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
CREATE TRIGGER leave_steps_stay BEFORE DELETE ON leave_steps BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;

-- What somebody asks a closed roll call to say of an enrollment instead.
CREATE TABLE correction_requests (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    session_id BLOB NOT NULL CHECK (length(session_id) = 16),
    enrollment_id BLOB NOT NULL CHECK (length(enrollment_id) = 16),
    intake_id BLOB NOT NULL CHECK (length(intake_id) = 16),
    code TEXT NOT NULL CHECK (code IN ('present', 'late', 'left_early', 'absent', 'excused', 'exempt')),
    minutes INTEGER CHECK (minutes >= 0),
    segments TEXT CHECK (length(segments) BETWEEN 1 AND 20000),
    statement TEXT NOT NULL CHECK (length(statement) BETWEEN 1 AND 2000),
    state TEXT NOT NULL CHECK (state IN ('asked', 'accepted', 'refused', 'withdrawn')),
    -- Who asked, and in which role.
    role TEXT NOT NULL,
    user_id BLOB CHECK (length(user_id) = 16) REFERENCES users (id),
    -- Who accepted, refused or withdrew it, when, and why.
    decided_by BLOB CHECK (length(decided_by) = 16) REFERENCES users (id),
    decided_at INTEGER,
    reason TEXT CHECK (length(reason) BETWEEN 1 AND 2000),
    version INTEGER NOT NULL DEFAULT 1 CHECK (version > 0),
    created_at INTEGER NOT NULL,
    CHECK (segments IS NULL OR minutes IS NOT NULL),
    CHECK ((state = 'asked') = (decided_at IS NULL)),
    CHECK (state <> 'asked' OR (decided_by IS NULL AND reason IS NULL)),
    CHECK (state <> 'refused' OR reason IS NOT NULL),
    FOREIGN KEY (session_id, intake_id) REFERENCES sessions (id, intake_id),
    FOREIGN KEY (intake_id, enrollment_id) REFERENCES enrollments (intake_id, id)
) STRICT;
CREATE INDEX correction_requests_session ON correction_requests (session_id, intake_id);
CREATE INDEX correction_requests_intake ON correction_requests (intake_id, enrollment_id);
CREATE INDEX correction_requests_enrollment ON correction_requests (enrollment_id);
CREATE INDEX correction_requests_user ON correction_requests (user_id);
CREATE INDEX correction_requests_decided_by ON correction_requests (decided_by);
-- One that waits for each line.
CREATE UNIQUE INDEX correction_requests_one_open ON correction_requests (session_id, enrollment_id) WHERE state = 'asked';

CREATE TRIGGER correction_requests_begin_as_asked BEFORE INSERT ON correction_requests WHEN NEW.state <> 'asked' BEGIN
    SELECT RAISE(ABORT, 'muster:illegal_transition');
END;
-- What is to be corrected is a line of a closed roll call.
CREATE TRIGGER correction_requests_of_a_closed_line BEFORE INSERT ON correction_requests
WHEN NOT EXISTS (SELECT 1 FROM roll_calls r JOIN attendances a ON a.session_id = r.session_id
    WHERE r.session_id = NEW.session_id AND r.state = 'closed' AND a.enrollment_id = NEW.enrollment_id) BEGIN
    SELECT RAISE(ABORT, 'muster:roll_call_not_closed');
END;
CREATE TRIGGER correction_requests_are_decided_once BEFORE UPDATE ON correction_requests WHEN OLD.state <> 'asked' OR NEW.state = 'asked' BEGIN
    SELECT RAISE(ABORT, 'muster:illegal_transition');
END;
CREATE TRIGGER correction_requests_are_fixed BEFORE UPDATE ON correction_requests
WHEN NEW.id <> OLD.id OR NEW.session_id <> OLD.session_id OR NEW.enrollment_id <> OLD.enrollment_id OR NEW.intake_id <> OLD.intake_id
    OR NEW.code <> OLD.code OR NEW.minutes IS NOT OLD.minutes OR NEW.segments IS NOT OLD.segments OR NEW.statement <> OLD.statement
    OR NEW.role <> OLD.role OR NEW.user_id IS NOT OLD.user_id OR NEW.created_at <> OLD.created_at BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
CREATE TRIGGER correction_requests_stay BEFORE DELETE ON correction_requests BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
CREATE TRIGGER correction_requests_are_not_replaced BEFORE INSERT ON correction_requests
WHEN EXISTS (SELECT 1 FROM correction_requests WHERE id = NEW.id
    OR (session_id = NEW.session_id AND enrollment_id = NEW.enrollment_id AND state = 'asked')) BEGIN
    SELECT RAISE(ABORT, 'muster:already_exists');
END;
