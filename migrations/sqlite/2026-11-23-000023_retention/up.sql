-- Whose data is kept for a while only: from when on nobody changes the person any more, until which day that is, and when it was erased.
ALTER TABLE people ADD COLUMN restricted_at INTEGER;
ALTER TABLE people ADD COLUMN retained_until TEXT CHECK (date(retained_until) IS retained_until)
    CHECK ((retained_until IS NULL) = (restricted_at IS NULL));
ALTER TABLE people ADD COLUMN erased_at INTEGER CHECK (erased_at IS NULL OR restricted_at IS NOT NULL);
-- Those who wait to be erased: few, however many people there are.
CREATE INDEX people_retained ON people (retained_until) WHERE restricted_at IS NOT NULL AND erased_at IS NULL;

-- Who was erased, under the id of the entry that the journal has of it. That is written behind all else, so that an erasure is under way
-- until then and over from then on.
CREATE TABLE erasures (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    person_id BLOB NOT NULL CHECK (length(person_id) = 16) UNIQUE REFERENCES people (id),
    created_at INTEGER NOT NULL
) STRICT;

-- The entries of the journal that an erasure left without their payload.
CREATE TABLE erased_payloads (
    entry_id BLOB NOT NULL PRIMARY KEY CHECK (length(entry_id) = 16) REFERENCES journal_entries (id),
    erasure_id BLOB NOT NULL CHECK (length(erasure_id) = 16) REFERENCES erasures (id)
) STRICT, WITHOUT ROWID;
CREATE INDEX erased_payloads_erasure ON erased_payloads (erasure_id);

-- The imports that an erasure left without what they found, so that they cannot be taken back any more.
CREATE TABLE erased_imports (
    import_id BLOB NOT NULL PRIMARY KEY CHECK (length(import_id) = 16) REFERENCES imports (id),
    erasure_id BLOB NOT NULL CHECK (length(erasure_id) = 16) REFERENCES erasures (id)
) STRICT, WITHOUT ROWID;
CREATE INDEX erased_imports_erasure ON erased_imports (erasure_id);

-- What is being erased right now. Triggers that hold everybody else back look here, and let through what takes a text away.
CREATE VIEW erasing AS SELECT e.id, e.person_id FROM erasures e WHERE NOT EXISTS (SELECT 1 FROM journal_entries j WHERE j.id = e.id);
CREATE VIEW erasing_enrollments AS SELECT n.id FROM enrollments n WHERE n.person_id IN (SELECT person_id FROM erasing);

CREATE TRIGGER erasures_of_the_restricted BEFORE INSERT ON erasures
WHEN NOT EXISTS (SELECT 1 FROM people WHERE id = NEW.person_id AND restricted_at IS NOT NULL AND erased_at IS NULL)
    OR EXISTS (SELECT 1 FROM journal_entries WHERE id = NEW.id) BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
CREATE TRIGGER erasures_are_immutable BEFORE UPDATE ON erasures BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
CREATE TRIGGER erasures_stay BEFORE DELETE ON erasures BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
CREATE TRIGGER erasures_are_not_replaced BEFORE INSERT ON erasures
WHEN EXISTS (SELECT 1 FROM erasures WHERE id = NEW.id OR person_id = NEW.person_id) BEGIN
    SELECT RAISE(ABORT, 'muster:already_exists');
END;
CREATE TRIGGER erased_payloads_while_erasing BEFORE INSERT ON erased_payloads
WHEN NOT EXISTS (SELECT 1 FROM erasing WHERE id = NEW.erasure_id) BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
CREATE TRIGGER erased_payloads_are_immutable BEFORE UPDATE ON erased_payloads BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
CREATE TRIGGER erased_payloads_stay BEFORE DELETE ON erased_payloads BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
CREATE TRIGGER erased_payloads_are_not_replaced BEFORE INSERT ON erased_payloads
WHEN EXISTS (SELECT 1 FROM erased_payloads WHERE entry_id = NEW.entry_id) BEGIN
    SELECT RAISE(ABORT, 'muster:already_exists');
