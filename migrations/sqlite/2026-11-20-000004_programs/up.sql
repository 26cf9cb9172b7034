CREATE TABLE programs (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    provider_id BLOB NOT NULL CHECK (length(provider_id) = 16) REFERENCES organizations (id),
    code TEXT NOT NULL CHECK (length(code) BETWEEN 1 AND 64),
    name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    latin_name TEXT CHECK (length(latin_name) BETWEEN 1 AND 200),
    version INTEGER NOT NULL DEFAULT 1 CHECK (version > 0),
    created_at INTEGER NOT NULL,
    UNIQUE (provider_id, code)
) STRICT;

-- The plan as confirmed. Once it leaves draft its content never changes; triggers hold that.
CREATE TABLE program_versions (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    program_id BLOB NOT NULL CHECK (length(program_id) = 16) REFERENCES programs (id),
    number INTEGER NOT NULL CHECK (number > 0),
    state TEXT NOT NULL CHECK (state IN ('draft', 'confirmed', 'retired')),
    total_minutes INTEGER NOT NULL CHECK (total_minutes > 0),
    minutes_per_hour INTEGER NOT NULL CHECK (minutes_per_hour BETWEEN 1 AND 120),
    authorized_absence_counts INTEGER NOT NULL CHECK (authorized_absence_counts IN (0, 1)),
    minimum_attendance_percent INTEGER CHECK (minimum_attendance_percent BETWEEN 1 AND 100),
    version INTEGER NOT NULL DEFAULT 1 CHECK (version > 0),
    created_at INTEGER NOT NULL,
    UNIQUE (program_id, number)
) STRICT;

CREATE TABLE disciplines (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    program_version_id BLOB NOT NULL CHECK (length(program_version_id) = 16) REFERENCES program_versions (id),
    position INTEGER NOT NULL,
    code TEXT NOT NULL CHECK (length(code) BETWEEN 1 AND 64),
    name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    latin_name TEXT CHECK (length(latin_name) BETWEEN 1 AND 200),
    UNIQUE (program_version_id, code),
    UNIQUE (id, program_version_id)
) STRICT;

-- A module without a discipline is common to all of them.
CREATE TABLE modules (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    program_version_id BLOB NOT NULL CHECK (length(program_version_id) = 16) REFERENCES program_versions (id),
    discipline_id BLOB CHECK (length(discipline_id) = 16),
    position INTEGER NOT NULL,
    code TEXT NOT NULL CHECK (length(code) BETWEEN 1 AND 64),
    name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    latin_name TEXT CHECK (length(latin_name) BETWEEN 1 AND 200),
    kind TEXT NOT NULL CHECK (kind IN ('theory', 'practice', 'on_the_job', 'self_study')),
    planned_minutes INTEGER NOT NULL CHECK (planned_minutes > 0),
    UNIQUE (program_version_id, code),
    UNIQUE (id, program_version_id),
    FOREIGN KEY (discipline_id, program_version_id) REFERENCES disciplines (id, program_version_id)
) STRICT;
CREATE INDEX modules_discipline ON modules (discipline_id, program_version_id);

CREATE TRIGGER program_versions_steps BEFORE UPDATE ON program_versions
WHEN NEW.state <> OLD.state AND (OLD.state || '>' || NEW.state) NOT IN ('draft>confirmed', 'confirmed>retired') BEGIN
    SELECT RAISE(ABORT, 'muster:illegal_transition');
END;

CREATE TRIGGER program_versions_are_immutable BEFORE UPDATE ON program_versions
WHEN OLD.state <> 'draft' AND (NEW.program_id IS NOT OLD.program_id OR NEW.number <> OLD.number OR NEW.total_minutes <> OLD.total_minutes
    OR NEW.minutes_per_hour <> OLD.minutes_per_hour OR NEW.authorized_absence_counts <> OLD.authorized_absence_counts
    OR NEW.minimum_attendance_percent IS NOT OLD.minimum_attendance_percent) BEGIN
    SELECT RAISE(ABORT, 'muster:version_confirmed');
END;

CREATE TRIGGER program_versions_stay BEFORE DELETE ON program_versions WHEN OLD.state <> 'draft' BEGIN
    SELECT RAISE(ABORT, 'muster:version_confirmed');
END;

