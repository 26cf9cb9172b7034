CREATE TABLE programs (
    id uuid NOT NULL PRIMARY KEY,
    provider_id uuid NOT NULL REFERENCES organizations (id),
    code text NOT NULL CHECK (length(code) BETWEEN 1 AND 64),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    latin_name text CHECK (length(latin_name) BETWEEN 1 AND 200),
    version integer NOT NULL DEFAULT 1 CHECK (version > 0),
    created_at timestamptz NOT NULL,
    UNIQUE (provider_id, code)
);

-- The plan as confirmed. Once it leaves draft its content never changes; triggers hold that.
CREATE TABLE program_versions (
    id uuid NOT NULL PRIMARY KEY,
    program_id uuid NOT NULL REFERENCES programs (id),
    number integer NOT NULL CHECK (number > 0),
    state text NOT NULL CHECK (state IN ('draft', 'confirmed', 'retired')),
    total_minutes integer NOT NULL CHECK (total_minutes > 0),
    minutes_per_hour integer NOT NULL CHECK (minutes_per_hour BETWEEN 1 AND 120),
    authorized_absence_counts boolean NOT NULL,
    minimum_attendance_percent integer CHECK (minimum_attendance_percent BETWEEN 1 AND 100),
    version integer NOT NULL DEFAULT 1 CHECK (version > 0),
    created_at timestamptz NOT NULL,
    UNIQUE (program_id, number)
);

CREATE TABLE disciplines (
    id uuid NOT NULL PRIMARY KEY,
    program_version_id uuid NOT NULL REFERENCES program_versions (id),
    position integer NOT NULL,
    code text NOT NULL CHECK (length(code) BETWEEN 1 AND 64),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    latin_name text CHECK (length(latin_name) BETWEEN 1 AND 200),
    UNIQUE (program_version_id, code),
    UNIQUE (id, program_version_id)
);

-- A module without a discipline is common to all of them.
CREATE TABLE modules (
    id uuid NOT NULL PRIMARY KEY,
    program_version_id uuid NOT NULL REFERENCES program_versions (id),
    discipline_id uuid,
    position integer NOT NULL,
    code text NOT NULL CHECK (length(code) BETWEEN 1 AND 64),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    latin_name text CHECK (length(latin_name) BETWEEN 1 AND 200),
    kind text NOT NULL CHECK (kind IN ('theory', 'practice', 'on_the_job', 'self_study')),
    planned_minutes integer NOT NULL CHECK (planned_minutes > 0),
    UNIQUE (program_version_id, code),
    UNIQUE (id, program_version_id),
    FOREIGN KEY (discipline_id, program_version_id) REFERENCES disciplines (id, program_version_id)
);
CREATE INDEX modules_discipline ON modules (discipline_id, program_version_id);

CREATE FUNCTION program_versions_steps() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state <> OLD.state AND (OLD.state || '>' || NEW.state) NOT IN ('draft>confirmed', 'confirmed>retired') THEN
        RAISE EXCEPTION 'muster:illegal_transition';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER program_versions_steps BEFORE UPDATE ON program_versions FOR EACH ROW EXECUTE FUNCTION program_versions_steps();

CREATE FUNCTION program_versions_are_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state <> 'draft' AND (NEW.program_id IS DISTINCT FROM OLD.program_id OR NEW.number <> OLD.number OR NEW.total_minutes <> OLD.total_minutes
        OR NEW.minutes_per_hour <> OLD.minutes_per_hour OR NEW.authorized_absence_counts <> OLD.authorized_absence_counts
        OR NEW.minimum_attendance_percent IS DISTINCT FROM OLD.minimum_attendance_percent) THEN
        RAISE EXCEPTION 'muster:version_confirmed';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER program_versions_are_immutable BEFORE UPDATE ON program_versions FOR EACH ROW EXECUTE FUNCTION program_versions_are_immutable();

CREATE FUNCTION program_versions_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state <> 'draft' THEN
        RAISE EXCEPTION 'muster:version_confirmed';
    END IF;
    RETURN OLD;
END $$;
CREATE TRIGGER program_versions_stay BEFORE DELETE ON program_versions FOR EACH ROW EXECUTE FUNCTION program_versions_stay();

