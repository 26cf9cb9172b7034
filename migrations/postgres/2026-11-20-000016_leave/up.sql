-- Leave that was asked for, for one enrollment or for a crew of a sponsor, from when to when (half-open).
CREATE TABLE leave_requests (
    id uuid NOT NULL PRIMARY KEY,
    intake_id uuid NOT NULL REFERENCES intakes (id),
    kind text NOT NULL CHECK (kind IN ('sick', 'personal', 'work', 'other')),
    -- Of a crew: whose it is, and its code. Who was in it then stands in leave_enrollments.
    sponsor_id uuid REFERENCES organizations (id),
    crew text CHECK (length(crew) BETWEEN 1 AND 64),
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 2000),
    state text NOT NULL CHECK (state IN ('asked', 'endorsed', 'granted', 'refused', 'withdrawn')),
    -- Who asked.
    user_id uuid REFERENCES users (id),
    version integer NOT NULL DEFAULT 1 CHECK (version > 0),
    created_at timestamptz NOT NULL,
    UNIQUE (id, intake_id),
    CHECK (ends_at > starts_at),
    CHECK ((crew IS NULL) = (sponsor_id IS NULL))
);
CREATE INDEX leave_requests_intake ON leave_requests (intake_id, starts_at);
CREATE INDEX leave_requests_sponsor ON leave_requests (sponsor_id);
CREATE INDEX leave_requests_user ON leave_requests (user_id);

-- For whom, as it was when leave was asked for.
CREATE TABLE leave_enrollments (
    leave_request_id uuid NOT NULL,
    enrollment_id uuid NOT NULL,
    intake_id uuid NOT NULL,
    PRIMARY KEY (leave_request_id, enrollment_id),
    FOREIGN KEY (leave_request_id, intake_id) REFERENCES leave_requests (id, intake_id),
    FOREIGN KEY (intake_id, enrollment_id) REFERENCES enrollments (intake_id, id)
);
CREATE INDEX leave_enrollments_request ON leave_enrollments (leave_request_id, intake_id);
CREATE INDEX leave_enrollments_enrollment ON leave_enrollments (enrollment_id);
CREATE INDEX leave_enrollments_intake ON leave_enrollments (intake_id, enrollment_id);

-- Every step of a request, kept for ever. It comes to each state once at most.
CREATE TABLE leave_steps (
    leave_request_id uuid NOT NULL REFERENCES leave_requests (id),
    to_state text NOT NULL,
    from_state text,
    reason text CHECK (length(reason) BETWEEN 1 AND 2000),
    role text NOT NULL,
    user_id uuid REFERENCES users (id),
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (leave_request_id, to_state),
    CHECK (coalesce(from_state, '') || '>' || to_state IN ('>asked', 'asked>endorsed', 'asked>granted', 'endorsed>granted', 'asked>refused',
        'endorsed>refused', 'asked>withdrawn', 'endorsed>withdrawn', 'granted>withdrawn')),
    CHECK (reason IS NOT NULL OR (to_state <> 'refused' AND coalesce(from_state, '') <> 'granted'))
);
CREATE INDEX leave_steps_user ON leave_steps (user_id);

CREATE FUNCTION leave_requests_begin_as_asked() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state <> 'asked' THEN
        RAISE EXCEPTION 'muster:illegal_transition';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER leave_requests_begin_as_asked BEFORE INSERT ON leave_requests FOR EACH ROW EXECUTE FUNCTION leave_requests_begin_as_asked();

-- What was asked for stays; another span or another reason is another request.
CREATE FUNCTION leave_requests_steps() RETURNS trigger LANGUAGE plpgsql AS $$
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
CREATE TRIGGER leave_requests_steps AFTER UPDATE ON leave_requests FOR EACH ROW EXECUTE FUNCTION leave_requests_steps();

-- Nobody is added to a request after it was made, and a crew is one sponsor's.
CREATE FUNCTION leave_enrollments_insert_first() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM leave_steps WHERE leave_request_id = NEW.leave_request_id) THEN
        RAISE EXCEPTION 'muster:immutable';
    END IF;
    IF EXISTS (SELECT 1 FROM leave_requests r JOIN enrollments e ON e.id = NEW.enrollment_id
        WHERE r.id = NEW.leave_request_id AND r.sponsor_id <> e.sponsor_id) THEN
        RAISE EXCEPTION 'muster:of_another_sponsor';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER leave_enrollments_insert_first BEFORE INSERT ON leave_enrollments FOR EACH ROW EXECUTE FUNCTION leave_enrollments_insert_first();

-- A step is told once the request has taken it.
CREATE FUNCTION leave_steps_insert_as_taken() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.to_state IS DISTINCT FROM (SELECT state FROM leave_requests WHERE id = NEW.leave_request_id FOR SHARE) THEN
        RAISE EXCEPTION 'muster:illegal_transition';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER leave_steps_insert_as_taken BEFORE INSERT ON leave_steps FOR EACH ROW EXECUTE FUNCTION leave_steps_insert_as_taken();