END;
CREATE TRIGGER erased_imports_while_erasing BEFORE INSERT ON erased_imports
WHEN NOT EXISTS (SELECT 1 FROM erasing WHERE id = NEW.erasure_id) BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
CREATE TRIGGER erased_imports_are_immutable BEFORE UPDATE ON erased_imports BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
CREATE TRIGGER erased_imports_stay BEFORE DELETE ON erased_imports BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
CREATE TRIGGER erased_imports_are_not_replaced BEFORE INSERT ON erased_imports
WHEN EXISTS (SELECT 1 FROM erased_imports WHERE import_id = NEW.import_id) BEGIN
    SELECT RAISE(ABORT, 'muster:already_exists');
END;

-- Of whoever is restricted nothing changes but the day, and all at once when they are erased. Whoever has been erased stays so.
CREATE TRIGGER people_restricted_stay BEFORE UPDATE ON people
WHEN OLD.restricted_at IS NOT NULL AND (OLD.erased_at IS NOT NULL
    OR (NEW.id, NEW.provider_id, NEW.trainee, NEW.instructor, NEW.created_at, NEW.restricted_at)
        IS NOT (OLD.id, OLD.provider_id, OLD.trainee, OLD.instructor, OLD.created_at, OLD.restricted_at)
    OR (NEW.erased_at IS NULL AND (NEW.name, NEW.latin_name, NEW.phone, NEW.email) IS NOT (OLD.name, OLD.latin_name, OLD.phone, OLD.email))) BEGIN
    SELECT RAISE(ABORT, 'muster:person_restricted');
END;
CREATE TRIGGER people_are_erased_whole BEFORE UPDATE ON people
WHEN NEW.erased_at IS NOT NULL AND ((NEW.name, NEW.phone, NEW.email, NEW.retained_until) IS NOT ('已删除', NULL, NULL, OLD.retained_until)
    OR NEW.id NOT IN (SELECT person_id FROM erasing)) BEGIN
    SELECT RAISE(ABORT, 'muster:person_restricted');
END;
CREATE TRIGGER people_restricted_are_not_deleted BEFORE DELETE ON people WHEN OLD.restricted_at IS NOT NULL BEGIN
    SELECT RAISE(ABORT, 'muster:person_restricted');
END;
CREATE TRIGGER people_restricted_are_not_replaced BEFORE INSERT ON people
WHEN EXISTS (SELECT 1 FROM people WHERE id = NEW.id AND restricted_at IS NOT NULL) OR NEW.erased_at IS NOT NULL BEGIN
    SELECT RAISE(ABORT, 'muster:person_restricted');
END;

-- Nothing is begun with them either.
CREATE TRIGGER affiliations_insert_unrestricted BEFORE INSERT ON affiliations
WHEN (SELECT restricted_at FROM people WHERE id = NEW.person_id) IS NOT NULL
    OR EXISTS (SELECT 1 FROM affiliations a JOIN people p ON p.id = a.person_id WHERE a.id = NEW.id AND p.restricted_at IS NOT NULL) BEGIN
    SELECT RAISE(ABORT, 'muster:person_restricted');
END;
CREATE TRIGGER affiliations_update_unrestricted BEFORE UPDATE ON affiliations
WHEN EXISTS (SELECT 1 FROM people WHERE id IN (OLD.person_id, NEW.person_id) AND restricted_at IS NOT NULL)
    AND ((NEW.id, NEW.person_id, NEW.organization_id, NEW.unit_id, NEW.kind, NEW.employee_number, NEW.title, NEW.from_date, NEW.until_date)
        IS NOT (OLD.id, OLD.person_id, OLD.organization_id, OLD.unit_id, OLD.kind, NULL, NULL, OLD.from_date, OLD.until_date)
        OR OLD.person_id NOT IN (SELECT person_id FROM erasing)) BEGIN
    SELECT RAISE(ABORT, 'muster:person_restricted');
END;
CREATE TRIGGER affiliations_delete_unrestricted BEFORE DELETE ON affiliations
WHEN (SELECT restricted_at FROM people WHERE id = OLD.person_id) IS NOT NULL BEGIN
    SELECT RAISE(ABORT, 'muster:person_restricted');
END;
CREATE TRIGGER enrollments_insert_unrestricted BEFORE INSERT ON enrollments
WHEN (SELECT restricted_at FROM people WHERE id = NEW.person_id) IS NOT NULL BEGIN
    SELECT RAISE(ABORT, 'muster:person_restricted');
