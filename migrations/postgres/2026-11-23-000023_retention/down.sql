-- What was erased stays so, and is no more told from what was lost.
DROP TRIGGER journal_payloads_stay_erased ON journal_payloads;
DROP FUNCTION journal_payloads_stay_erased();
CREATE OR REPLACE FUNCTION enrollment_steps_are_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'muster:immutable';
END $$;
CREATE OR REPLACE FUNCTION attendances_update_while_open() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT state FROM roll_calls WHERE session_id = OLD.session_id FOR SHARE) = 'closed'
        OR (SELECT state FROM roll_calls WHERE session_id = NEW.session_id FOR SHARE) = 'closed' THEN
        RAISE EXCEPTION 'muster:roll_call_closed';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE FUNCTION leave_requests_steps() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state || '>' || NEW.state NOT IN ('asked>endorsed', 'asked>granted', 'endorsed>granted', 'asked>refused', 'endorsed>refused',
        'asked>withdrawn', 'endorsed>withdrawn', 'granted>withdrawn') THEN
        RAISE EXCEPTION 'muster:illegal_transition';
    END IF;
    IF (NEW.id, NEW.intake_id, NEW.kind, NEW.sponsor_id, NEW.crew, NEW.starts_at, NEW.ends_at, NEW.reason, NEW.user_id, NEW.created_at)
        IS DISTINCT FROM (OLD.id, OLD.intake_id, OLD.kind, OLD.sponsor_id, OLD.crew, OLD.starts_at, OLD.ends_at, OLD.reason, OLD.user_id,
            OLD.created_at) THEN
        RAISE EXCEPTION 'muster:immutable';
    END IF;
    RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION correction_requests_are_decided_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state <> 'asked' OR NEW.state = 'asked' THEN
        RAISE EXCEPTION 'muster:illegal_transition';
    END IF;
    IF (NEW.id, NEW.session_id, NEW.enrollment_id, NEW.intake_id, NEW.code, NEW.minutes, NEW.segments, NEW.statement, NEW.role, NEW.user_id,
            NEW.created_at)
        IS DISTINCT FROM (OLD.id, OLD.session_id, OLD.enrollment_id, OLD.intake_id, OLD.code, OLD.minutes, OLD.segments, OLD.statement,
            OLD.role, OLD.user_id, OLD.created_at) THEN
        RAISE EXCEPTION 'muster:immutable';
    END IF;
    RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION roll_calls_steps() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.session_id <> OLD.session_id OR (NEW.state = 'closed' AND OLD.state = 'closed')
        OR NEW.closings <> OLD.closings + (CASE WHEN NEW.state = 'closed' THEN 1 ELSE 0 END)
        OR (NEW.state <> 'closed' AND (NEW.posted_minutes, NEW.posted_starts_at, NEW.posted_ends_at) IS DISTINCT FROM
            (OLD.posted_minutes, OLD.posted_starts_at, OLD.posted_ends_at))
        OR (NEW.state <> OLD.state AND (OLD.state || '>' || NEW.state) NOT IN
        ('not_open>open', 'open>submitted', 'open>closed', 'submitted>closed', 'closed>reopened', 'reopened>submitted', 'reopened>closed')) THEN
        RAISE EXCEPTION 'muster:illegal_transition';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE FUNCTION session_instructors_open_update() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT state FROM sessions WHERE id = OLD.session_id FOR SHARE) = 'cancelled'
        OR EXISTS (SELECT 1 FROM roll_calls WHERE session_id = OLD.session_id AND state = 'closed')
        OR NEW.session_id <> OLD.session_id OR NEW.person_id <> OLD.person_id THEN
        RAISE EXCEPTION 'muster:session_closed';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE FUNCTION imports_are_undone_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state <> 'committed' OR NEW.state <> 'undone' OR (to_jsonb(NEW) - 'state' - 'undone_at') <> (to_jsonb(OLD) - 'state' - 'undone_at') THEN
        RAISE EXCEPTION 'muster:immutable';
    END IF;
    RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION import_effects_are_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.version <> OLD.version + 2 OR (to_jsonb(NEW) - 'version') <> (to_jsonb(OLD) - 'version') THEN
        RAISE EXCEPTION 'muster:immutable';
    END IF;
    RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION journal_payloads_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'muster:immutable';
END $$;
DROP TRIGGER session_changes_stay ON session_changes;
DROP TRIGGER session_changes_are_immutable ON session_changes;
CREATE TRIGGER session_changes_are_immutable BEFORE UPDATE OR DELETE ON session_changes
    FOR EACH ROW EXECUTE FUNCTION session_changes_are_immutable();
DROP FUNCTION session_changes_are_erased();
DROP TRIGGER leave_steps_stay ON leave_steps;
DROP TRIGGER leave_steps_are_immutable ON leave_steps;
CREATE TRIGGER leave_steps_are_immutable BEFORE UPDATE OR DELETE ON leave_steps FOR EACH ROW EXECUTE FUNCTION leave_is_immutable();
DROP FUNCTION leave_steps_are_erased();
DROP TRIGGER guests_are_immutable ON guests;
CREATE TRIGGER guests_are_immutable BEFORE UPDATE ON guests FOR EACH ROW EXECUTE FUNCTION guests_are_immutable();
DROP FUNCTION guests_are_erased();
DROP TRIGGER hour_entries_are_immutable ON hour_entries;
CREATE TRIGGER hour_entries_are_immutable BEFORE UPDATE ON hour_entries FOR EACH ROW EXECUTE FUNCTION hour_entries_are_immutable();
DROP FUNCTION hour_entries_are_erased();

DROP TRIGGER feeds_insert_unrestricted ON feeds;
DROP TRIGGER users_update_unrestricted ON users;
DROP TRIGGER identity_numbers_unrestricted ON identity_numbers;
DROP TRIGGER users_insert_unrestricted ON users;
DROP TRIGGER instructor_profiles_unrestricted ON instructor_profiles;
DROP TRIGGER cohorts_unrestricted ON cohorts;
DROP TRIGGER session_instructors_insert_unrestricted ON session_instructors;
DROP TRIGGER enrollments_update_unrestricted ON enrollments;
DROP TRIGGER enrollments_insert_unrestricted ON enrollments;
DROP TRIGGER affiliations_unrestricted ON affiliations;
DROP TRIGGER people_restricted_stay ON people;
DROP FUNCTION users_update_unrestricted(), cohorts_unrestricted(), enrollments_update_unrestricted(), affiliations_unrestricted(),
    is_of_the_unrestricted(), refuse_restricted(uuid), people_restricted_stay();

DROP VIEW erasing_corrected, erasing_leave, erasing_enrollments, erasing;
DROP TABLE erased_imports, erased_payloads, erasures;
DROP FUNCTION is_told_while_erasing(), erasures_of_the_restricted(), erasures_are_immutable(), is_erased(jsonb, jsonb, text[]);
DROP INDEX people_retained;
ALTER TABLE people DROP COLUMN erased_at;
ALTER TABLE people DROP COLUMN retained_until;
ALTER TABLE people DROP COLUMN restricted_at;
