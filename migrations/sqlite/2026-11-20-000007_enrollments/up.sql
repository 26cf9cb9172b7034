CREATE TABLE enrollments (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    intake_id BLOB NOT NULL CHECK (length(intake_id) = 16),
    program_version_id BLOB NOT NULL CHECK (length(program_version_id) = 16),
    person_id BLOB NOT NULL CHECK (length(person_id) = 16) REFERENCES people (id),
    discipline_id BLOB NOT NULL CHECK (length(discipline_id) = 16),
    sponsor_id BLOB NOT NULL CHECK (length(sponsor_id) = 16) REFERENCES organizations (id),
    -- The unit at the time of enrolling (the sponsor itself where it has none); it decides which partner sees the row.
    unit_id BLOB NOT NULL CHECK (length(unit_id) = 16) REFERENCES organizations (id),
    cohort_id BLOB CHECK (length(cohort_id) = 16),
    payer_id BLOB CHECK (length(payer_id) = 16) REFERENCES organizations (id),
    funding TEXT CHECK (length(funding) BETWEEN 1 AND 200),
    crew TEXT CHECK (length(crew) BETWEEN 1 AND 64),
    state TEXT NOT NULL CHECK (state IN ('nominated', 'applied', 'waitlisted', 'offered', 'approved', 'enrolled', 'suspended', 'completed', 'failed', 'withdrawn', 'rejected', 'transferred')),
    -- How whoever has withdrawn came to it.
    withdrawal TEXT CHECK (withdrawal IN ('left', 'never_arrived', 'declined', 'offer_expired', 'replaced', 'intake_cancelled')),
    -- Whose place it took over: seat, quota and all, even where these are full.
    replaces_id BLOB CHECK (length(replaces_id) = 16) REFERENCES enrollments (id),
    -- From which enrollment the same person came here.
    transferred_from_id BLOB CHECK (length(transferred_from_id) = 16) REFERENCES enrollments (id),
    -- Where it waits or waited: the higher priority first, and then the lower position. Given once.
    priority INTEGER CHECK (priority BETWEEN -32768 AND 32767),
    position INTEGER CHECK (position > 0),
    -- Until when an offered seat is kept.
    offer_expires_at INTEGER,
    -- From when they are in the cohort, if a move gave a day.
    cohort_from_at INTEGER,
    version INTEGER NOT NULL DEFAULT 1 CHECK (version > 0),
    created_at INTEGER NOT NULL,
    CHECK ((state = 'withdrawn') = (withdrawal IS NOT NULL)),
    CHECK ((priority IS NULL) = (position IS NULL)),
    CHECK (state <> 'waitlisted' OR position IS NOT NULL),
    CHECK ((state = 'offered') = (offer_expires_at IS NOT NULL)),
    UNIQUE (intake_id, id),
    FOREIGN KEY (intake_id, program_version_id) REFERENCES intakes (id, program_version_id),
    FOREIGN KEY (discipline_id, program_version_id) REFERENCES disciplines (id, program_version_id),
    FOREIGN KEY (cohort_id, intake_id, discipline_id) REFERENCES cohorts (id, intake_id, discipline_id),
    FOREIGN KEY (sponsor_id, unit_id) REFERENCES organization_tree (ancestor_id, descendant_id)
) STRICT;
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
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    enrollment_id BLOB NOT NULL CHECK (length(enrollment_id) = 16) REFERENCES enrollments (id),
    cohort_id BLOB CHECK (length(cohort_id) = 16) REFERENCES cohorts (id),
    state TEXT NOT NULL CHECK (state IN ('nominated', 'applied', 'waitlisted', 'offered', 'approved', 'enrolled', 'suspended', 'completed', 'failed', 'withdrawn', 'rejected', 'transferred')),
    from_at INTEGER NOT NULL,
    until_at INTEGER,
    recorded_at INTEGER NOT NULL,
    CHECK (until_at IS NULL OR until_at > from_at)
) STRICT;
CREATE UNIQUE INDEX enrollment_periods_from ON enrollment_periods (enrollment_id, from_at);
CREATE UNIQUE INDEX enrollment_periods_open ON enrollment_periods (enrollment_id) WHERE until_at IS NULL;
-- Who is expected of a session: the enrolled periods of its cohorts.
CREATE INDEX enrollment_periods_cohort ON enrollment_periods (cohort_id, state);

