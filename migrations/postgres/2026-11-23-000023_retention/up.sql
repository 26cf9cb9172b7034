-- Whose data is kept for a while only: from when on nobody changes the person any more, until which day that is, and when it was erased.
ALTER TABLE people ADD COLUMN restricted_at timestamptz;
ALTER TABLE people ADD COLUMN retained_until date CHECK ((retained_until IS NULL) = (restricted_at IS NULL));
ALTER TABLE people ADD COLUMN erased_at timestamptz CHECK (erased_at IS NULL OR restricted_at IS NOT NULL);
-- Those who wait to be erased: few, however many people there are.
CREATE INDEX people_retained ON people (retained_until) WHERE restricted_at IS NOT NULL AND erased_at IS NULL;

-- Who was erased, under the id of the entry that the journal has of it. That is written behind all else, so that an erasure is under way
-- until then and over from then on.
CREATE TABLE erasures (
    id uuid NOT NULL PRIMARY KEY,
    person_id uuid NOT NULL UNIQUE REFERENCES people (id),
    created_at timestamptz NOT NULL
);

-- The entries of the journal that an erasure left without their payload.
CREATE TABLE erased_payloads (
    entry_id uuid NOT NULL PRIMARY KEY REFERENCES journal_entries (id),
    erasure_id uuid NOT NULL REFERENCES erasures (id)
);
CREATE INDEX erased_payloads_erasure ON erased_payloads (erasure_id);

-- The imports that an erasure left without what they found, so that they cannot be taken back any more.
CREATE TABLE erased_imports (
    import_id uuid NOT NULL PRIMARY KEY REFERENCES imports (id),
    erasure_id uuid NOT NULL REFERENCES erasures (id)
);
CREATE INDEX erased_imports_erasure ON erased_imports (erasure_id);

-- Nobody reads them for a request: what is gone is seen where it stood.
ALTER TABLE erasures ENABLE ROW LEVEL SECURITY;
ALTER TABLE erased_payloads ENABLE ROW LEVEL SECURITY;
ALTER TABLE erased_imports ENABLE ROW LEVEL SECURITY;

-- What is being erased right now. Triggers that hold everybody else back look here, and let through what takes a text away.
CREATE VIEW erasing AS SELECT e.id, e.person_id FROM erasures e WHERE NOT EXISTS (SELECT 1 FROM journal_entries j WHERE j.id = e.id);
CREATE VIEW erasing_enrollments AS SELECT n.id FROM enrollments n WHERE n.person_id IN (SELECT person_id FROM erasing);
-- Leave of a crew is nobody's own.
CREATE VIEW erasing_leave AS SELECT l.leave_request_id AS id FROM leave_enrollments l JOIN leave_requests r ON r.id = l.leave_request_id
    WHERE r.crew IS NULL AND l.enrollment_id IN (SELECT id FROM erasing_enrollments);
-- Why a roll call was opened again is what somebody was told about their correction.
CREATE VIEW erasing_corrected AS SELECT c.session_id AS id, c.reason FROM correction_requests c
    WHERE c.enrollment_id IN (SELECT id FROM erasing_enrollments);

-- Whether a row differs in nothing but these texts, each of which says now that it was erased.
CREATE FUNCTION is_erased(before jsonb, after jsonb, texts text[]) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT before - texts = after - texts AND NOT EXISTS (SELECT 1 FROM unnest(texts) AS t (text)
        WHERE after ->> t.text IS DISTINCT FROM before ->> t.text AND (before ->> t.text IS NULL OR after ->> t.text IS DISTINCT FROM '已删除'))
$$;

CREATE FUNCTION erasures_are_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'muster:immutable';
END $$;
CREATE FUNCTION erasures_of_the_restricted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM people WHERE id = NEW.person_id AND restricted_at IS NOT NULL AND erased_at IS NULL)
        OR EXISTS (SELECT 1 FROM journal_entries WHERE id = NEW.id) THEN
        RAISE EXCEPTION 'muster:immutable';
    END IF;
    RETURN NEW;
