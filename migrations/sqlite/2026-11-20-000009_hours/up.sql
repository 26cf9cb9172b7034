CREATE TABLE roll_calls (
    session_id BLOB NOT NULL PRIMARY KEY CHECK (length(session_id) = 16),
    intake_id BLOB NOT NULL CHECK (length(intake_id) = 16),
    state TEXT NOT NULL CHECK (state IN ('not_open', 'open', 'submitted', 'closed', 'reopened')),
    -- How often it was closed; entries name the closing that posted them.
    closings INTEGER NOT NULL DEFAULT 0 CHECK (closings >= 0),
    -- When the session was and how many minutes it had when it was last closed: what was posted stands by these until it is closed again.
    posted_starts_at INTEGER,
    posted_ends_at INTEGER,
    posted_minutes INTEGER CHECK (posted_minutes > 0),
    submitted_at INTEGER,
    closed_at INTEGER,
    -- Until when a correction may be asked for, as the intake said when it was closed.
    corrections_until INTEGER,
    reopen_reason TEXT CHECK (length(reopen_reason) BETWEEN 1 AND 2000),
    -- Why it did not close by itself, when last tried, and since when it is refused so; any change of the roll call clears it.
    close_refused_code TEXT CHECK (length(close_refused_code) BETWEEN 1 AND 100),
    close_refused_detail TEXT CHECK (length(close_refused_detail) BETWEEN 1 AND 2000),
    close_refused_at INTEGER,
    version INTEGER NOT NULL DEFAULT 1 CHECK (version > 0),
    CHECK ((state IN ('submitted', 'closed')) = (submitted_at IS NOT NULL)),
    CHECK ((state = 'closed') = (closed_at IS NOT NULL)),
    CHECK ((posted_minutes IS NULL) = (posted_starts_at IS NULL)),
    CHECK ((posted_minutes IS NULL) = (posted_ends_at IS NULL)),
    CHECK (state <> 'closed' OR posted_minutes IS NOT NULL),
    CHECK (state = 'closed' OR corrections_until IS NULL),
    CHECK (state <> 'reopened' OR reopen_reason IS NOT NULL),
    CHECK (close_refused_at IS NULL OR state = 'submitted'),
    CHECK ((close_refused_code IS NULL) = (close_refused_at IS NULL)),
    CHECK ((close_refused_detail IS NULL) = (close_refused_at IS NULL)),
    FOREIGN KEY (session_id, intake_id) REFERENCES sessions (id, intake_id) ON DELETE CASCADE
) STRICT;
-- Of an intake, so that its report reads these and no others, whatever else is stored.
CREATE INDEX roll_calls_intake ON roll_calls (intake_id, session_id);
-- Those that wait to be closed: few, however many were.
CREATE INDEX roll_calls_submitted ON roll_calls (submitted_at) WHERE state = 'submitted';

-- What a roll call found for one enrollment. `minutes` present; null means what the code says of the whole session.
CREATE TABLE attendances (
    session_id BLOB NOT NULL CHECK (length(session_id) = 16) REFERENCES roll_calls (session_id) ON DELETE CASCADE,
    enrollment_id BLOB NOT NULL CHECK (length(enrollment_id) = 16) REFERENCES enrollments (id),
    code TEXT NOT NULL CHECK (code IN ('present', 'late', 'left_early', 'absent', 'excused', 'exempt')),
    minutes INTEGER CHECK (minutes >= 0),
    mode TEXT CHECK (mode IN ('on_site', 'online')),
    note TEXT CHECK (length(note) BETWEEN 1 AND 2000),
    -- From when to when they were there, as intervals of ISO 8601; `minutes` is what that comes to.
    segments TEXT CHECK (length(segments) BETWEEN 1 AND 20000),
    -- Whether somebody called it or it is what files say; what somebody called, no file changes.
    source TEXT NOT NULL CHECK (source IN ('called', 'evidence')),
    -- How many of the minutes missed granted leave covered when the roll call was last closed; null if none.
    leave_minutes INTEGER CHECK (leave_minutes > 0),
    recorded_at INTEGER NOT NULL,
    PRIMARY KEY (session_id, enrollment_id),
    CHECK (segments IS NULL OR minutes IS NOT NULL),
    CHECK (source = 'called' OR segments IS NOT NULL)
) STRICT, WITHOUT ROWID;
CREATE INDEX attendances_enrollment ON attendances (enrollment_id);