CREATE FUNCTION leave_is_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'muster:immutable';
END $$;
CREATE TRIGGER leave_requests_stay BEFORE DELETE ON leave_requests FOR EACH ROW EXECUTE FUNCTION leave_is_immutable();
CREATE TRIGGER leave_enrollments_are_immutable BEFORE UPDATE OR DELETE ON leave_enrollments FOR EACH ROW EXECUTE FUNCTION leave_is_immutable();
CREATE TRIGGER leave_steps_are_immutable BEFORE UPDATE OR DELETE ON leave_steps FOR EACH ROW EXECUTE FUNCTION leave_is_immutable();
CREATE TRIGGER leave_requests_are_not_truncated BEFORE TRUNCATE ON leave_requests FOR EACH STATEMENT EXECUTE FUNCTION is_not_truncated();
CREATE TRIGGER leave_enrollments_are_not_truncated BEFORE TRUNCATE ON leave_enrollments FOR EACH STATEMENT EXECUTE FUNCTION is_not_truncated();
CREATE TRIGGER leave_steps_are_not_truncated BEFORE TRUNCATE ON leave_steps FOR EACH STATEMENT EXECUTE FUNCTION is_not_truncated();

-- What somebody asks a closed roll call to say of an enrollment instead.
CREATE TABLE correction_requests (
    id uuid NOT NULL PRIMARY KEY,
    session_id uuid NOT NULL,
    enrollment_id uuid NOT NULL,
    intake_id uuid NOT NULL,
    code text NOT NULL CHECK (code IN ('present', 'late', 'left_early', 'absent', 'excused', 'exempt')),
    minutes integer CHECK (minutes >= 0),
    segments text CHECK (length(segments) BETWEEN 1 AND 20000),
    statement text NOT NULL CHECK (length(statement) BETWEEN 1 AND 2000),
    state text NOT NULL CHECK (state IN ('asked', 'accepted', 'refused', 'withdrawn')),
    -- Who asked, and in which role.
    role text NOT NULL,
    user_id uuid REFERENCES users (id),
    -- Who accepted, refused or withdrew it, when, and why.
    decided_by uuid REFERENCES users (id),
    decided_at timestamptz,
    reason text CHECK (length(reason) BETWEEN 1 AND 2000),
    version integer NOT NULL DEFAULT 1 CHECK (version > 0),
    created_at timestamptz NOT NULL,
    CHECK (segments IS NULL OR minutes IS NOT NULL),
    CHECK ((state = 'asked') = (decided_at IS NULL)),
    CHECK (state <> 'asked' OR (decided_by IS NULL AND reason IS NULL)),
    CHECK (state <> 'refused' OR reason IS NOT NULL),
    FOREIGN KEY (session_id, intake_id) REFERENCES sessions (id, intake_id),
    FOREIGN KEY (intake_id, enrollment_id) REFERENCES enrollments (intake_id, id)
);
CREATE INDEX correction_requests_session ON correction_requests (session_id, intake_id);
CREATE INDEX correction_requests_intake ON correction_requests (intake_id, enrollment_id);
CREATE INDEX correction_requests_enrollment ON correction_requests (enrollment_id);
CREATE INDEX correction_requests_user ON correction_requests (user_id);
CREATE INDEX correction_requests_decided_by ON correction_requests (decided_by);
-- One that waits for each line.
CREATE UNIQUE INDEX correction_requests_one_open ON correction_requests (session_id, enrollment_id) WHERE state = 'asked';

CREATE FUNCTION correction_requests_begin_as_asked() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state <> 'asked' THEN
        RAISE EXCEPTION 'muster:illegal_transition';
    END IF;
    -- What is to be corrected is a line of a closed roll call.
    IF NOT EXISTS (SELECT 1 FROM roll_calls r JOIN attendances a ON a.session_id = r.session_id
        WHERE r.session_id = NEW.session_id AND r.state = 'closed' AND a.enrollment_id = NEW.enrollment_id) THEN
        RAISE EXCEPTION 'muster:roll_call_not_closed';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER correction_requests_begin_as_asked BEFORE INSERT ON correction_requests
    FOR EACH ROW EXECUTE FUNCTION correction_requests_begin_as_asked();
CREATE FUNCTION correction_requests_are_decided_once() RETURNS trigger LANGUAGE plpgsql AS $$
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
CREATE TRIGGER correction_requests_are_decided_once AFTER UPDATE ON correction_requests
    FOR EACH ROW EXECUTE FUNCTION correction_requests_are_decided_once();
CREATE TRIGGER correction_requests_stay BEFORE DELETE ON correction_requests FOR EACH ROW EXECUTE FUNCTION leave_is_immutable();
CREATE TRIGGER correction_requests_are_not_truncated BEFORE TRUNCATE ON correction_requests FOR EACH STATEMENT EXECUTE FUNCTION is_not_truncated();