END $$;
CREATE FUNCTION is_told_while_erasing() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM erasing WHERE id = NEW.erasure_id) THEN
        RAISE EXCEPTION 'muster:immutable';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER erasures_of_the_restricted BEFORE INSERT ON erasures FOR EACH ROW EXECUTE FUNCTION erasures_of_the_restricted();
CREATE TRIGGER erasures_are_immutable BEFORE UPDATE OR DELETE ON erasures FOR EACH ROW EXECUTE FUNCTION erasures_are_immutable();
CREATE TRIGGER erased_payloads_while_erasing BEFORE INSERT ON erased_payloads FOR EACH ROW EXECUTE FUNCTION is_told_while_erasing();
CREATE TRIGGER erased_payloads_are_immutable BEFORE UPDATE OR DELETE ON erased_payloads FOR EACH ROW EXECUTE FUNCTION erasures_are_immutable();
CREATE TRIGGER erased_imports_while_erasing BEFORE INSERT ON erased_imports FOR EACH ROW EXECUTE FUNCTION is_told_while_erasing();
CREATE TRIGGER erased_imports_are_immutable BEFORE UPDATE OR DELETE ON erased_imports FOR EACH ROW EXECUTE FUNCTION erasures_are_immutable();
CREATE TRIGGER erasures_are_not_truncated BEFORE TRUNCATE ON erasures FOR EACH STATEMENT EXECUTE FUNCTION is_not_truncated();
CREATE TRIGGER erased_payloads_are_not_truncated BEFORE TRUNCATE ON erased_payloads FOR EACH STATEMENT EXECUTE FUNCTION is_not_truncated();
CREATE TRIGGER erased_imports_are_not_truncated BEFORE TRUNCATE ON erased_imports FOR EACH STATEMENT EXECUTE FUNCTION is_not_truncated();

-- Of whoever is restricted nothing changes but the day, and all at once when they are erased. Whoever has been erased stays so.
CREATE FUNCTION people_restricted_stay() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    texts CONSTANT text[] := ARRAY['name', 'latin_name', 'phone', 'email'];
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF OLD.restricted_at IS NOT NULL THEN
            RAISE EXCEPTION 'muster:person_restricted';
        END IF;
        RETURN OLD;
    END IF;
    IF TG_OP = 'INSERT' THEN
        IF NEW.erased_at IS NOT NULL THEN
            RAISE EXCEPTION 'muster:person_restricted';
        END IF;
        RETURN NEW;
    END IF;
    IF OLD.restricted_at IS NOT NULL AND (OLD.erased_at IS NOT NULL OR NEW.restricted_at IS DISTINCT FROM OLD.restricted_at
        OR to_jsonb(NEW) - texts - 'retained_until' - 'version' - 'erased_at' <> to_jsonb(OLD) - texts - 'retained_until' - 'version' - 'erased_at'
        OR (NEW.erased_at IS NULL AND to_jsonb(NEW) - 'retained_until' - 'version' <> to_jsonb(OLD) - 'retained_until' - 'version')) THEN
        RAISE EXCEPTION 'muster:person_restricted';
    END IF;
    IF NEW.erased_at IS NOT NULL AND ((NEW.name, NEW.phone, NEW.email, NEW.retained_until) IS DISTINCT FROM ('已删除', NULL, NULL, OLD.retained_until)
        OR NOT EXISTS (SELECT 1 FROM erasing WHERE person_id = NEW.id)) THEN
        RAISE EXCEPTION 'muster:person_restricted';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER people_restricted_stay BEFORE INSERT OR UPDATE OR DELETE ON people FOR EACH ROW EXECUTE FUNCTION people_restricted_stay();

