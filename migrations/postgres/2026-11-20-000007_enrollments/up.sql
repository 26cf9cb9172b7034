CREATE TABLE enrollments (
    id uuid NOT NULL PRIMARY KEY,
    intake_id uuid NOT NULL,
    program_version_id uuid NOT NULL,
    person_id uuid NOT NULL REFERENCES people (id),
    discipline_id uuid NOT NULL,
    sponsor_id uuid NOT NULL REFERENCES organizations (id),
    -- The unit at the time of enrolling (the sponsor itself where it has none); it decides which partner sees the row.
    unit_id uuid NOT NULL REFERENCES organizations (id),
    cohort_id uuid,
    payer_id uuid REFERENCES organizations (id),
    funding text CHECK (length(funding) BETWEEN 1 AND 200),
    crew text CHECK (length(crew) BETWEEN 1 AND 64),
    state text NOT NULL CHECK (state IN ('nominated', 'applied', 'waitlisted', 'offered', 'approved', 'enrolled', 'suspended', 'completed', 'failed', 'withdrawn', 'rejected', 'transferred')),
    -- How whoever has withdrawn came to it.
    withdrawal text CHECK (withdrawal IN ('left', 'never_arrived', 'declined', 'offer_expired', 'replaced', 'intake_cancelled')),
    -- Whose place it took over: seat, quota and all, even where these are full.
    replaces_id uuid REFERENCES enrollments (id),
    -- From which enrollment the same person came here.
    transferred_from_id uuid REFERENCES enrollments (id),
    -- Where it waits or waited: the higher priority first, and then the lower position. Given once.
    priority smallint,
    position integer CHECK (position > 0),
    -- Until when an offered seat is kept.
    offer_expires_at timestamptz,
    -- From when they are in the cohort, if a move gave a day.
    cohort_from_at timestamptz,
    version integer NOT NULL DEFAULT 1 CHECK (version > 0),
    created_at timestamptz NOT NULL,
    CHECK ((state = 'withdrawn') = (withdrawal IS NOT NULL)),
    CHECK ((priority IS NULL) = (position IS NULL)),
    CHECK (state <> 'waitlisted' OR position IS NOT NULL),
    CHECK ((state = 'offered') = (offer_expires_at IS NOT NULL)),
    UNIQUE (intake_id, id),
    FOREIGN KEY (intake_id, program_version_id) REFERENCES intakes (id, program_version_id),
    FOREIGN KEY (discipline_id, program_version_id) REFERENCES disciplines (id, program_version_id),
    FOREIGN KEY (cohort_id, intake_id, discipline_id) REFERENCES cohorts (id, intake_id, discipline_id),
    FOREIGN KEY (sponsor_id, unit_id) REFERENCES organization_tree (ancestor_id, descendant_id)
);
CREATE INDEX enrollments_intake ON enrollments (intake_id, program_version_id);
CREATE INDEX enrollments_person ON enrollments (person_id);
CREATE INDEX enrollments_discipline ON enrollments (discipline_id, program_version_id);
CREATE INDEX enrollments_cohort ON enrollments (cohort_id, intake_id, discipline_id);
CREATE INDEX enrollments_sponsor_unit ON enrollments (sponsor_id, unit_id);
CREATE INDEX enrollments_unit ON enrollments (unit_id);
CREATE INDEX enrollments_payer ON enrollments (payer_id);
-- No two wait in one place.
CREATE UNIQUE INDEX enrollments_waitlist ON enrollments (intake_id, position) WHERE state = 'waitlisted';
-- A place is taken over once, and gone on from once.
CREATE UNIQUE INDEX enrollments_transferred_from ON enrollments (transferred_from_id);
CREATE UNIQUE INDEX enrollments_replaces ON enrollments (replaces_id);
-- One open enrollment for each person in an intake.
CREATE UNIQUE INDEX enrollments_one_open ON enrollments (intake_id, person_id)
    WHERE state NOT IN ('rejected', 'withdrawn', 'transferred');

-- Where an enrollment stood from when to when: effective time beside the time recorded, half-open.
CREATE TABLE enrollment_periods (
    id uuid NOT NULL PRIMARY KEY,
    enrollment_id uuid NOT NULL REFERENCES enrollments (id),
    cohort_id uuid REFERENCES cohorts (id),
    state text NOT NULL CHECK (state IN ('nominated', 'applied', 'waitlisted', 'offered', 'approved', 'enrolled', 'suspended', 'completed', 'failed', 'withdrawn', 'rejected', 'transferred')),
    from_at timestamptz NOT NULL,
    until_at timestamptz,
    recorded_at timestamptz NOT NULL,
    CHECK (until_at IS NULL OR until_at > from_at)
);
CREATE UNIQUE INDEX enrollment_periods_from ON enrollment_periods (enrollment_id, from_at);
CREATE UNIQUE INDEX enrollment_periods_open ON enrollment_periods (enrollment_id) WHERE until_at IS NULL;
-- Who is expected of a session: the enrolled periods of its cohorts.
CREATE INDEX enrollment_periods_cohort ON enrollment_periods (cohort_id, state);