END;
CREATE TRIGGER enrollments_update_unrestricted BEFORE UPDATE OF person_id ON enrollments
WHEN NEW.person_id <> OLD.person_id AND (SELECT restricted_at FROM people WHERE id = NEW.person_id) IS NOT NULL BEGIN
    SELECT RAISE(ABORT, 'muster:person_restricted');
END;
CREATE TRIGGER session_instructors_insert_unrestricted BEFORE INSERT ON session_instructors
WHEN (SELECT restricted_at FROM people WHERE id = NEW.person_id) IS NOT NULL BEGIN
    SELECT RAISE(ABORT, 'muster:person_restricted');
END;
CREATE TRIGGER cohorts_insert_unrestricted BEFORE INSERT ON cohorts
WHEN (SELECT restricted_at FROM people WHERE id = NEW.adviser_id) IS NOT NULL BEGIN
    SELECT RAISE(ABORT, 'muster:person_restricted');
END;
CREATE TRIGGER cohorts_update_unrestricted BEFORE UPDATE OF adviser_id ON cohorts
WHEN NEW.adviser_id IS NOT OLD.adviser_id AND (SELECT restricted_at FROM people WHERE id = NEW.adviser_id) IS NOT NULL BEGIN
    SELECT RAISE(ABORT, 'muster:person_restricted');
END;
CREATE TRIGGER instructor_profiles_insert_unrestricted BEFORE INSERT ON instructor_profiles
WHEN (SELECT restricted_at FROM people WHERE id = NEW.person_id) IS NOT NULL BEGIN
    SELECT RAISE(ABORT, 'muster:person_restricted');
END;
CREATE TRIGGER instructor_profiles_update_unrestricted BEFORE UPDATE ON instructor_profiles
WHEN (SELECT restricted_at FROM people WHERE id = NEW.person_id) IS NOT NULL BEGIN
    SELECT RAISE(ABORT, 'muster:person_restricted');
END;
CREATE TRIGGER identity_numbers_insert_unrestricted BEFORE INSERT ON identity_numbers
WHEN (SELECT restricted_at FROM people WHERE id = NEW.person_id) IS NOT NULL BEGIN
    SELECT RAISE(ABORT, 'muster:person_restricted');
END;
CREATE TRIGGER identity_numbers_update_unrestricted BEFORE UPDATE ON identity_numbers
WHEN (SELECT restricted_at FROM people WHERE id = NEW.person_id) IS NOT NULL BEGIN
    SELECT RAISE(ABORT, 'muster:person_restricted');
END;
CREATE TRIGGER users_insert_unrestricted BEFORE INSERT ON users
WHEN (SELECT restricted_at FROM people WHERE id = NEW.person_id) IS NOT NULL BEGIN
    SELECT RAISE(ABORT, 'muster:person_restricted');
END;
-- Their users stay theirs, and disabled.
CREATE TRIGGER users_update_unrestricted BEFORE UPDATE ON users
WHEN EXISTS (SELECT 1 FROM people WHERE id IN (OLD.person_id, NEW.person_id) AND restricted_at IS NOT NULL)
    AND (NEW.person_id IS NOT OLD.person_id OR (OLD.disabled_at IS NOT NULL AND NEW.disabled_at IS NULL)) BEGIN
    SELECT RAISE(ABORT, 'muster:person_restricted');
END;
CREATE TRIGGER feeds_insert_unrestricted BEFORE INSERT ON feeds
WHEN (SELECT restricted_at FROM people WHERE id = NEW.person_id) IS NOT NULL BEGIN
    SELECT RAISE(ABORT, 'muster:person_restricted');
END;