-- Nothing is begun with them either. Whoever restricts somebody holds the row first, so that this waits for them.
CREATE FUNCTION refuse_restricted(person uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT restricted_at FROM people WHERE id = person FOR KEY SHARE) IS NOT NULL THEN
        RAISE EXCEPTION 'muster:person_restricted';
    END IF;
END $$;
CREATE FUNCTION is_of_the_unrestricted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM refuse_restricted(NEW.person_id);
    RETURN NEW;
END $$;
CREATE FUNCTION affiliations_unrestricted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND EXISTS (SELECT 1 FROM erasing WHERE person_id = OLD.person_id) THEN
        IF to_jsonb(NEW) <> to_jsonb(OLD) || '{"employee_number": null, "title": null}' THEN
            RAISE EXCEPTION 'muster:person_restricted';
        END IF;
        RETURN NEW;
    END IF;
    IF TG_OP <> 'INSERT' THEN
        PERFORM refuse_restricted(OLD.person_id);
    END IF;
    IF TG_OP <> 'DELETE' THEN
        PERFORM refuse_restricted(NEW.person_id);
        RETURN NEW;
    END IF;
    RETURN OLD;
END $$;
CREATE FUNCTION enrollments_update_unrestricted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.person_id <> OLD.person_id THEN
        PERFORM refuse_restricted(NEW.person_id);
    END IF;
    RETURN NEW;
END $$;
CREATE FUNCTION cohorts_unrestricted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' OR NEW.adviser_id IS DISTINCT FROM OLD.adviser_id THEN
        PERFORM refuse_restricted(NEW.adviser_id);
    END IF;
    RETURN NEW;
END $$;
-- Their users stay theirs, and disabled.
CREATE FUNCTION users_update_unrestricted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.person_id IS DISTINCT FROM OLD.person_id OR (OLD.disabled_at IS NOT NULL AND NEW.disabled_at IS NULL) THEN
        PERFORM refuse_restricted(OLD.person_id);
        PERFORM refuse_restricted(NEW.person_id);
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER affiliations_unrestricted BEFORE INSERT OR UPDATE OR DELETE ON affiliations FOR EACH ROW EXECUTE FUNCTION affiliations_unrestricted();
CREATE TRIGGER enrollments_insert_unrestricted BEFORE INSERT ON enrollments FOR EACH ROW EXECUTE FUNCTION is_of_the_unrestricted();
CREATE TRIGGER enrollments_update_unrestricted BEFORE UPDATE OF person_id ON enrollments FOR EACH ROW EXECUTE FUNCTION enrollments_update_unrestricted();
CREATE TRIGGER session_instructors_insert_unrestricted BEFORE INSERT ON session_instructors FOR EACH ROW EXECUTE FUNCTION is_of_the_unrestricted();
CREATE TRIGGER cohorts_unrestricted BEFORE INSERT OR UPDATE OF adviser_id ON cohorts FOR EACH ROW EXECUTE FUNCTION cohorts_unrestricted();
CREATE TRIGGER instructor_profiles_unrestricted BEFORE INSERT OR UPDATE ON instructor_profiles FOR EACH ROW EXECUTE FUNCTION is_of_the_unrestricted();
CREATE TRIGGER identity_numbers_unrestricted BEFORE INSERT OR UPDATE ON identity_numbers FOR EACH ROW EXECUTE FUNCTION is_of_the_unrestricted();
CREATE TRIGGER users_insert_unrestricted BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION is_of_the_unrestricted();
CREATE TRIGGER users_update_unrestricted BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION users_update_unrestricted();
CREATE TRIGGER feeds_insert_unrestricted BEFORE INSERT ON feeds FOR EACH ROW EXECUTE FUNCTION is_of_the_unrestricted();

-- What was final until now, but for a text about somebody who is being erased: where something stood, it says so.
CREATE FUNCTION hour_entries_are_erased() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT is_erased(to_jsonb(OLD), to_jsonb(NEW), ARRAY['reason'])
        OR NOT EXISTS (SELECT 1 FROM erasing_enrollments WHERE id = OLD.enrollment_id) THEN
        RAISE EXCEPTION 'muster:immutable';
    END IF;
    RETURN NEW;