CREATE TABLE enrollment_steps (
    id uuid NOT NULL PRIMARY KEY,
    enrollment_id uuid NOT NULL REFERENCES enrollments (id),
    from_state text,
    to_state text NOT NULL,
    effective_at timestamptz NOT NULL,
    reason text CHECK (length(reason) BETWEEN 1 AND 2000),
    user_id uuid REFERENCES users (id),
    recorded_at timestamptz NOT NULL
);
CREATE INDEX enrollment_steps_enrollment ON enrollment_steps (enrollment_id);
CREATE INDEX enrollment_steps_user ON enrollment_steps (user_id);

-- Seats: a statement that takes seats is refused when they would exceed the capacity or the sponsor's quota, unless they are taken over
-- from others. It runs once a statement, on the difference, because ten thousand updates of one intake row in one transaction are quadratic here.
CREATE FUNCTION enrollments_take_seats(taking uuid, sponsor uuid, delta bigint, taken_over boolean) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF delta = 0 THEN
        RETURN;
    END IF;
    UPDATE intakes SET seats_taken = seats_taken + delta
        WHERE id = taking AND (taken_over OR delta < 0 OR capacity IS NULL OR seats_taken + delta <= capacity);
    IF NOT FOUND THEN
        RAISE EXCEPTION 'muster:capacity_full';
    END IF;
    INSERT INTO intake_sponsors (intake_id, sponsor_id) VALUES (taking, sponsor) ON CONFLICT DO NOTHING;
    UPDATE intake_sponsors SET seats_taken = seats_taken + delta
        WHERE intake_id = taking AND sponsor_id = sponsor AND (taken_over OR delta < 0 OR seats IS NULL OR seats_taken + delta <= seats);
    IF NOT FOUND THEN
        RAISE EXCEPTION 'muster:quota_full';
    END IF;
END $$;

CREATE FUNCTION enrollment_state_is_seated(state text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT state IN ('offered', 'approved', 'enrolled', 'suspended', 'completed', 'failed')
$$;

-- Whoever replaces somebody, or goes on within one intake and unit in another discipline, takes over the seat.
CREATE FUNCTION enrollment_takes_over(enrollment enrollments) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT enrollment.replaces_id IS NOT NULL OR EXISTS (SELECT 1 FROM enrollments e
        WHERE e.id = enrollment.transferred_from_id AND e.intake_id = enrollment.intake_id AND e.unit_id = enrollment.unit_id)
$$;

CREATE FUNCTION enrollments_seat_on_insert() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM enrollments_take_seats(d.intake_id, d.sponsor_id, d.delta, d.taken_over) FROM (
        SELECT intake_id, sponsor_id, enrollment_takes_over(new_rows) AS taken_over, count(*) AS delta FROM new_rows
        WHERE enrollment_state_is_seated(state) GROUP BY intake_id, sponsor_id, taken_over ORDER BY intake_id, sponsor_id, taken_over) d;
    RETURN NULL;
END $$;
CREATE TRIGGER enrollments_seat_on_insert AFTER INSERT ON enrollments
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION enrollments_seat_on_insert();

CREATE FUNCTION enrollments_seat_on_update() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM enrollments_take_seats(d.intake_id, d.sponsor_id, d.delta, false) FROM (
        SELECT intake_id, sponsor_id, sum(delta)::bigint AS delta FROM (
            SELECT intake_id, sponsor_id, -1 AS delta FROM old_rows WHERE enrollment_state_is_seated(state)
            UNION ALL
            SELECT intake_id, sponsor_id, 1 FROM new_rows WHERE enrollment_state_is_seated(state)) moves
        GROUP BY intake_id, sponsor_id ORDER BY sum(delta), intake_id, sponsor_id) d;
    RETURN NULL;
END $$;
CREATE TRIGGER enrollments_seat_on_update AFTER UPDATE ON enrollments
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION enrollments_seat_on_update();

CREATE FUNCTION enrollments_seat_on_delete() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM enrollments_take_seats(d.intake_id, d.sponsor_id, d.delta, false) FROM (
        SELECT intake_id, sponsor_id, -count(*) AS delta FROM old_rows
        WHERE enrollment_state_is_seated(state) GROUP BY intake_id, sponsor_id ORDER BY intake_id, sponsor_id) d;
    RETURN NULL;
END $$;
CREATE TRIGGER enrollments_seat_on_delete AFTER DELETE ON enrollments
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION enrollments_seat_on_delete();

-- Whoever takes over a place has what that one had: what its last step, which was to be replaced, led out of.
CREATE FUNCTION enrollments_replace_exactly() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.replaces_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM enrollments e
        JOIN enrollment_steps s ON s.enrollment_id = e.id AND s.to_state = e.state AND s.from_state = NEW.state
        WHERE e.id = NEW.replaces_id AND e.withdrawal = 'replaced' AND e.person_id <> NEW.person_id AND e.intake_id = NEW.intake_id
            AND e.sponsor_id = NEW.sponsor_id AND e.unit_id = NEW.unit_id AND e.discipline_id = NEW.discipline_id
            AND e.cohort_id IS NOT DISTINCT FROM NEW.cohort_id) THEN
        RAISE EXCEPTION 'muster:replacement_differs';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER enrollments_replace_exactly BEFORE INSERT ON enrollments FOR EACH ROW EXECUTE FUNCTION enrollments_replace_exactly();