-- What was final until now, but for a text about somebody who is being erased: where something stood, it says so.
DROP TRIGGER hour_entries_are_immutable;
CREATE TRIGGER hour_entries_are_immutable BEFORE UPDATE ON hour_entries
WHEN OLD.enrollment_id NOT IN (SELECT id FROM erasing_enrollments) OR OLD.reason IS NULL
    OR (NEW.id, NEW.enrollment_id, NEW.module_id, NEW.session_id, NEW.kind, NEW.minutes, NEW.closing, NEW.reverses_id, NEW.origin_id,
        NEW.made_up_in_id, NEW.posting_id, NEW.reason, NEW.user_id, NEW.recorded_at)
        IS NOT (OLD.id, OLD.enrollment_id, OLD.module_id, OLD.session_id, OLD.kind, OLD.minutes, OLD.closing, OLD.reverses_id, OLD.origin_id,
        OLD.made_up_in_id, OLD.posting_id, '已删除', OLD.user_id, OLD.recorded_at) BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
DROP TRIGGER enrollment_steps_are_immutable;
CREATE TRIGGER enrollment_steps_are_immutable BEFORE UPDATE ON enrollment_steps
WHEN OLD.enrollment_id NOT IN (SELECT id FROM erasing_enrollments) OR OLD.reason IS NULL
    OR (NEW.id, NEW.enrollment_id, NEW.from_state, NEW.to_state, NEW.effective_at, NEW.reason, NEW.user_id, NEW.recorded_at)
        IS NOT (OLD.id, OLD.enrollment_id, OLD.from_state, OLD.to_state, OLD.effective_at, '已删除', OLD.user_id, OLD.recorded_at) BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
DROP TRIGGER attendances_update_while_open;
CREATE TRIGGER attendances_update_while_open BEFORE UPDATE ON attendances
WHEN ((SELECT state FROM roll_calls WHERE session_id = OLD.session_id) = 'closed'
    OR (SELECT state FROM roll_calls WHERE session_id = NEW.session_id) = 'closed')
    AND (OLD.enrollment_id NOT IN (SELECT id FROM erasing_enrollments) OR OLD.note IS NULL
    OR (NEW.session_id, NEW.enrollment_id, NEW.code, NEW.minutes, NEW.mode, NEW.note, NEW.segments, NEW.source, NEW.leave_minutes, NEW.recorded_at)
        IS NOT (OLD.session_id, OLD.enrollment_id, OLD.code, OLD.minutes, OLD.mode, '已删除', OLD.segments, OLD.source, OLD.leave_minutes,
        OLD.recorded_at)) BEGIN
    SELECT RAISE(ABORT, 'muster:roll_call_closed');
END;
DROP TRIGGER guests_are_immutable;
CREATE TRIGGER guests_are_immutable BEFORE UPDATE ON guests
WHEN OLD.enrollment_id NOT IN (SELECT id FROM erasing_enrollments) OR OLD.note IS NULL
    OR (NEW.session_id, NEW.enrollment_id, NEW.missed_session_id, NEW.intake_id, NEW.note, NEW.user_id, NEW.created_at)
        IS NOT (OLD.session_id, OLD.enrollment_id, OLD.missed_session_id, OLD.intake_id, '已删除', OLD.user_id, OLD.created_at) BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;

-- Leave of a crew is nobody's own.
CREATE VIEW erasing_leave AS SELECT l.leave_request_id AS id FROM leave_enrollments l JOIN leave_requests r ON r.id = l.leave_request_id
    WHERE r.crew IS NULL AND l.enrollment_id IN (SELECT id FROM erasing_enrollments);
DROP TRIGGER leave_requests_steps;
CREATE TRIGGER leave_requests_steps BEFORE UPDATE ON leave_requests
WHEN OLD.state || '>' || NEW.state NOT IN ('asked>endorsed', 'asked>granted', 'endorsed>granted', 'asked>refused', 'endorsed>refused',
    'asked>withdrawn', 'endorsed>withdrawn', 'granted>withdrawn')
    AND (NEW.state <> OLD.state OR NEW.version <> OLD.version OR OLD.id NOT IN (SELECT id FROM erasing_leave)) BEGIN
    SELECT RAISE(ABORT, 'muster:illegal_transition');
END;
DROP TRIGGER leave_requests_are_fixed;
CREATE TRIGGER leave_requests_are_fixed BEFORE UPDATE ON leave_requests
WHEN NEW.id <> OLD.id OR NEW.intake_id <> OLD.intake_id OR NEW.kind <> OLD.kind OR NEW.sponsor_id IS NOT OLD.sponsor_id
    OR NEW.crew IS NOT OLD.crew OR NEW.starts_at <> OLD.starts_at OR NEW.ends_at <> OLD.ends_at
    OR (NEW.reason <> OLD.reason AND (NEW.reason <> '已删除' OR OLD.id NOT IN (SELECT id FROM erasing_leave)))
    OR NEW.user_id IS NOT OLD.user_id OR NEW.created_at <> OLD.created_at BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