END $$;
DROP TRIGGER hour_entries_are_immutable ON hour_entries;
CREATE TRIGGER hour_entries_are_immutable BEFORE UPDATE ON hour_entries FOR EACH ROW EXECUTE FUNCTION hour_entries_are_erased();
CREATE OR REPLACE FUNCTION enrollment_steps_are_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT is_erased(to_jsonb(OLD), to_jsonb(NEW), ARRAY['reason'])
        OR NOT EXISTS (SELECT 1 FROM erasing_enrollments WHERE id = OLD.enrollment_id) THEN
        RAISE EXCEPTION 'muster:immutable';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE FUNCTION attendances_update_while_open() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF ((SELECT state FROM roll_calls WHERE session_id = OLD.session_id FOR SHARE) = 'closed'
        OR (SELECT state FROM roll_calls WHERE session_id = NEW.session_id FOR SHARE) = 'closed')
        AND NOT (is_erased(to_jsonb(OLD), to_jsonb(NEW), ARRAY['note']) AND EXISTS (SELECT 1 FROM erasing_enrollments WHERE id = OLD.enrollment_id)) THEN
        RAISE EXCEPTION 'muster:roll_call_closed';
    END IF;
    RETURN NEW;
END $$;
CREATE FUNCTION guests_are_erased() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT is_erased(to_jsonb(OLD), to_jsonb(NEW), ARRAY['note'])
        OR NOT EXISTS (SELECT 1 FROM erasing_enrollments WHERE id = OLD.enrollment_id) THEN
        RAISE EXCEPTION 'muster:immutable';
    END IF;
    RETURN NEW;
END $$;
DROP TRIGGER guests_are_immutable ON guests;
CREATE TRIGGER guests_are_immutable BEFORE UPDATE ON guests FOR EACH ROW EXECUTE FUNCTION guests_are_erased();
CREATE OR REPLACE FUNCTION leave_requests_steps() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF is_erased(to_jsonb(OLD), to_jsonb(NEW), ARRAY['reason']) AND EXISTS (SELECT 1 FROM erasing_leave WHERE id = OLD.id) THEN
        RETURN NULL;
    END IF;
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
CREATE FUNCTION leave_steps_are_erased() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT is_erased(to_jsonb(OLD), to_jsonb(NEW), ARRAY['reason'])
        OR NOT EXISTS (SELECT 1 FROM erasing_leave WHERE id = OLD.leave_request_id) THEN
        RAISE EXCEPTION 'muster:immutable';
    END IF;
    RETURN NEW;
END $$;
DROP TRIGGER leave_steps_are_immutable ON leave_steps;
CREATE TRIGGER leave_steps_are_immutable BEFORE UPDATE ON leave_steps FOR EACH ROW EXECUTE FUNCTION leave_steps_are_erased();
CREATE TRIGGER leave_steps_stay BEFORE DELETE ON leave_steps FOR EACH ROW EXECUTE FUNCTION leave_is_immutable();
CREATE OR REPLACE FUNCTION correction_requests_are_decided_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF is_erased(to_jsonb(OLD), to_jsonb(NEW), ARRAY['statement', 'reason'])
        AND EXISTS (SELECT 1 FROM erasing_enrollments WHERE id = OLD.enrollment_id) THEN
        RETURN NULL;
    END IF;
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
    IF NEW.state = 'closed' AND OLD.state = 'closed' AND is_erased(to_jsonb(OLD), to_jsonb(NEW), ARRAY['reopen_reason'])
        AND EXISTS (SELECT 1 FROM erasing_corrected WHERE id = OLD.session_id AND reason = OLD.reopen_reason) THEN
        RETURN NEW;
    END IF;
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

