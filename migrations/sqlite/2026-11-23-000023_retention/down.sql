-- What was erased stays so, and is no more told from what was lost.
DROP TRIGGER hour_entries_are_immutable;
CREATE TRIGGER hour_entries_are_immutable BEFORE UPDATE ON hour_entries BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
DROP TRIGGER enrollment_steps_are_immutable;
CREATE TRIGGER enrollment_steps_are_immutable BEFORE UPDATE ON enrollment_steps BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
DROP TRIGGER attendances_update_while_open;
CREATE TRIGGER attendances_update_while_open BEFORE UPDATE ON attendances
WHEN (SELECT state FROM roll_calls WHERE session_id = OLD.session_id) = 'closed'
    OR (SELECT state FROM roll_calls WHERE session_id = NEW.session_id) = 'closed' BEGIN
    SELECT RAISE(ABORT, 'muster:roll_call_closed');
END;
DROP TRIGGER guests_are_immutable;
CREATE TRIGGER guests_are_immutable BEFORE UPDATE ON guests BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
DROP TRIGGER leave_requests_steps;
CREATE TRIGGER leave_requests_steps BEFORE UPDATE ON leave_requests
WHEN OLD.state || '>' || NEW.state NOT IN ('asked>endorsed', 'asked>granted', 'endorsed>granted', 'asked>refused', 'endorsed>refused',
    'asked>withdrawn', 'endorsed>withdrawn', 'granted>withdrawn') BEGIN
    SELECT RAISE(ABORT, 'muster:illegal_transition');
END;
DROP TRIGGER leave_requests_are_fixed;
CREATE TRIGGER leave_requests_are_fixed BEFORE UPDATE ON leave_requests
WHEN NEW.id <> OLD.id OR NEW.intake_id <> OLD.intake_id OR NEW.kind <> OLD.kind OR NEW.sponsor_id IS NOT OLD.sponsor_id
    OR NEW.crew IS NOT OLD.crew OR NEW.starts_at <> OLD.starts_at OR NEW.ends_at <> OLD.ends_at OR NEW.reason <> OLD.reason
    OR NEW.user_id IS NOT OLD.user_id OR NEW.created_at <> OLD.created_at BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
DROP TRIGGER leave_steps_are_immutable;
CREATE TRIGGER leave_steps_are_immutable BEFORE UPDATE ON leave_steps BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
DROP TRIGGER correction_requests_are_decided_once;
CREATE TRIGGER correction_requests_are_decided_once BEFORE UPDATE ON correction_requests WHEN OLD.state <> 'asked' OR NEW.state = 'asked' BEGIN
    SELECT RAISE(ABORT, 'muster:illegal_transition');
END;
DROP TRIGGER correction_requests_are_fixed;
CREATE TRIGGER correction_requests_are_fixed BEFORE UPDATE ON correction_requests
WHEN NEW.id <> OLD.id OR NEW.session_id <> OLD.session_id OR NEW.enrollment_id <> OLD.enrollment_id OR NEW.intake_id <> OLD.intake_id
    OR NEW.code <> OLD.code OR NEW.minutes IS NOT OLD.minutes OR NEW.segments IS NOT OLD.segments OR NEW.statement <> OLD.statement
    OR NEW.role <> OLD.role OR NEW.user_id IS NOT OLD.user_id OR NEW.created_at <> OLD.created_at BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
DROP TRIGGER roll_calls_steps;
CREATE TRIGGER roll_calls_steps BEFORE UPDATE ON roll_calls
WHEN NEW.session_id <> OLD.session_id OR (NEW.state = 'closed' AND OLD.state = 'closed')
    OR NEW.closings <> OLD.closings + (CASE WHEN NEW.state = 'closed' THEN 1 ELSE 0 END)
    OR (NEW.state <> 'closed' AND (NEW.posted_minutes, NEW.posted_starts_at, NEW.posted_ends_at) IS NOT
        (OLD.posted_minutes, OLD.posted_starts_at, OLD.posted_ends_at))
    OR (NEW.state <> OLD.state AND (OLD.state || '>' || NEW.state) NOT IN
    ('not_open>open', 'open>submitted', 'open>closed', 'submitted>closed', 'closed>reopened', 'reopened>submitted', 'reopened>closed')) BEGIN
    SELECT RAISE(ABORT, 'muster:illegal_transition');