-- Trainees of the intake who come to a session beside those who owe it, to make up one that they missed or will miss. They are called with
-- the class; what they attended is posted as made up of the missed session.
CREATE TABLE guests (
    session_id BLOB NOT NULL CHECK (length(session_id) = 16) REFERENCES roll_calls (session_id) ON DELETE CASCADE,
    enrollment_id BLOB NOT NULL CHECK (length(enrollment_id) = 16),
    missed_session_id BLOB NOT NULL CHECK (length(missed_session_id) = 16),
    intake_id BLOB NOT NULL CHECK (length(intake_id) = 16),
    note TEXT CHECK (length(note) BETWEEN 1 AND 2000),
    user_id BLOB CHECK (length(user_id) = 16) REFERENCES users (id),
    created_at INTEGER NOT NULL,
    PRIMARY KEY (session_id, enrollment_id),
    CHECK (missed_session_id <> session_id),
    FOREIGN KEY (session_id, intake_id) REFERENCES sessions (id, intake_id) ON DELETE CASCADE,
    FOREIGN KEY (missed_session_id, intake_id) REFERENCES sessions (id, intake_id),
    FOREIGN KEY (intake_id, enrollment_id) REFERENCES enrollments (intake_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX guests_enrollment ON guests (enrollment_id);
CREATE INDEX guests_session ON guests (session_id, intake_id);
CREATE INDEX guests_intake ON guests (intake_id, enrollment_id);
CREATE INDEX guests_missed_session ON guests (missed_session_id, intake_id);
CREATE INDEX guests_user ON guests (user_id);

-- Closed sessions with whose postings an enrollment's periods or leave do not agree, because they were recorded later and reach back over
-- them: not posted yet, posted and not owed after all, or missed within other leave. A coordinator settles each by reopening its roll call; nothing is posted by itself.
CREATE TABLE unsettled_sessions (
    intake_id BLOB NOT NULL CHECK (length(intake_id) = 16) REFERENCES intakes (id),
    enrollment_id BLOB NOT NULL CHECK (length(enrollment_id) = 16) REFERENCES enrollments (id) ON DELETE CASCADE,
    session_id BLOB NOT NULL CHECK (length(session_id) = 16) REFERENCES roll_calls (session_id),
    kind TEXT NOT NULL CHECK (kind IN ('unposted', 'not_owed', 'leave')),
    PRIMARY KEY (intake_id, enrollment_id, session_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX unsettled_sessions_enrollment ON unsettled_sessions (enrollment_id);
CREATE INDEX unsettled_sessions_session ON unsettled_sessions (session_id);

-- The ledger. A row is never updated or deleted; a correction is a reversal and a new entry.
CREATE TABLE hour_entries (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    enrollment_id BLOB NOT NULL CHECK (length(enrollment_id) = 16) REFERENCES enrollments (id),
    module_id BLOB NOT NULL CHECK (length(module_id) = 16) REFERENCES modules (id),
    session_id BLOB CHECK (length(session_id) = 16) REFERENCES sessions (id),
    kind TEXT NOT NULL CHECK (kind IN ('attended', 'authorized_absence', 'unauthorized_absence', 'exempt', 'make_up', 'adjustment', 'carried_in')),
    minutes INTEGER NOT NULL CHECK (minutes <> 0),
    closing INTEGER CHECK (closing > 0),
    reverses_id BLOB CHECK (length(reverses_id) = 16)UNIQUE REFERENCES hour_entries (id),
    origin_id BLOB CHECK (length(origin_id) = 16) REFERENCES hour_entries (id),
    -- The session that a guest attended; `session_id` is the missed one.
    made_up_in_id BLOB CHECK (length(made_up_in_id) = 16) REFERENCES sessions (id),
    -- The entries of one act share it.
    posting_id BLOB NOT NULL CHECK (length(posting_id) = 16),
    reason TEXT CHECK (length(reason) BETWEEN 1 AND 2000),
    user_id BLOB CHECK (length(user_id) = 16) REFERENCES users (id),
    recorded_at INTEGER NOT NULL,
    -- These four are what a closing posts, and nothing else is.
    CHECK ((kind IN ('attended', 'authorized_absence', 'unauthorized_absence', 'exempt')) = (closing IS NOT NULL)),
    CHECK (closing IS NULL OR session_id IS NOT NULL),
    CHECK ((kind = 'carried_in') = (origin_id IS NOT NULL)),
    CHECK ((kind = 'make_up') = (made_up_in_id IS NOT NULL)),
    CHECK (made_up_in_id IS NULL OR (session_id IS NOT NULL AND session_id <> made_up_in_id)),
    CHECK (kind <> 'adjustment' OR reason IS NOT NULL),
    CHECK (kind = 'adjustment' OR (minutes < 0) = (reverses_id IS NOT NULL))
) STRICT;
CREATE INDEX hour_entries_enrollment ON hour_entries (enrollment_id, recorded_at);
CREATE INDEX hour_entries_session ON hour_entries (session_id);
CREATE INDEX hour_entries_module ON hour_entries (module_id);
CREATE INDEX hour_entries_origin ON hour_entries (origin_id);
CREATE INDEX hour_entries_made_up_in ON hour_entries (made_up_in_id);
CREATE INDEX hour_entries_posting ON hour_entries (posting_id);
CREATE INDEX hour_entries_user ON hour_entries (user_id);

-- Which module somebody was present for before a transfer counts for which one since, and for how many minutes at most: what was planned of
-- it then. Amendments after it change nothing of what was carried. It was in the enrollment that they were transferred from, or in an
-- earlier one if that had no such module in its plan.
CREATE TABLE carried_modules (
    enrollment_id BLOB NOT NULL CHECK (length(enrollment_id) = 16) REFERENCES enrollments (id),
    from_enrollment_id BLOB NOT NULL CHECK (length(from_enrollment_id) = 16) REFERENCES enrollments (id) CHECK (from_enrollment_id <> enrollment_id),
    from_module_id BLOB NOT NULL CHECK (length(from_module_id) = 16) REFERENCES modules (id),
    module_id BLOB NOT NULL CHECK (length(module_id) = 16) REFERENCES modules (id),
    planned_minutes INTEGER NOT NULL CHECK (planned_minutes >= 0),
    PRIMARY KEY (enrollment_id, from_module_id),
    UNIQUE (enrollment_id, module_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX carried_modules_from_enrollment ON carried_modules (from_enrollment_id);
CREATE INDEX carried_modules_from_module ON carried_modules (from_module_id);
CREATE INDEX carried_modules_module ON carried_modules (module_id);

-- Sums of the ledger for an enrollment, written in the transaction that posts. 0 <= present <= expected is checked here.
CREATE TABLE hour_balances (
    enrollment_id BLOB NOT NULL PRIMARY KEY CHECK (length(enrollment_id) = 16),
    intake_id BLOB NOT NULL CHECK (length(intake_id) = 16),
    attended INTEGER NOT NULL CHECK (attended >= 0),
    authorized_absence INTEGER NOT NULL CHECK (authorized_absence >= 0),
    unauthorized_absence INTEGER NOT NULL CHECK (unauthorized_absence >= 0),
    exempt INTEGER NOT NULL CHECK (exempt >= 0),
    make_up INTEGER NOT NULL CHECK (make_up >= 0),
    adjustment INTEGER NOT NULL,
    carried_in INTEGER NOT NULL CHECK (carried_in >= 0),
    CHECK (attended + make_up + adjustment >= 0),
    CHECK (make_up + adjustment <= authorized_absence + unauthorized_absence),
    FOREIGN KEY (intake_id, enrollment_id) REFERENCES enrollments (intake_id, id)
) STRICT;
CREATE INDEX hour_balances_intake ON hour_balances (intake_id, enrollment_id);

CREATE TABLE module_hour_balances (
    enrollment_id BLOB NOT NULL CHECK (length(enrollment_id) = 16) REFERENCES enrollments (id),
    module_id BLOB NOT NULL CHECK (length(module_id) = 16) REFERENCES modules (id),
    attended INTEGER NOT NULL CHECK (attended >= 0),
    authorized_absence INTEGER NOT NULL CHECK (authorized_absence >= 0),
    unauthorized_absence INTEGER NOT NULL CHECK (unauthorized_absence >= 0),
    exempt INTEGER NOT NULL CHECK (exempt >= 0),
    make_up INTEGER NOT NULL CHECK (make_up >= 0),
    adjustment INTEGER NOT NULL,
    carried_in INTEGER NOT NULL CHECK (carried_in >= 0),
    PRIMARY KEY (enrollment_id, module_id),
    CHECK (attended + make_up + adjustment >= 0),
    CHECK (make_up + adjustment <= authorized_absence + unauthorized_absence)
) STRICT, WITHOUT ROWID;
CREATE INDEX module_hour_balances_module ON module_hour_balances (module_id);

-- Each close counts, and nothing else does. What is closed changes only by being reopened.
CREATE TRIGGER roll_calls_steps BEFORE UPDATE ON roll_calls
WHEN NEW.session_id <> OLD.session_id OR (NEW.state = 'closed' AND OLD.state = 'closed')
    OR NEW.closings <> OLD.closings + (CASE WHEN NEW.state = 'closed' THEN 1 ELSE 0 END)
    OR (NEW.state <> 'closed' AND (NEW.posted_minutes, NEW.posted_starts_at, NEW.posted_ends_at) IS NOT
        (OLD.posted_minutes, OLD.posted_starts_at, OLD.posted_ends_at))
    OR (NEW.state <> OLD.state AND (OLD.state || '>' || NEW.state) NOT IN
    ('not_open>open', 'open>submitted', 'open>closed', 'submitted>closed', 'closed>reopened', 'reopened>submitted', 'reopened>closed')) BEGIN
    SELECT RAISE(ABORT, 'muster:illegal_transition');
END;
CREATE TRIGGER roll_calls_begin_not_open BEFORE INSERT ON roll_calls WHEN NEW.state <> 'not_open' OR NEW.closings <> 0 BEGIN
    SELECT RAISE(ABORT, 'muster:illegal_transition');
END;
CREATE TRIGGER roll_calls_close_after_held BEFORE UPDATE ON roll_calls
WHEN NEW.state = 'closed' AND OLD.state <> 'closed' AND NOT EXISTS (SELECT 1 FROM sessions WHERE id = NEW.session_id AND state = 'held'
    AND held_minutes = NEW.posted_minutes AND held_starts_at = NEW.posted_starts_at AND held_ends_at = NEW.posted_ends_at) BEGIN
    SELECT RAISE(ABORT, 'muster:session_not_held');
END;
-- What was called is taken back line by line, in the journal.
CREATE TRIGGER roll_calls_stay BEFORE DELETE ON roll_calls
WHEN OLD.closings > 0 OR EXISTS (SELECT 1 FROM attendances WHERE session_id = OLD.session_id)
    OR EXISTS (SELECT 1 FROM guests WHERE session_id = OLD.session_id) BEGIN
    SELECT RAISE(ABORT, 'muster:roll_call_closed');
END;
CREATE TRIGGER roll_calls_are_not_replaced BEFORE INSERT ON roll_calls
WHEN EXISTS (SELECT 1 FROM roll_calls WHERE session_id = NEW.session_id AND closings > 0) BEGIN
    SELECT RAISE(ABORT, 'muster:already_exists');
END;
CREATE TRIGGER attendances_insert_while_open BEFORE INSERT ON attendances
WHEN (SELECT state FROM roll_calls WHERE session_id = NEW.session_id) = 'closed' BEGIN
    SELECT RAISE(ABORT, 'muster:roll_call_closed');
END;
CREATE TRIGGER attendances_update_while_open BEFORE UPDATE ON attendances
WHEN (SELECT state FROM roll_calls WHERE session_id = OLD.session_id) = 'closed'
    OR (SELECT state FROM roll_calls WHERE session_id = NEW.session_id) = 'closed' BEGIN
    SELECT RAISE(ABORT, 'muster:roll_call_closed');
END;
CREATE TRIGGER attendances_delete_while_open BEFORE DELETE ON attendances
WHEN (SELECT state FROM roll_calls WHERE session_id = OLD.session_id) = 'closed' BEGIN
    SELECT RAISE(ABORT, 'muster:roll_call_closed');
END;
CREATE TRIGGER guests_insert_while_open BEFORE INSERT ON guests
WHEN (SELECT state FROM roll_calls WHERE session_id = NEW.session_id) = 'closed' BEGIN
    SELECT RAISE(ABORT, 'muster:roll_call_closed');
END;
CREATE TRIGGER guests_delete_while_open BEFORE DELETE ON guests
WHEN (SELECT state FROM roll_calls WHERE session_id = OLD.session_id) = 'closed' BEGIN
    SELECT RAISE(ABORT, 'muster:roll_call_closed');
END;
CREATE TRIGGER guests_are_immutable BEFORE UPDATE ON guests BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
CREATE TRIGGER guests_are_not_replaced BEFORE INSERT ON guests
WHEN EXISTS (SELECT 1 FROM guests WHERE session_id = NEW.session_id AND enrollment_id = NEW.enrollment_id) BEGIN
    SELECT RAISE(ABORT, 'muster:already_exists');
END;
CREATE TRIGGER hour_entries_are_immutable BEFORE UPDATE ON hour_entries BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
CREATE TRIGGER hour_entries_stay BEFORE DELETE ON hour_entries BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
CREATE TRIGGER hour_entries_are_not_replaced BEFORE INSERT ON hour_entries
WHEN EXISTS (SELECT 1 FROM hour_entries WHERE id = NEW.id OR reverses_id = NEW.reverses_id) BEGIN
    SELECT RAISE(ABORT, 'muster:already_exists');
END;
CREATE TRIGGER hour_entries_reverse_exactly BEFORE INSERT ON hour_entries
WHEN NEW.reverses_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM hour_entries e WHERE e.id = NEW.reverses_id AND e.reverses_id IS NULL
    AND e.enrollment_id = NEW.enrollment_id AND e.module_id = NEW.module_id AND e.session_id IS NEW.session_id
    AND e.made_up_in_id IS NEW.made_up_in_id AND e.origin_id IS NEW.origin_id AND e.kind = NEW.kind AND e.minutes = -NEW.minutes) BEGIN
    SELECT RAISE(ABORT, 'muster:reversal_differs');
END;
CREATE TRIGGER carried_modules_are_immutable BEFORE UPDATE ON carried_modules BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
CREATE TRIGGER carried_modules_stay BEFORE DELETE ON carried_modules BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
CREATE TRIGGER carried_modules_are_not_replaced BEFORE INSERT ON carried_modules
WHEN EXISTS (SELECT 1 FROM carried_modules WHERE enrollment_id = NEW.enrollment_id
    AND (from_module_id = NEW.from_module_id OR module_id = NEW.module_id)) BEGIN
    SELECT RAISE(ABORT, 'muster:already_exists');
END;
CREATE TRIGGER carried_modules_are_of_one_person BEFORE INSERT ON carried_modules
WHEN NOT EXISTS (SELECT 1 FROM enrollments f JOIN enrollments t ON t.person_id = f.person_id
    WHERE f.id = NEW.from_enrollment_id AND f.state = 'transferred' AND t.id = NEW.enrollment_id AND t.transferred_from_id IS NOT NULL) BEGIN
    SELECT RAISE(ABORT, 'muster:carried_differs');
END;

-- What is carried is carried once, to where the person went on, from what stands and counts as present, and is no more than that.
CREATE TRIGGER hour_entries_carry_exactly BEFORE INSERT ON hour_entries
WHEN NEW.kind = 'carried_in' AND NEW.reverses_id IS NULL AND NOT EXISTS (SELECT 1 FROM hour_entries o
    WHERE o.id = NEW.origin_id AND o.reverses_id IS NULL AND o.minutes >= NEW.minutes
        AND EXISTS (SELECT 1 FROM carried_modules m
                WHERE m.enrollment_id = NEW.enrollment_id AND m.from_enrollment_id = o.enrollment_id AND m.from_module_id = o.module_id
                    AND m.module_id = NEW.module_id)
            AND o.kind IN ('attended', 'make_up', 'adjustment', 'carried_in')
        AND NOT EXISTS (SELECT 1 FROM hour_entries r WHERE r.reverses_id = o.id)
        AND NOT EXISTS (SELECT 1 FROM hour_entries c WHERE c.origin_id = o.id AND c.reverses_id IS NULL
            AND NOT EXISTS (SELECT 1 FROM hour_entries r WHERE r.reverses_id = c.id))) BEGIN
    SELECT RAISE(ABORT, 'muster:carried_differs');
END;

-- Who has hours or was called in a roll call stays enrolled, with the periods and steps that say where they stood. Undoing an import
-- removes others.
CREATE TRIGGER enrollments_with_hours_stay BEFORE DELETE ON enrollments
WHEN EXISTS (SELECT 1 FROM hour_entries WHERE enrollment_id = OLD.id) OR EXISTS (SELECT 1 FROM attendances WHERE enrollment_id = OLD.id) BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
CREATE TRIGGER enrollment_periods_with_hours_stay BEFORE DELETE ON enrollment_periods
WHEN EXISTS (SELECT 1 FROM hour_entries WHERE enrollment_id = OLD.enrollment_id) OR EXISTS (SELECT 1 FROM attendances WHERE enrollment_id = OLD.enrollment_id) BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
CREATE TRIGGER enrollment_steps_with_hours_stay BEFORE DELETE ON enrollment_steps
WHEN EXISTS (SELECT 1 FROM hour_entries WHERE enrollment_id = OLD.enrollment_id) OR EXISTS (SELECT 1 FROM attendances WHERE enrollment_id = OLD.enrollment_id) BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
CREATE TRIGGER enrollments_with_hours_keep_whose_they_are BEFORE UPDATE OF person_id, intake_id, discipline_id, sponsor_id, unit_id ON enrollments
WHEN (NEW.person_id <> OLD.person_id OR NEW.intake_id <> OLD.intake_id OR NEW.discipline_id <> OLD.discipline_id
        OR NEW.sponsor_id <> OLD.sponsor_id OR NEW.unit_id <> OLD.unit_id)
    AND EXISTS (SELECT 1 FROM hour_entries WHERE enrollment_id = OLD.id) BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
-- Where somebody with hours stood from when on is only ever ended, and goes on from there. That a step says so is left to verify.
CREATE TRIGGER enrollment_periods_with_hours_are_only_ended BEFORE UPDATE ON enrollment_periods
WHEN (NEW.enrollment_id <> OLD.enrollment_id OR NEW.cohort_id IS NOT OLD.cohort_id OR NEW.state <> OLD.state OR NEW.from_at <> OLD.from_at
        OR NEW.recorded_at <> OLD.recorded_at OR (OLD.until_at IS NOT NULL AND NEW.until_at IS NOT OLD.until_at))
    AND EXISTS (SELECT 1 FROM hour_entries WHERE enrollment_id IN (OLD.enrollment_id, NEW.enrollment_id)) BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
CREATE TRIGGER enrollment_periods_with_hours_follow BEFORE INSERT ON enrollment_periods
WHEN EXISTS (SELECT 1 FROM hour_entries WHERE enrollment_id = NEW.enrollment_id)
    AND NOT EXISTS (SELECT 1 FROM enrollment_periods WHERE enrollment_id = NEW.enrollment_id AND until_at = NEW.from_at) BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;

-- The sums of what was posted stay, each under its key.
CREATE TRIGGER hour_balances_keep_their_key BEFORE UPDATE OF enrollment_id, intake_id ON hour_balances
WHEN NEW.enrollment_id <> OLD.enrollment_id OR NEW.intake_id <> OLD.intake_id BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
CREATE TRIGGER module_hour_balances_keep_their_key BEFORE UPDATE OF enrollment_id, module_id ON module_hour_balances
WHEN NEW.enrollment_id <> OLD.enrollment_id OR NEW.module_id <> OLD.module_id BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
-- OR REPLACE would delete the row in the way without a word.
CREATE TRIGGER hour_balances_are_not_replaced BEFORE INSERT ON hour_balances
WHEN EXISTS (SELECT 1 FROM hour_balances WHERE enrollment_id = NEW.enrollment_id AND intake_id <> NEW.intake_id) BEGIN
    SELECT RAISE(ABORT, 'muster:already_exists');
END;
CREATE TRIGGER hour_balances_with_hours_stay BEFORE DELETE ON hour_balances
WHEN EXISTS (SELECT 1 FROM hour_entries WHERE enrollment_id = OLD.enrollment_id) BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
CREATE TRIGGER module_hour_balances_with_hours_stay BEFORE DELETE ON module_hour_balances
WHEN EXISTS (SELECT 1 FROM hour_entries WHERE enrollment_id = OLD.enrollment_id AND module_id = OLD.module_id) BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