-- What was told of a session names who taught it.
CREATE FUNCTION session_changes_are_erased() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF to_jsonb(NEW) - 'before_values' - 'after_values' <> to_jsonb(OLD) - 'before_values' - 'after_values'
        OR (NEW.after_values IS NULL) <> (OLD.after_values IS NULL)
        OR NOT EXISTS (SELECT 1 FROM session_change_audience a WHERE a.change_id = OLD.id AND a.kind = 'instructor'
            AND a.resource_id IN (SELECT person_id FROM erasing)) THEN
        RAISE EXCEPTION 'muster:immutable';
    END IF;
    RETURN NEW;
END $$;
DROP TRIGGER session_changes_are_immutable ON session_changes;
CREATE TRIGGER session_changes_are_immutable BEFORE UPDATE ON session_changes FOR EACH ROW EXECUTE FUNCTION session_changes_are_erased();
CREATE TRIGGER session_changes_stay BEFORE DELETE ON session_changes FOR EACH ROW EXECUTE FUNCTION session_changes_are_immutable();
CREATE OR REPLACE FUNCTION session_instructors_open_update() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.session_id <> OLD.session_id OR NEW.person_id <> OLD.person_id
        OR (((SELECT state FROM sessions WHERE id = OLD.session_id FOR SHARE) = 'cancelled'
            OR EXISTS (SELECT 1 FROM roll_calls WHERE session_id = OLD.session_id AND state = 'closed'))
        AND (NEW.lead <> OLD.lead OR NEW.title IS NOT NULL OR NOT EXISTS (SELECT 1 FROM erasing WHERE person_id = OLD.person_id))) THEN
        RAISE EXCEPTION 'muster:session_closed';
    END IF;
    RETURN NEW;
END $$;

-- A file may be called after whom it is about, and what an import found was about them too.
CREATE OR REPLACE FUNCTION imports_are_undone_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF is_erased(to_jsonb(OLD), to_jsonb(NEW), ARRAY['file_name'])
        AND EXISTS (SELECT 1 FROM erased_imports e JOIN erasing x ON x.id = e.erasure_id WHERE e.import_id = OLD.id) THEN
        RETURN NULL;
    END IF;
    IF OLD.state <> 'committed' OR NEW.state <> 'undone' OR (to_jsonb(NEW) - 'state' - 'undone_at') <> (to_jsonb(OLD) - 'state' - 'undone_at')
        OR EXISTS (SELECT 1 FROM erased_imports WHERE import_id = OLD.id) THEN
        RAISE EXCEPTION 'muster:immutable';
    END IF;
    RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION import_effects_are_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.before_values IS NULL AND to_jsonb(NEW) - 'before_values' = to_jsonb(OLD) - 'before_values'
        AND EXISTS (SELECT 1 FROM erased_imports e JOIN erasing x ON x.id = e.erasure_id WHERE e.import_id = OLD.import_id) THEN
        RETURN NULL;
    END IF;
    IF NEW.version <> OLD.version + 2 OR (to_jsonb(NEW) - 'version') <> (to_jsonb(OLD) - 'version') THEN
        RAISE EXCEPTION 'muster:immutable';
    END IF;
    RETURN NULL;
END $$;

-- A payload goes with the erasure that says so, and does not come back.
CREATE OR REPLACE FUNCTION journal_payloads_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM erased_payloads e JOIN erasing x ON x.id = e.erasure_id WHERE e.entry_id = OLD.entry_id) THEN
        RAISE EXCEPTION 'muster:immutable';
    END IF;
    RETURN OLD;
END $$;
CREATE FUNCTION journal_payloads_stay_erased() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM erased_payloads WHERE entry_id = NEW.entry_id) THEN
        RAISE EXCEPTION 'muster:immutable';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER journal_payloads_stay_erased BEFORE INSERT ON journal_payloads FOR EACH ROW EXECUTE FUNCTION journal_payloads_stay_erased();