CREATE TABLE enrollment_steps (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    enrollment_id BLOB NOT NULL CHECK (length(enrollment_id) = 16) REFERENCES enrollments (id),
    from_state TEXT,
    to_state TEXT NOT NULL,
    effective_at INTEGER NOT NULL,
    reason TEXT CHECK (length(reason) BETWEEN 1 AND 2000),
    user_id BLOB CHECK (length(user_id) = 16) REFERENCES users (id),
    recorded_at INTEGER NOT NULL
) STRICT;
CREATE INDEX enrollment_steps_enrollment ON enrollment_steps (enrollment_id);
CREATE INDEX enrollment_steps_user ON enrollment_steps (user_id);

-- Seats: the row that takes a seat is refused while seats taken >= capacity or >= the sponsor's quota; one that takes over another's is not.
CREATE TRIGGER enrollments_seat_on_insert AFTER INSERT ON enrollments
WHEN NEW.state IN ('offered', 'approved', 'enrolled', 'suspended', 'completed', 'failed') BEGIN
    -- Not OR IGNORE: an OR REPLACE outside would override it.
    INSERT INTO intake_sponsors (intake_id, sponsor_id) SELECT NEW.intake_id, NEW.sponsor_id
        WHERE NOT EXISTS (SELECT 1 FROM intake_sponsors WHERE intake_id = NEW.intake_id AND sponsor_id = NEW.sponsor_id);
    -- Whoever replaces somebody, or goes on within one intake and unit in another discipline, takes over the seat.
    SELECT RAISE(ABORT, 'muster:capacity_full') FROM intakes WHERE id = NEW.intake_id AND seats_taken >= capacity
        AND NEW.replaces_id IS NULL AND NOT EXISTS (SELECT 1 FROM enrollments e
            WHERE e.id = NEW.transferred_from_id AND e.intake_id = NEW.intake_id AND e.unit_id = NEW.unit_id);
    SELECT RAISE(ABORT, 'muster:quota_full') FROM intake_sponsors
        WHERE intake_id = NEW.intake_id AND sponsor_id = NEW.sponsor_id AND seats_taken >= seats
        AND NEW.replaces_id IS NULL AND NOT EXISTS (SELECT 1 FROM enrollments e
            WHERE e.id = NEW.transferred_from_id AND e.intake_id = NEW.intake_id AND e.unit_id = NEW.unit_id);
    UPDATE intakes SET seats_taken = seats_taken + 1 WHERE id = NEW.intake_id;
    UPDATE intake_sponsors SET seats_taken = seats_taken + 1 WHERE intake_id = NEW.intake_id AND sponsor_id = NEW.sponsor_id;
END;

-- One trigger for leaving and taking, because SQLite does not promise an order between two.
CREATE TRIGGER enrollments_seat_on_update AFTER UPDATE OF state, sponsor_id, intake_id ON enrollments
WHEN (OLD.state IN ('offered', 'approved', 'enrolled', 'suspended', 'completed', 'failed')) <> (NEW.state IN ('offered', 'approved', 'enrolled', 'suspended', 'completed', 'failed'))
    OR NEW.sponsor_id IS NOT OLD.sponsor_id OR NEW.intake_id IS NOT OLD.intake_id BEGIN
    UPDATE intakes SET seats_taken = seats_taken - 1
        WHERE id = OLD.intake_id AND OLD.state IN ('offered', 'approved', 'enrolled', 'suspended', 'completed', 'failed');
    UPDATE intake_sponsors SET seats_taken = seats_taken - 1
        WHERE intake_id = OLD.intake_id AND sponsor_id = OLD.sponsor_id AND OLD.state IN ('offered', 'approved', 'enrolled', 'suspended', 'completed', 'failed');
    INSERT INTO intake_sponsors (intake_id, sponsor_id)
        SELECT NEW.intake_id, NEW.sponsor_id WHERE NEW.state IN ('offered', 'approved', 'enrolled', 'suspended', 'completed', 'failed')
        AND NOT EXISTS (SELECT 1 FROM intake_sponsors WHERE intake_id = NEW.intake_id AND sponsor_id = NEW.sponsor_id);
    SELECT RAISE(ABORT, 'muster:capacity_full') FROM intakes
        WHERE id = NEW.intake_id AND seats_taken >= capacity AND NEW.state IN ('offered', 'approved', 'enrolled', 'suspended', 'completed', 'failed');
    SELECT RAISE(ABORT, 'muster:quota_full') FROM intake_sponsors
        WHERE intake_id = NEW.intake_id AND sponsor_id = NEW.sponsor_id AND seats_taken >= seats AND NEW.state IN ('offered', 'approved', 'enrolled', 'suspended', 'completed', 'failed');
    UPDATE intakes SET seats_taken = seats_taken + 1
        WHERE id = NEW.intake_id AND NEW.state IN ('offered', 'approved', 'enrolled', 'suspended', 'completed', 'failed');
    UPDATE intake_sponsors SET seats_taken = seats_taken + 1
        WHERE intake_id = NEW.intake_id AND sponsor_id = NEW.sponsor_id AND NEW.state IN ('offered', 'approved', 'enrolled', 'suspended', 'completed', 'failed');