DROP TRIGGER leave_steps_are_immutable;
CREATE TRIGGER leave_steps_are_immutable BEFORE UPDATE ON leave_steps
WHEN OLD.leave_request_id NOT IN (SELECT id FROM erasing_leave) OR OLD.reason IS NULL
    OR (NEW.leave_request_id, NEW.to_state, NEW.from_state, NEW.reason, NEW.role, NEW.user_id, NEW.recorded_at)
        IS NOT (OLD.leave_request_id, OLD.to_state, OLD.from_state, '已删除', OLD.role, OLD.user_id, OLD.recorded_at) BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
DROP TRIGGER correction_requests_are_decided_once;
CREATE TRIGGER correction_requests_are_decided_once BEFORE UPDATE ON correction_requests
WHEN (OLD.state <> 'asked' OR NEW.state = 'asked')
    AND (OLD.enrollment_id NOT IN (SELECT id FROM erasing_enrollments)
    OR (NEW.state, NEW.decided_by, NEW.decided_at, NEW.version) IS NOT (OLD.state, OLD.decided_by, OLD.decided_at, OLD.version)
    OR (NEW.reason IS NOT OLD.reason AND (OLD.reason IS NULL OR NEW.reason IS NOT '已删除'))) BEGIN
    SELECT RAISE(ABORT, 'muster:illegal_transition');
END;
DROP TRIGGER correction_requests_are_fixed;
CREATE TRIGGER correction_requests_are_fixed BEFORE UPDATE ON correction_requests
WHEN NEW.id <> OLD.id OR NEW.session_id <> OLD.session_id OR NEW.enrollment_id <> OLD.enrollment_id OR NEW.intake_id <> OLD.intake_id
    OR NEW.code <> OLD.code OR NEW.minutes IS NOT OLD.minutes OR NEW.segments IS NOT OLD.segments
    OR (NEW.statement <> OLD.statement AND (NEW.statement <> '已删除' OR OLD.enrollment_id NOT IN (SELECT id FROM erasing_enrollments)))
    OR NEW.role <> OLD.role OR NEW.user_id IS NOT OLD.user_id OR NEW.created_at <> OLD.created_at BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;

-- Why a roll call was opened again is what somebody was told about their correction.
CREATE VIEW erasing_corrected AS SELECT c.session_id AS id, c.reason FROM correction_requests c
    WHERE c.enrollment_id IN (SELECT id FROM erasing_enrollments);
DROP TRIGGER roll_calls_steps;
CREATE TRIGGER roll_calls_steps BEFORE UPDATE ON roll_calls
WHEN NEW.session_id <> OLD.session_id OR (NEW.state = 'closed' AND OLD.state = 'closed'
        AND ((NEW.intake_id, NEW.closings, NEW.posted_starts_at, NEW.posted_ends_at, NEW.posted_minutes, NEW.submitted_at, NEW.closed_at,
            NEW.corrections_until, NEW.reopen_reason, NEW.version)
            IS NOT (OLD.intake_id, OLD.closings, OLD.posted_starts_at, OLD.posted_ends_at, OLD.posted_minutes, OLD.submitted_at, OLD.closed_at,
            OLD.corrections_until, '已删除', OLD.version)
            OR OLD.session_id NOT IN (SELECT id FROM erasing_corrected WHERE reason = OLD.reopen_reason)))
    OR NEW.closings <> OLD.closings + (CASE WHEN NEW.state = 'closed' AND OLD.state <> 'closed' THEN 1 ELSE 0 END)
    OR (NEW.state <> 'closed' AND (NEW.posted_minutes, NEW.posted_starts_at, NEW.posted_ends_at) IS NOT
        (OLD.posted_minutes, OLD.posted_starts_at, OLD.posted_ends_at))
    OR (NEW.state <> OLD.state AND (OLD.state || '>' || NEW.state) NOT IN
    ('not_open>open', 'open>submitted', 'open>closed', 'submitted>closed', 'closed>reopened', 'reopened>submitted', 'reopened>closed')) BEGIN
    SELECT RAISE(ABORT, 'muster:illegal_transition');