CREATE TRIGGER program_versions_add_up BEFORE UPDATE OF state ON program_versions
WHEN NEW.state = 'confirmed' AND OLD.state = 'draft'
    AND NEW.total_minutes IS NOT (SELECT sum(planned_minutes) FROM modules WHERE program_version_id = NEW.id) BEGIN
    SELECT RAISE(ABORT, 'muster:hours_do_not_add_up');
END;

CREATE TRIGGER program_versions_begin_as_draft BEFORE INSERT ON program_versions WHEN NEW.state <> 'draft' BEGIN
    SELECT RAISE(ABORT, 'muster:illegal_transition');
END;

CREATE TRIGGER disciplines_insert_in_draft BEFORE INSERT ON disciplines
WHEN (SELECT state FROM program_versions WHERE id = NEW.program_version_id) <> 'draft' BEGIN
    SELECT RAISE(ABORT, 'muster:version_confirmed');
END;
CREATE TRIGGER disciplines_update_in_draft BEFORE UPDATE ON disciplines
WHEN (SELECT state FROM program_versions WHERE id = OLD.program_version_id) <> 'draft'
    OR (SELECT state FROM program_versions WHERE id = NEW.program_version_id) <> 'draft' BEGIN
    SELECT RAISE(ABORT, 'muster:version_confirmed');
END;
CREATE TRIGGER disciplines_delete_in_draft BEFORE DELETE ON disciplines
WHEN (SELECT state FROM program_versions WHERE id = OLD.program_version_id) <> 'draft' BEGIN
    SELECT RAISE(ABORT, 'muster:version_confirmed');
END;
CREATE TRIGGER modules_insert_in_draft BEFORE INSERT ON modules
WHEN (SELECT state FROM program_versions WHERE id = NEW.program_version_id) <> 'draft' BEGIN
    SELECT RAISE(ABORT, 'muster:version_confirmed');
END;
CREATE TRIGGER modules_update_in_draft BEFORE UPDATE ON modules
WHEN (SELECT state FROM program_versions WHERE id = OLD.program_version_id) <> 'draft'
    OR (SELECT state FROM program_versions WHERE id = NEW.program_version_id) <> 'draft' BEGIN
    SELECT RAISE(ABORT, 'muster:version_confirmed');
END;
CREATE TRIGGER modules_delete_in_draft BEFORE DELETE ON modules
WHEN (SELECT state FROM program_versions WHERE id = OLD.program_version_id) <> 'draft' BEGIN
    SELECT RAISE(ABORT, 'muster:version_confirmed');
END;

-- OR REPLACE deletes the row in its way, and no trigger hears of it unless recursive_triggers is on, which is each connection's own
-- business. So in this and the other trees of triggers what is final is looked for before another row takes its place.
CREATE TRIGGER program_versions_are_not_replaced BEFORE INSERT ON program_versions
WHEN EXISTS (SELECT 1 FROM program_versions v
    WHERE (v.id = NEW.id OR (v.program_id = NEW.program_id AND v.number = NEW.number)) AND v.state <> 'draft') BEGIN
    SELECT RAISE(ABORT, 'muster:already_exists');
END;
CREATE TRIGGER program_versions_keep_their_place BEFORE UPDATE OF id, program_id, number ON program_versions
WHEN NEW.id <> OLD.id OR NEW.program_id <> OLD.program_id OR NEW.number <> OLD.number BEGIN
    SELECT RAISE(ABORT, 'muster:version_confirmed');
END;
CREATE TRIGGER disciplines_are_not_replaced BEFORE INSERT ON disciplines
WHEN (SELECT v.state FROM disciplines d JOIN program_versions v ON v.id = d.program_version_id WHERE d.id = NEW.id) <> 'draft' BEGIN
    SELECT RAISE(ABORT, 'muster:already_exists');
END;
CREATE TRIGGER disciplines_keep_their_key BEFORE UPDATE OF id ON disciplines WHEN NEW.id <> OLD.id BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
CREATE TRIGGER modules_are_not_replaced BEFORE INSERT ON modules
WHEN (SELECT v.state FROM modules m JOIN program_versions v ON v.id = m.program_version_id WHERE m.id = NEW.id) <> 'draft' BEGIN
    SELECT RAISE(ABORT, 'muster:already_exists');
END;
CREATE TRIGGER modules_keep_their_key BEFORE UPDATE OF id ON modules WHEN NEW.id <> OLD.id BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