END;

CREATE TRIGGER enrollments_seat_on_delete AFTER DELETE ON enrollments
WHEN OLD.state IN ('offered', 'approved', 'enrolled', 'suspended', 'completed', 'failed') BEGIN
    UPDATE intakes SET seats_taken = seats_taken - 1 WHERE id = OLD.intake_id;
    UPDATE intake_sponsors SET seats_taken = seats_taken - 1 WHERE intake_id = OLD.intake_id AND sponsor_id = OLD.sponsor_id;
END;

-- Whoever takes over a place has what that one had: what its last step, which was to be replaced, led out of.
CREATE TRIGGER enrollments_replace_exactly BEFORE INSERT ON enrollments
WHEN NEW.replaces_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM enrollments e
    JOIN enrollment_steps s ON s.enrollment_id = e.id AND s.to_state = e.state AND s.from_state = NEW.state
    WHERE e.id = NEW.replaces_id AND e.withdrawal = 'replaced' AND e.person_id <> NEW.person_id AND e.intake_id = NEW.intake_id
        AND e.sponsor_id = NEW.sponsor_id AND e.unit_id = NEW.unit_id AND e.discipline_id = NEW.discipline_id AND e.cohort_id IS NEW.cohort_id) BEGIN
    SELECT RAISE(ABORT, 'muster:replacement_differs');
END;
CREATE TRIGGER enrollments_go_on_as_the_same BEFORE INSERT ON enrollments
WHEN NEW.transferred_from_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM enrollments e
    WHERE e.id = NEW.transferred_from_id AND e.state = 'transferred' AND e.person_id = NEW.person_id AND e.sponsor_id = NEW.sponsor_id) BEGIN
    SELECT RAISE(ABORT, 'muster:transfer_differs');
END;
CREATE TRIGGER enrollments_keep_their_place BEFORE UPDATE OF replaces_id, transferred_from_id, priority, position ON enrollments
WHEN NEW.replaces_id IS NOT OLD.replaces_id OR NEW.transferred_from_id IS NOT OLD.transferred_from_id
    OR (OLD.position IS NOT NULL AND (NEW.priority IS NOT OLD.priority OR NEW.position IS NOT OLD.position)) BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;

-- The steps of the life cycle, and no others; what was decided stays so.
CREATE TRIGGER enrollments_take_legal_steps BEFORE UPDATE OF state ON enrollments
WHEN NEW.state <> OLD.state AND (OLD.state || '>' || NEW.state) NOT IN
    ('nominated>approved', 'nominated>waitlisted', 'nominated>offered', 'nominated>rejected', 'nominated>withdrawn',
    'applied>approved', 'applied>waitlisted', 'applied>offered', 'applied>rejected', 'applied>withdrawn',
    'waitlisted>approved', 'waitlisted>offered', 'waitlisted>rejected', 'waitlisted>withdrawn',
    'offered>approved', 'offered>rejected', 'offered>withdrawn', 'approved>enrolled', 'approved>withdrawn',
    'enrolled>suspended', 'enrolled>completed', 'enrolled>failed', 'enrolled>transferred', 'enrolled>withdrawn',
    'suspended>enrolled', 'suspended>transferred', 'suspended>withdrawn') BEGIN
    SELECT RAISE(ABORT, 'muster:illegal_transition');