END;

-- What was told of a session names who taught it.
DROP TRIGGER session_changes_are_immutable;
CREATE TRIGGER session_changes_are_immutable BEFORE UPDATE ON session_changes
WHEN NOT EXISTS (SELECT 1 FROM session_change_audience a WHERE a.change_id = OLD.id AND a.kind = 'instructor'
        AND a.resource_id IN (SELECT person_id FROM erasing))
    OR (NEW.id, NEW.session_id, NEW.intake_id, NEW.kind, NEW.after_values IS NULL, NEW.successor, NEW.reason, NEW.user_id, NEW.created_at)
        IS NOT (OLD.id, OLD.session_id, OLD.intake_id, OLD.kind, OLD.after_values IS NULL, OLD.successor, OLD.reason, OLD.user_id,
        OLD.created_at) BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
DROP TRIGGER session_instructors_open_update;
CREATE TRIGGER session_instructors_open_update BEFORE UPDATE ON session_instructors
WHEN NEW.session_id <> OLD.session_id OR NEW.person_id <> OLD.person_id
    OR (((SELECT state FROM sessions WHERE id = OLD.session_id) = 'cancelled'
        OR EXISTS (SELECT 1 FROM roll_calls WHERE session_id = OLD.session_id AND state = 'closed'))
    AND (OLD.person_id NOT IN (SELECT person_id FROM erasing) OR NEW.lead <> OLD.lead OR NEW.title IS NOT NULL)) BEGIN
    SELECT RAISE(ABORT, 'muster:session_closed');
END;

-- A file may be called after whom it is about, and what an import found was about them too.
DROP TRIGGER imports_are_undone_once;
CREATE TRIGGER imports_are_undone_once BEFORE UPDATE ON imports
WHEN (NEW.id, NEW.kind, NEW.provider_id, NEW.intake_id, NEW.session_id, NEW.file_sha256, NEW.rows, NEW.user_id, NEW.created_at)
    IS NOT (OLD.id, OLD.kind, OLD.provider_id, OLD.intake_id, OLD.session_id, OLD.file_sha256, OLD.rows, OLD.user_id, OLD.created_at)
    OR NOT ((OLD.state = 'committed' AND NEW.state = 'undone' AND NEW.file_name = OLD.file_name
        AND NOT EXISTS (SELECT 1 FROM erased_imports WHERE import_id = OLD.id))
    OR ((NEW.state, NEW.undone_at, NEW.file_name) IS (OLD.state, OLD.undone_at, '已删除')
        AND EXISTS (SELECT 1 FROM erased_imports e JOIN erasing x ON x.id = e.erasure_id WHERE e.import_id = OLD.id))) BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
DROP TRIGGER import_effects_are_immutable;
CREATE TRIGGER import_effects_are_immutable BEFORE UPDATE ON import_effects
WHEN (NEW.import_id, NEW.position, NEW.subject_kind, NEW.subject_id, NEW.created)
    IS NOT (OLD.import_id, OLD.position, OLD.subject_kind, OLD.subject_id, OLD.created)
    OR NOT ((NEW.version = OLD.version + 2 AND NEW.before_values IS OLD.before_values)
    OR (NEW.version = OLD.version AND NEW.before_values IS NULL
        AND EXISTS (SELECT 1 FROM erased_imports e JOIN erasing x ON x.id = e.erasure_id WHERE e.import_id = OLD.import_id))) BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;

-- A payload goes with the erasure that says so.
DROP TRIGGER journal_payloads_stay;
CREATE TRIGGER journal_payloads_stay BEFORE DELETE ON journal_payloads
WHEN NOT EXISTS (SELECT 1 FROM erased_payloads e JOIN erasing x ON x.id = e.erasure_id WHERE e.entry_id = OLD.entry_id) BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
-- And does not come back.
CREATE TRIGGER journal_payloads_stay_erased BEFORE INSERT ON journal_payloads
WHEN EXISTS (SELECT 1 FROM erased_payloads WHERE entry_id = NEW.entry_id) BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
