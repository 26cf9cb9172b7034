CREATE TABLE intakes (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    program_version_id BLOB NOT NULL CHECK (length(program_version_id) = 16) REFERENCES program_versions (id),
    provider_id BLOB NOT NULL CHECK (length(provider_id) = 16) REFERENCES organizations (id),
    code TEXT NOT NULL CHECK (length(code) BETWEEN 1 AND 64),
    name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    phase INTEGER CHECK (phase > 0),
    state TEXT NOT NULL CHECK (state IN ('planned', 'enrolling', 'running', 'completed', 'cancelled')),
    time_zone TEXT NOT NULL,
    opens_on TEXT NOT NULL CHECK (date(opens_on) IS opens_on),
    closes_on TEXT NOT NULL CHECK (date(closes_on) IS closes_on),
    mode TEXT NOT NULL CHECK (mode IN ('on_site', 'live_online', 'mixed', 'recorded')),
    capacity INTEGER CHECK (capacity >= 0),
    -- Whether people may wait for a seat, and how many days an offer of one stands; null: seats are not offered but given.
    waitlist INTEGER NOT NULL DEFAULT 0 CHECK (waitlist IN (0, 1)),
    offer_days INTEGER CHECK (offer_days BETWEEN 1 AND 365),
    roll_call_due_hours INTEGER CHECK (roll_call_due_hours BETWEEN 1 AND 720),
    close_after_hours INTEGER CHECK (close_after_hours BETWEEN 1 AND 720),
    -- For how many days after a closing those who were called may ask for a correction; null if only a coordinator does.
    correction_days INTEGER CHECK (correction_days BETWEEN 0 AND 366),
    -- Kept by the triggers on enrollments; the seat rules compare against it.
    seats_taken INTEGER NOT NULL DEFAULT 0 CHECK (seats_taken >= 0),
    predecessor_id BLOB CHECK (length(predecessor_id) = 16) REFERENCES intakes (id),
    -- Whose days off its sessions are held against.
    holiday_calendar_id BLOB CHECK (length(holiday_calendar_id) = 16),
    opening_approval_required INTEGER NOT NULL CHECK (opening_approval_required IN (0, 1)),
    opening_approved_at INTEGER,
    -- Bumped by every transaction that changes what a report of this intake shows.
    report_version INTEGER NOT NULL DEFAULT 0,
    version INTEGER NOT NULL DEFAULT 1 CHECK (version > 0),
    created_at INTEGER NOT NULL,
    CHECK (closes_on >= opens_on),
    UNIQUE (provider_id, code),
    UNIQUE (id, program_version_id),
    FOREIGN KEY (holiday_calendar_id, provider_id) REFERENCES calendars (id, provider_id)
) STRICT;
CREATE INDEX intakes_program_version ON intakes (program_version_id);
CREATE INDEX intakes_predecessor ON intakes (predecessor_id);
CREATE INDEX intakes_holiday_calendar ON intakes (holiday_calendar_id, provider_id);