END;

CREATE TRIGGER enrollment_periods_insert_apart BEFORE INSERT ON enrollment_periods
WHEN EXISTS (SELECT 1 FROM enrollment_periods p WHERE p.enrollment_id = NEW.enrollment_id
    AND (NEW.until_at IS NULL OR p.from_at < NEW.until_at) AND (p.until_at IS NULL OR p.until_at > NEW.from_at)) BEGIN
    SELECT RAISE(ABORT, 'muster:periods_overlap');
END;
CREATE TRIGGER enrollment_periods_update_apart BEFORE UPDATE ON enrollment_periods
WHEN EXISTS (SELECT 1 FROM enrollment_periods p WHERE p.enrollment_id = NEW.enrollment_id AND p.id <> OLD.id
    AND (NEW.until_at IS NULL OR p.from_at < NEW.until_at) AND (p.until_at IS NULL OR p.until_at > NEW.from_at)) BEGIN
    SELECT RAISE(ABORT, 'muster:periods_overlap');
END;
CREATE TRIGGER enrollment_steps_are_immutable BEFORE UPDATE ON enrollment_steps BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
CREATE TRIGGER enrollment_steps_are_not_replaced BEFORE INSERT ON enrollment_steps
WHEN EXISTS (SELECT 1 FROM enrollment_steps WHERE id = NEW.id) BEGIN
    SELECT RAISE(ABORT, 'muster:already_exists');
END;
-- By another enrollment; one of the same would overlap.
CREATE TRIGGER enrollment_periods_are_not_replaced BEFORE INSERT ON enrollment_periods
WHEN EXISTS (SELECT 1 FROM enrollment_periods WHERE id = NEW.id) BEGIN
    SELECT RAISE(ABORT, 'muster:already_exists');
END;
CREATE TRIGGER enrollment_periods_keep_their_key BEFORE UPDATE OF id ON enrollment_periods WHEN NEW.id <> OLD.id BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;

-- OR REPLACE would delete the row in the way without a word: an enrollment with its hours, for another person.
CREATE TRIGGER enrollments_are_not_replaced BEFORE INSERT ON enrollments
WHEN EXISTS (SELECT 1 FROM enrollments WHERE id = NEW.id OR replaces_id = NEW.replaces_id
    OR transferred_from_id = NEW.transferred_from_id)
    OR (NEW.state NOT IN ('rejected', 'withdrawn', 'transferred') AND EXISTS (SELECT 1 FROM enrollments e
        WHERE e.intake_id = NEW.intake_id AND e.person_id = NEW.person_id AND e.state NOT IN ('rejected', 'withdrawn', 'transferred')))
    OR (NEW.state = 'waitlisted' AND EXISTS (SELECT 1 FROM enrollments e
        WHERE e.intake_id = NEW.intake_id AND e.position = NEW.position AND e.state = 'waitlisted')) BEGIN
    SELECT RAISE(ABORT, 'muster:already_exists');
END;
CREATE TRIGGER enrollments_do_not_replace BEFORE UPDATE ON enrollments
WHEN NEW.id <> OLD.id OR (NEW.state NOT IN ('rejected', 'withdrawn', 'transferred') AND EXISTS (SELECT 1 FROM enrollments e
    WHERE e.intake_id = NEW.intake_id AND e.person_id = NEW.person_id AND e.id <> NEW.id
        AND e.state NOT IN ('rejected', 'withdrawn', 'transferred')))
    OR (NEW.state = 'waitlisted' AND EXISTS (SELECT 1 FROM enrollments e
        WHERE e.intake_id = NEW.intake_id AND e.position = NEW.position AND e.id <> NEW.id AND e.state = 'waitlisted')) BEGIN
    SELECT RAISE(ABORT, 'muster:already_exists');
END;
