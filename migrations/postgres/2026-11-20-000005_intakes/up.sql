CREATE TABLE intakes (
    id uuid NOT NULL PRIMARY KEY,
    program_version_id uuid NOT NULL REFERENCES program_versions (id),
    provider_id uuid NOT NULL REFERENCES organizations (id),
    code text NOT NULL CHECK (length(code) BETWEEN 1 AND 64),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    phase integer CHECK (phase > 0),
    state text NOT NULL CHECK (state IN ('planned', 'enrolling', 'running', 'completed', 'cancelled')),
    time_zone text NOT NULL,
    opens_on date NOT NULL,
    closes_on date NOT NULL,
    mode text NOT NULL CHECK (mode IN ('on_site', 'live_online', 'mixed', 'recorded')),
    capacity integer CHECK (capacity >= 0),
    -- Whether people may wait for a seat, and how many days an offer of one stands; null: seats are not offered but given.
    waitlist boolean NOT NULL DEFAULT false,
    offer_days integer CHECK (offer_days BETWEEN 1 AND 365),
    roll_call_due_hours integer CHECK (roll_call_due_hours BETWEEN 1 AND 720),
    close_after_hours integer CHECK (close_after_hours BETWEEN 1 AND 720),
    -- For how many days after a closing those who were called may ask for a correction; null if only a coordinator does.
    correction_days integer CHECK (correction_days BETWEEN 0 AND 366),
    -- Kept by the triggers on enrollments; the seat rules compare against it.
    seats_taken integer NOT NULL DEFAULT 0 CHECK (seats_taken >= 0),
    predecessor_id uuid REFERENCES intakes (id),
    -- Whose days off its sessions are held against; 000012 says that it is one of the provider's.
    holiday_calendar_id uuid,
    opening_approval_required boolean NOT NULL,
    opening_approved_at timestamptz,
    -- Bumped by every transaction that changes what a report of this intake shows.
    report_version bigint NOT NULL DEFAULT 0,
    version integer NOT NULL DEFAULT 1 CHECK (version > 0),
    created_at timestamptz NOT NULL,
    CHECK (closes_on >= opens_on),
    UNIQUE (provider_id, code),
    UNIQUE (id, program_version_id)
);
CREATE INDEX intakes_program_version ON intakes (program_version_id);
CREATE INDEX intakes_predecessor ON intakes (predecessor_id);
CREATE INDEX intakes_holiday_calendar ON intakes (holiday_calendar_id, provider_id);

-- A sponsor's part in an intake: its seat quota (none: only the capacity limits it), seats taken and report version.
CREATE TABLE intake_sponsors (
    intake_id uuid NOT NULL REFERENCES intakes (id),
    sponsor_id uuid NOT NULL REFERENCES organizations (id),
    seats integer CHECK (seats >= 0),
    seats_taken integer NOT NULL DEFAULT 0 CHECK (seats_taken >= 0),
    report_version bigint NOT NULL DEFAULT 0,
    version integer NOT NULL DEFAULT 1 CHECK (version > 0),
    PRIMARY KEY (intake_id, sponsor_id)
);
CREATE INDEX intake_sponsors_sponsor ON intake_sponsors (sponsor_id);

-- A signed-off change of one intake's module hours; the program version stays as it was.
CREATE TABLE amendments (
    id uuid NOT NULL PRIMARY KEY,
    intake_id uuid NOT NULL,
    program_version_id uuid NOT NULL,
    module_id uuid NOT NULL,
    delta_minutes integer NOT NULL CHECK (delta_minutes <> 0),
    reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 2000),
    user_id uuid REFERENCES users (id),
    created_at timestamptz NOT NULL,
    FOREIGN KEY (intake_id, program_version_id) REFERENCES intakes (id, program_version_id),
    FOREIGN KEY (module_id, program_version_id) REFERENCES modules (id, program_version_id)
);
CREATE INDEX amendments_intake ON amendments (intake_id, program_version_id);
CREATE INDEX amendments_module ON amendments (module_id, program_version_id);
CREATE INDEX amendments_user ON amendments (user_id);

-- The trainees of an intake who are taught together, of one discipline.
CREATE TABLE cohorts (
    id uuid NOT NULL PRIMARY KEY,
    intake_id uuid NOT NULL,
    program_version_id uuid NOT NULL,
    discipline_id uuid NOT NULL,
    code text NOT NULL CHECK (length(code) BETWEEN 1 AND 64),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    adviser_id uuid REFERENCES people (id),
    version integer NOT NULL DEFAULT 1 CHECK (version > 0),
    created_at timestamptz NOT NULL,
    UNIQUE (intake_id, code),
    UNIQUE (id, intake_id),
    UNIQUE (id, intake_id, discipline_id),
    FOREIGN KEY (intake_id, program_version_id) REFERENCES intakes (id, program_version_id),
    FOREIGN KEY (discipline_id, program_version_id) REFERENCES disciplines (id, program_version_id)
);
CREATE INDEX cohorts_intake ON cohorts (intake_id, program_version_id);
CREATE INDEX cohorts_discipline ON cohorts (discipline_id, program_version_id);
CREATE INDEX cohorts_adviser ON cohorts (adviser_id);

CREATE FUNCTION intakes_need_a_confirmed_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- FOR SHARE, so that nobody retires the version meanwhile.
    IF (SELECT state FROM program_versions WHERE id = NEW.program_version_id FOR SHARE) <> 'confirmed' THEN
        RAISE EXCEPTION 'muster:version_not_confirmed';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER intakes_need_a_confirmed_version BEFORE INSERT ON intakes FOR EACH ROW EXECUTE FUNCTION intakes_need_a_confirmed_version();

CREATE FUNCTION intakes_pin_their_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.program_version_id IS DISTINCT FROM OLD.program_version_id OR NEW.provider_id IS DISTINCT FROM OLD.provider_id THEN
        RAISE EXCEPTION 'muster:version_pinned';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER intakes_pin_their_version BEFORE UPDATE OF program_version_id, provider_id ON intakes FOR EACH ROW EXECUTE FUNCTION intakes_pin_their_version();

CREATE FUNCTION intakes_begin_as_planned() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state <> 'planned' THEN
        RAISE EXCEPTION 'muster:illegal_transition';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER intakes_begin_as_planned BEFORE INSERT ON intakes FOR EACH ROW EXECUTE FUNCTION intakes_begin_as_planned();

CREATE FUNCTION intakes_steps() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state <> OLD.state AND (OLD.state || '>' || NEW.state) NOT IN
        ('planned>enrolling', 'enrolling>running', 'running>completed', 'planned>cancelled', 'enrolling>cancelled', 'running>cancelled') THEN
        RAISE EXCEPTION 'muster:illegal_transition';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER intakes_steps BEFORE UPDATE ON intakes FOR EACH ROW EXECUTE FUNCTION intakes_steps();

CREATE FUNCTION amendments_are_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'muster:immutable';
END $$;
CREATE TRIGGER amendments_are_immutable BEFORE UPDATE ON amendments FOR EACH ROW EXECUTE FUNCTION amendments_are_immutable();

CREATE FUNCTION amendments_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'muster:immutable';
END $$;
CREATE TRIGGER amendments_stay BEFORE DELETE ON amendments FOR EACH ROW EXECUTE FUNCTION amendments_stay();
CREATE TRIGGER amendments_are_not_truncated BEFORE TRUNCATE ON amendments FOR EACH STATEMENT EXECUTE FUNCTION is_not_truncated();