-- A sponsor's part in an intake: its seat quota (none: only the capacity limits it), seats taken and report version.
CREATE TABLE intake_sponsors (
    intake_id BLOB NOT NULL CHECK (length(intake_id) = 16) REFERENCES intakes (id),
    sponsor_id BLOB NOT NULL CHECK (length(sponsor_id) = 16) REFERENCES organizations (id),
    seats INTEGER CHECK (seats >= 0),
    seats_taken INTEGER NOT NULL DEFAULT 0 CHECK (seats_taken >= 0),
    report_version INTEGER NOT NULL DEFAULT 0,
    version INTEGER NOT NULL DEFAULT 1 CHECK (version > 0),
    PRIMARY KEY (intake_id, sponsor_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX intake_sponsors_sponsor ON intake_sponsors (sponsor_id);

-- A signed-off change of one intake's module hours; the program version stays as it was.
CREATE TABLE amendments (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    intake_id BLOB NOT NULL CHECK (length(intake_id) = 16),
    program_version_id BLOB NOT NULL CHECK (length(program_version_id) = 16),
    module_id BLOB NOT NULL CHECK (length(module_id) = 16),
    delta_minutes INTEGER NOT NULL CHECK (delta_minutes <> 0),
    reason TEXT NOT NULL CHECK (length(reason) BETWEEN 1 AND 2000),
    user_id BLOB CHECK (length(user_id) = 16) REFERENCES users (id),
    created_at INTEGER NOT NULL,
    FOREIGN KEY (intake_id, program_version_id) REFERENCES intakes (id, program_version_id),
    FOREIGN KEY (module_id, program_version_id) REFERENCES modules (id, program_version_id)
) STRICT;
CREATE INDEX amendments_intake ON amendments (intake_id, program_version_id);
CREATE INDEX amendments_module ON amendments (module_id, program_version_id);
CREATE INDEX amendments_user ON amendments (user_id);

-- The trainees of an intake who are taught together, of one discipline.
CREATE TABLE cohorts (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    intake_id BLOB NOT NULL CHECK (length(intake_id) = 16),
    program_version_id BLOB NOT NULL CHECK (length(program_version_id) = 16),
    discipline_id BLOB NOT NULL CHECK (length(discipline_id) = 16),
    code TEXT NOT NULL CHECK (length(code) BETWEEN 1 AND 64),
    name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    adviser_id BLOB CHECK (length(adviser_id) = 16) REFERENCES people (id),
    version INTEGER NOT NULL DEFAULT 1 CHECK (version > 0),
    created_at INTEGER NOT NULL,
    UNIQUE (intake_id, code),
    UNIQUE (id, intake_id),
    UNIQUE (id, intake_id, discipline_id),
    FOREIGN KEY (intake_id, program_version_id) REFERENCES intakes (id, program_version_id),
    FOREIGN KEY (discipline_id, program_version_id) REFERENCES disciplines (id, program_version_id)
) STRICT;
CREATE INDEX cohorts_intake ON cohorts (intake_id, program_version_id);
CREATE INDEX cohorts_discipline ON cohorts (discipline_id, program_version_id);
CREATE INDEX cohorts_adviser ON cohorts (adviser_id);

CREATE TRIGGER intakes_need_a_confirmed_version BEFORE INSERT ON intakes
WHEN (SELECT state FROM program_versions WHERE id = NEW.program_version_id) <> 'confirmed' BEGIN
    SELECT RAISE(ABORT, 'muster:version_not_confirmed');
END;

CREATE TRIGGER intakes_pin_their_version BEFORE UPDATE OF program_version_id, provider_id ON intakes
WHEN NEW.program_version_id IS NOT OLD.program_version_id OR NEW.provider_id IS NOT OLD.provider_id BEGIN
    SELECT RAISE(ABORT, 'muster:version_pinned');
END;

CREATE TRIGGER intakes_begin_as_planned BEFORE INSERT ON intakes WHEN NEW.state <> 'planned' BEGIN
    SELECT RAISE(ABORT, 'muster:illegal_transition');
END;
CREATE TRIGGER intakes_steps BEFORE UPDATE ON intakes
WHEN NEW.state <> OLD.state AND (OLD.state || '>' || NEW.state) NOT IN
    ('planned>enrolling', 'enrolling>running', 'running>completed', 'planned>cancelled', 'enrolling>cancelled', 'running>cancelled') BEGIN
    SELECT RAISE(ABORT, 'muster:illegal_transition');
END;

CREATE TRIGGER amendments_are_immutable BEFORE UPDATE ON amendments BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
CREATE TRIGGER amendments_stay BEFORE DELETE ON amendments BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
CREATE TRIGGER amendments_are_not_replaced BEFORE INSERT ON amendments
WHEN EXISTS (SELECT 1 FROM amendments WHERE id = NEW.id) BEGIN
    SELECT RAISE(ABORT, 'muster:already_exists');
END;

-- OR REPLACE would delete the row in the way without a word, and put another in its place that no trigger on updates has seen.
CREATE TRIGGER intakes_are_not_replaced BEFORE INSERT ON intakes
WHEN EXISTS (SELECT 1 FROM intakes WHERE id = NEW.id) OR EXISTS (SELECT 1 FROM intakes WHERE provider_id = NEW.provider_id AND code = NEW.code) BEGIN
    SELECT RAISE(ABORT, 'muster:already_exists');
END;
CREATE TRIGGER intakes_do_not_replace BEFORE UPDATE OF id, provider_id, code ON intakes
WHEN NEW.id <> OLD.id OR EXISTS (SELECT 1 FROM intakes WHERE provider_id = NEW.provider_id AND code = NEW.code AND id <> NEW.id) BEGIN
    SELECT RAISE(ABORT, 'muster:already_exists');
END;