CREATE FUNCTION program_versions_add_up() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state = 'confirmed' AND OLD.state = 'draft'
        AND NEW.total_minutes IS DISTINCT FROM (SELECT sum(planned_minutes) FROM modules WHERE program_version_id = NEW.id) THEN
        RAISE EXCEPTION 'muster:hours_do_not_add_up';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER program_versions_add_up BEFORE UPDATE OF state ON program_versions FOR EACH ROW EXECUTE FUNCTION program_versions_add_up();

CREATE FUNCTION program_versions_begin_as_draft() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state <> 'draft' THEN
        RAISE EXCEPTION 'muster:illegal_transition';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER program_versions_begin_as_draft BEFORE INSERT ON program_versions FOR EACH ROW EXECUTE FUNCTION program_versions_begin_as_draft();

-- FOR SHARE, so that nobody confirms the version while its content changes.
CREATE FUNCTION disciplines_insert_in_draft() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT state FROM program_versions WHERE id = NEW.program_version_id FOR SHARE) <> 'draft' THEN
        RAISE EXCEPTION 'muster:version_confirmed';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER disciplines_insert_in_draft BEFORE INSERT ON disciplines FOR EACH ROW EXECUTE FUNCTION disciplines_insert_in_draft();

CREATE FUNCTION disciplines_update_in_draft() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT state FROM program_versions WHERE id = OLD.program_version_id FOR SHARE) <> 'draft'
        OR (SELECT state FROM program_versions WHERE id = NEW.program_version_id FOR SHARE) <> 'draft' THEN
        RAISE EXCEPTION 'muster:version_confirmed';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER disciplines_update_in_draft BEFORE UPDATE ON disciplines FOR EACH ROW EXECUTE FUNCTION disciplines_update_in_draft();

CREATE FUNCTION disciplines_delete_in_draft() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT state FROM program_versions WHERE id = OLD.program_version_id FOR SHARE) <> 'draft' THEN
        RAISE EXCEPTION 'muster:version_confirmed';
    END IF;
    RETURN OLD;
END $$;
CREATE TRIGGER disciplines_delete_in_draft BEFORE DELETE ON disciplines FOR EACH ROW EXECUTE FUNCTION disciplines_delete_in_draft();

CREATE FUNCTION modules_insert_in_draft() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT state FROM program_versions WHERE id = NEW.program_version_id FOR SHARE) <> 'draft' THEN
        RAISE EXCEPTION 'muster:version_confirmed';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER modules_insert_in_draft BEFORE INSERT ON modules FOR EACH ROW EXECUTE FUNCTION modules_insert_in_draft();

CREATE FUNCTION modules_update_in_draft() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT state FROM program_versions WHERE id = OLD.program_version_id FOR SHARE) <> 'draft'
        OR (SELECT state FROM program_versions WHERE id = NEW.program_version_id FOR SHARE) <> 'draft' THEN
        RAISE EXCEPTION 'muster:version_confirmed';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER modules_update_in_draft BEFORE UPDATE ON modules FOR EACH ROW EXECUTE FUNCTION modules_update_in_draft();

CREATE FUNCTION modules_delete_in_draft() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT state FROM program_versions WHERE id = OLD.program_version_id FOR SHARE) <> 'draft' THEN
        RAISE EXCEPTION 'muster:version_confirmed';
    END IF;
    RETURN OLD;
END $$;
CREATE TRIGGER modules_delete_in_draft BEFORE DELETE ON modules FOR EACH ROW EXECUTE FUNCTION modules_delete_in_draft();

-- TRUNCATE fires no row triggers.
CREATE FUNCTION is_not_truncated() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'muster:immutable';
END $$;
CREATE TRIGGER program_versions_are_not_truncated BEFORE TRUNCATE ON program_versions FOR EACH STATEMENT EXECUTE FUNCTION is_not_truncated();
CREATE TRIGGER disciplines_are_not_truncated BEFORE TRUNCATE ON disciplines FOR EACH STATEMENT EXECUTE FUNCTION is_not_truncated();
CREATE TRIGGER modules_are_not_truncated BEFORE TRUNCATE ON modules FOR EACH STATEMENT EXECUTE FUNCTION is_not_truncated();