CREATE FUNCTION enrollments_go_on_as_the_same() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.transferred_from_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM enrollments e
        WHERE e.id = NEW.transferred_from_id AND e.state = 'transferred' AND e.person_id = NEW.person_id AND e.sponsor_id = NEW.sponsor_id) THEN
        RAISE EXCEPTION 'muster:transfer_differs';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER enrollments_go_on_as_the_same BEFORE INSERT ON enrollments
    FOR EACH ROW EXECUTE FUNCTION enrollments_go_on_as_the_same();

CREATE FUNCTION enrollments_keep_their_place() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.replaces_id IS DISTINCT FROM OLD.replaces_id OR NEW.transferred_from_id IS DISTINCT FROM OLD.transferred_from_id
        OR (OLD.position IS NOT NULL AND (NEW.priority IS DISTINCT FROM OLD.priority OR NEW.position IS DISTINCT FROM OLD.position)) THEN
        RAISE EXCEPTION 'muster:immutable';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER enrollments_keep_their_place AFTER UPDATE ON enrollments
    FOR EACH ROW EXECUTE FUNCTION enrollments_keep_their_place();

-- The steps of the life cycle, and no others; what was decided stays so.
CREATE FUNCTION enrollments_take_legal_steps() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state <> OLD.state AND (OLD.state || '>' || NEW.state) NOT IN
    ('nominated>approved', 'nominated>waitlisted', 'nominated>offered', 'nominated>rejected', 'nominated>withdrawn',
    'applied>approved', 'applied>waitlisted', 'applied>offered', 'applied>rejected', 'applied>withdrawn',
    'waitlisted>approved', 'waitlisted>offered', 'waitlisted>rejected', 'waitlisted>withdrawn',
    'offered>approved', 'offered>rejected', 'offered>withdrawn', 'approved>enrolled', 'approved>withdrawn',
    'enrolled>suspended', 'enrolled>completed', 'enrolled>failed', 'enrolled>transferred', 'enrolled>withdrawn',
    'suspended>enrolled', 'suspended>transferred', 'suspended>withdrawn') THEN
        RAISE EXCEPTION 'muster:illegal_transition';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER enrollments_take_legal_steps AFTER UPDATE ON enrollments
    FOR EACH ROW EXECUTE FUNCTION enrollments_take_legal_steps();

CREATE FUNCTION enrollment_periods_apart() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Two transactions that add a period to one enrollment go one after the other. By its row: of advisory locks the server has
    -- room for some thousands, and an import adds ten thousand periods in one transaction.
    PERFORM 1 FROM enrollments WHERE id = NEW.enrollment_id FOR NO KEY UPDATE;
    IF EXISTS (SELECT 1 FROM enrollment_periods p WHERE p.enrollment_id = NEW.enrollment_id AND p.id <> NEW.id
            AND (NEW.until_at IS NULL OR p.from_at < NEW.until_at) AND (p.until_at IS NULL OR p.until_at > NEW.from_at)) THEN
        RAISE EXCEPTION 'muster:periods_overlap';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER enrollment_periods_apart BEFORE INSERT OR UPDATE ON enrollment_periods
    FOR EACH ROW EXECUTE FUNCTION enrollment_periods_apart();

CREATE FUNCTION enrollment_steps_are_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'muster:immutable';
END $$;
CREATE TRIGGER enrollment_steps_are_immutable BEFORE UPDATE ON enrollment_steps FOR EACH ROW EXECUTE FUNCTION enrollment_steps_are_immutable();
CREATE TRIGGER enrollment_periods_are_not_truncated BEFORE TRUNCATE ON enrollment_periods FOR EACH STATEMENT EXECUTE FUNCTION is_not_truncated();
CREATE TRIGGER enrollment_steps_are_not_truncated BEFORE TRUNCATE ON enrollment_steps FOR EACH STATEMENT EXECUTE FUNCTION is_not_truncated();