END;
DROP TRIGGER session_changes_are_immutable;
CREATE TRIGGER session_changes_are_immutable BEFORE UPDATE ON session_changes BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
DROP TRIGGER session_instructors_open_update;
CREATE TRIGGER session_instructors_open_update BEFORE UPDATE ON session_instructors
WHEN (SELECT state FROM sessions WHERE id = OLD.session_id) = 'cancelled'
    OR EXISTS (SELECT 1 FROM roll_calls WHERE session_id = OLD.session_id AND state = 'closed')
    OR NEW.session_id <> OLD.session_id OR NEW.person_id <> OLD.person_id BEGIN
    SELECT RAISE(ABORT, 'muster:session_closed');
END;
DROP TRIGGER imports_are_undone_once;
CREATE TRIGGER imports_are_undone_once BEFORE UPDATE ON imports
WHEN OLD.state <> 'committed' OR NEW.state <> 'undone' OR NEW.id <> OLD.id OR NEW.kind <> OLD.kind
    OR NEW.provider_id IS NOT OLD.provider_id OR NEW.intake_id IS NOT OLD.intake_id OR NEW.session_id IS NOT OLD.session_id
    OR NEW.file_name <> OLD.file_name OR NEW.file_sha256 <> OLD.file_sha256 OR NEW.rows <> OLD.rows
    OR NEW.user_id IS NOT OLD.user_id OR NEW.created_at <> OLD.created_at BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
DROP TRIGGER import_effects_are_immutable;
CREATE TRIGGER import_effects_are_immutable BEFORE UPDATE ON import_effects
WHEN NEW.version <> OLD.version + 2 OR NEW.import_id <> OLD.import_id OR NEW.position <> OLD.position
    OR NEW.subject_kind <> OLD.subject_kind OR NEW.subject_id <> OLD.subject_id OR NEW.created <> OLD.created
    OR NEW.before_values IS NOT OLD.before_values BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
DROP TRIGGER journal_payloads_stay;
CREATE TRIGGER journal_payloads_stay BEFORE DELETE ON journal_payloads BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
DROP TRIGGER people_restricted_stay;
DROP TRIGGER people_are_erased_whole;
DROP TRIGGER people_restricted_are_not_deleted;
DROP TRIGGER people_restricted_are_not_replaced;
DROP TRIGGER affiliations_insert_unrestricted;
DROP TRIGGER affiliations_update_unrestricted;
DROP TRIGGER affiliations_delete_unrestricted;
DROP TRIGGER enrollments_insert_unrestricted;
DROP TRIGGER enrollments_update_unrestricted;
DROP TRIGGER session_instructors_insert_unrestricted;
DROP TRIGGER cohorts_insert_unrestricted;
DROP TRIGGER cohorts_update_unrestricted;
DROP TRIGGER instructor_profiles_insert_unrestricted;
DROP TRIGGER instructor_profiles_update_unrestricted;
DROP TRIGGER identity_numbers_insert_unrestricted;
DROP TRIGGER identity_numbers_update_unrestricted;
DROP TRIGGER users_insert_unrestricted;
DROP TRIGGER users_update_unrestricted;
DROP TRIGGER feeds_insert_unrestricted;
DROP TRIGGER journal_payloads_stay_erased;
DROP TRIGGER erased_payloads_stay;
DROP TRIGGER erased_imports_stay;
DROP TRIGGER erasures_stay;
DROP TRIGGER erasures_of_the_restricted;
DROP TRIGGER erased_payloads_while_erasing;
DROP TRIGGER erased_imports_while_erasing;
DROP VIEW erasing_corrected;
DROP VIEW erasing_leave;
DROP VIEW erasing_enrollments;
DROP VIEW erasing;
DROP TABLE erased_imports;
DROP TABLE erased_payloads;
DROP TABLE erasures;
DROP INDEX people_retained;
ALTER TABLE people DROP COLUMN erased_at;
ALTER TABLE people DROP COLUMN retained_until;
ALTER TABLE people DROP COLUMN restricted_at;
