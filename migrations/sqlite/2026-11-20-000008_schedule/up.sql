-- Rooms and online places. Either holds one session at a time: sessions claim them.
CREATE TABLE rooms (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    provider_id BLOB NOT NULL CHECK (length(provider_id) = 16) REFERENCES organizations (id),
    code TEXT NOT NULL CHECK (length(code) BETWEEN 1 AND 64),
    name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    kind TEXT NOT NULL CHECK (kind IN ('on_site', 'online')),
    link TEXT CHECK (length(link) BETWEEN 1 AND 500),
    capacity INTEGER CHECK (capacity > 0),
    version INTEGER NOT NULL DEFAULT 1 CHECK (version > 0),
    created_at INTEGER NOT NULL,
    UNIQUE (provider_id, code),
    CHECK (kind = 'online' OR link IS NULL)
) STRICT;
-- OR REPLACE would delete the row in the way without a word, and put another in its place that no trigger on updates has seen.
CREATE TRIGGER rooms_are_not_replaced BEFORE INSERT ON rooms
WHEN EXISTS (SELECT 1 FROM rooms WHERE id = NEW.id) OR EXISTS (SELECT 1 FROM rooms WHERE provider_id = NEW.provider_id AND code = NEW.code) BEGIN
    SELECT RAISE(ABORT, 'muster:already_exists');
END;
CREATE TRIGGER rooms_do_not_replace BEFORE UPDATE OF id, provider_id, code ON rooms
WHEN NEW.id <> OLD.id OR EXISTS (SELECT 1 FROM rooms WHERE provider_id = NEW.provider_id AND code = NEW.code AND id <> NEW.id) BEGIN
    SELECT RAISE(ABORT, 'muster:already_exists');
END;

-- Sessions of its house are in it.
CREATE TRIGGER rooms_stay_with_their_provider BEFORE UPDATE OF provider_id ON rooms WHEN NEW.provider_id <> OLD.provider_id BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;

-- Sessions that were made together from a weekly pattern; `code` is what their codes began with, `made_from` the request as it was meant.
CREATE TABLE series (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    intake_id BLOB NOT NULL CHECK (length(intake_id) = 16) REFERENCES intakes (id),
    code TEXT NOT NULL CHECK (length(code) BETWEEN 1 AND 64),
    made_from TEXT NOT NULL CHECK (json_valid(made_from)),
    created_at INTEGER NOT NULL,
    UNIQUE (intake_id, code),
    UNIQUE (id, intake_id)
) STRICT;

CREATE TABLE sessions (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    intake_id BLOB NOT NULL CHECK (length(intake_id) = 16),
    series_id BLOB CHECK (length(series_id) = 16),
    program_version_id BLOB NOT NULL CHECK (length(program_version_id) = 16),
    module_id BLOB NOT NULL CHECK (length(module_id) = 16),
    code TEXT NOT NULL CHECK (length(code) BETWEEN 1 AND 64),
    state TEXT NOT NULL CHECK (state IN ('draft', 'published', 'held', 'cancelled')),
    mode TEXT NOT NULL CHECK (mode IN ('on_site', 'live_online', 'mixed', 'recorded')),
    starts_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL,
    break_minutes INTEGER NOT NULL CHECK (break_minutes >= 0),
    -- end - start - breaks, in whole minutes; of a recorded session its length.
    minutes INTEGER NOT NULL CHECK (minutes > 0),
    -- Of a recorded session: start and end are the window in which it can be watched, and this is what watching it counts.
    length_minutes INTEGER CHECK (length_minutes BETWEEN 1 AND 1440),
    room_id BLOB CHECK (length(room_id) = 16) REFERENCES rooms (id),
    place TEXT CHECK (length(place) BETWEEN 1 AND 500),
    held_starts_at INTEGER,
    held_ends_at INTEGER,
    held_break_minutes INTEGER CHECK (held_break_minutes >= 0),
    held_minutes INTEGER CHECK (held_minutes > 0),
    difference_reason TEXT CHECK (length(difference_reason) BETWEEN 1 AND 2000),
    cancel_reason TEXT CHECK (length(cancel_reason) BETWEEN 1 AND 2000),
    replaced_by_id BLOB CHECK (length(replaced_by_id) = 16) CHECK (replaced_by_id <> id),
    -- RFC 5545 SEQUENCE: raised when a published session is moved or cancelled.
    sequence INTEGER NOT NULL DEFAULT 0 CHECK (sequence >= 0),
    version INTEGER NOT NULL DEFAULT 1 CHECK (version > 0),
    created_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    CHECK ((mode = 'recorded') = (length_minutes IS NOT NULL)),
    CHECK (CASE WHEN mode = 'recorded'
        THEN minutes = length_minutes AND break_minutes = 0 AND room_id IS NULL
            AND (ends_at - starts_at) % 60000000 = 0 AND (ends_at - starts_at) / 60000000 >= length_minutes
        ELSE (ends_at - starts_at) / 60000000.0 = minutes + break_minutes AND minutes + break_minutes <= 1440 END),
    CHECK ((state = 'held') = (held_minutes IS NOT NULL)),
    -- Without all of its times the comparison would be unknown, and a check lets that pass.
    CHECK ((held_minutes IS NULL) = (held_starts_at IS NULL) AND (held_minutes IS NULL) = (held_ends_at IS NULL)
        AND (held_minutes IS NULL) = (held_break_minutes IS NULL)),
    CHECK (held_minutes IS NULL OR CASE WHEN mode = 'recorded'
        THEN held_minutes = length_minutes AND held_break_minutes = 0 AND held_starts_at = starts_at AND held_ends_at = ends_at
        ELSE (held_ends_at - held_starts_at) / 60000000.0 = held_minutes + held_break_minutes
            AND held_minutes + held_break_minutes <= 1440 END),
    CHECK ((state = 'cancelled') = (cancel_reason IS NOT NULL)),
    CHECK (state = 'cancelled' OR replaced_by_id IS NULL),
    UNIQUE (intake_id, code),
    UNIQUE (id, intake_id),
    UNIQUE (id, intake_id, module_id),
    FOREIGN KEY (series_id, intake_id) REFERENCES series (id, intake_id),
    -- What replaces a session gives its hours, and so is of its module.
    FOREIGN KEY (replaced_by_id, intake_id, module_id) REFERENCES sessions (id, intake_id, module_id),
    FOREIGN KEY (intake_id, program_version_id) REFERENCES intakes (id, program_version_id),
    FOREIGN KEY (module_id, program_version_id) REFERENCES modules (id, program_version_id)
) STRICT;
CREATE INDEX sessions_intake ON sessions (intake_id, program_version_id);
CREATE INDEX sessions_module ON sessions (module_id, program_version_id);
CREATE INDEX sessions_series ON sessions (series_id, intake_id);
CREATE INDEX sessions_replaced_by ON sessions (replaced_by_id, intake_id, module_id);
CREATE INDEX sessions_room ON sessions (room_id, starts_at);
CREATE INDEX sessions_start ON sessions (intake_id, starts_at);

CREATE TABLE session_cohorts (
    session_id BLOB NOT NULL CHECK (length(session_id) = 16),
    cohort_id BLOB NOT NULL CHECK (length(cohort_id) = 16),
    intake_id BLOB NOT NULL CHECK (length(intake_id) = 16),
    PRIMARY KEY (session_id, cohort_id),
    FOREIGN KEY (session_id, intake_id) REFERENCES sessions (id, intake_id) ON DELETE CASCADE,
    FOREIGN KEY (cohort_id, intake_id) REFERENCES cohorts (id, intake_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX session_cohorts_session ON session_cohorts (session_id, intake_id);
CREATE INDEX session_cohorts_cohort ON session_cohorts (cohort_id, intake_id);

-- Who teaches; `title` is pinned when the session is held, so a later promotion does not change the past.
CREATE TABLE session_instructors (
    session_id BLOB NOT NULL CHECK (length(session_id) = 16) REFERENCES sessions (id) ON DELETE CASCADE,
    person_id BLOB NOT NULL CHECK (length(person_id) = 16) REFERENCES people (id),
    lead INTEGER NOT NULL CHECK (lead IN (0, 1)),
    title TEXT,
    PRIMARY KEY (session_id, person_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX session_instructors_person ON session_instructors (person_id);

-- What a published or held session occupies, half-open. A trigger refuses an overlap that no waiver names.
CREATE TABLE claims (
    kind TEXT NOT NULL CHECK (kind IN ('instructor', 'cohort', 'room')),
    resource_id BLOB NOT NULL CHECK (length(resource_id) = 16),
    session_id BLOB NOT NULL CHECK (length(session_id) = 16) REFERENCES sessions (id) ON DELETE CASCADE,
    starts_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL,
    PRIMARY KEY (kind, resource_id, session_id),
    CHECK (ends_at > starts_at),
    CHECK ((ends_at - starts_at) / 60000000.0 <= 1440)
) STRICT, WITHOUT ROWID;
CREATE INDEX claims_session ON claims (session_id);
CREATE INDEX claims_time ON claims (kind, resource_id, starts_at);

-- A coordinator's word that this very pair may overlap; the pair is stored once, smaller id first.
CREATE TABLE claim_waivers (
    first_session_id BLOB NOT NULL CHECK (length(first_session_id) = 16) REFERENCES sessions (id),
    second_session_id BLOB NOT NULL CHECK (length(second_session_id) = 16) REFERENCES sessions (id),
    reason TEXT NOT NULL CHECK (length(reason) BETWEEN 1 AND 2000),
    user_id BLOB CHECK (length(user_id) = 16) REFERENCES users (id),
    created_at INTEGER NOT NULL,
    PRIMARY KEY (first_session_id, second_session_id),
    CHECK (first_session_id < second_session_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX claim_waivers_second ON claim_waivers (second_session_id);
CREATE INDEX claim_waivers_user ON claim_waivers (user_id);

CREATE TRIGGER claims_insert_apart BEFORE INSERT ON claims
WHEN EXISTS (SELECT 1 FROM claims c WHERE c.kind = NEW.kind AND c.resource_id = NEW.resource_id
    AND c.starts_at < NEW.ends_at AND c.ends_at > NEW.starts_at AND c.starts_at > NEW.starts_at - 86400000000
    AND c.session_id <> NEW.session_id
    AND NOT EXISTS (SELECT 1 FROM claim_waivers w
        WHERE w.first_session_id = min(c.session_id, NEW.session_id) AND w.second_session_id = max(c.session_id, NEW.session_id))) BEGIN
    SELECT RAISE(ABORT, 'muster:session_conflict');
END;
CREATE TRIGGER claims_update_apart BEFORE UPDATE ON claims
WHEN EXISTS (SELECT 1 FROM claims c WHERE c.kind = NEW.kind AND c.resource_id = NEW.resource_id
    AND c.starts_at < NEW.ends_at AND c.ends_at > NEW.starts_at AND c.starts_at > NEW.starts_at - 86400000000
    AND c.session_id <> NEW.session_id
    AND NOT EXISTS (SELECT 1 FROM claim_waivers w
        WHERE w.first_session_id = min(c.session_id, NEW.session_id) AND w.second_session_id = max(c.session_id, NEW.session_id))) BEGIN
    SELECT RAISE(ABORT, 'muster:session_conflict');
END;
-- A claim changes only to the actual times of its session, when that is held.
CREATE TRIGGER claims_are_immutable BEFORE UPDATE ON claims
WHEN NEW.kind <> OLD.kind OR NEW.resource_id <> OLD.resource_id OR NEW.session_id <> OLD.session_id
    OR NOT EXISTS (SELECT 1 FROM sessions WHERE id = NEW.session_id AND held_starts_at = NEW.starts_at AND held_ends_at = NEW.ends_at) BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
CREATE TRIGGER claims_are_not_replaced BEFORE INSERT ON claims
WHEN EXISTS (SELECT 1 FROM claims WHERE kind = NEW.kind AND resource_id = NEW.resource_id AND session_id = NEW.session_id) BEGIN
    SELECT RAISE(ABORT, 'muster:already_exists');
END;
-- A claim stays while its session is published or held at that time, for that cohort, by that instructor or in that room.
CREATE TRIGGER claims_stay BEFORE DELETE ON claims
WHEN EXISTS (SELECT 1 FROM sessions WHERE id = OLD.session_id AND state IN ('published', 'held') AND mode <> 'recorded'
        AND coalesce(held_starts_at, starts_at) = OLD.starts_at AND coalesce(held_ends_at, ends_at) = OLD.ends_at)
    AND (EXISTS (SELECT 1 FROM session_cohorts WHERE OLD.kind = 'cohort' AND session_id = OLD.session_id AND cohort_id = OLD.resource_id)
        OR EXISTS (SELECT 1 FROM session_instructors
            WHERE OLD.kind = 'instructor' AND session_id = OLD.session_id AND person_id = OLD.resource_id)
        OR EXISTS (SELECT 1 FROM sessions WHERE OLD.kind = 'room' AND id = OLD.session_id AND room_id = OLD.resource_id)) BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
CREATE TRIGGER claim_waivers_are_immutable BEFORE UPDATE ON claim_waivers BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
-- A waiver that an overlap rests on cannot be taken back under it.
CREATE TRIGGER claim_waivers_stay BEFORE DELETE ON claim_waivers
WHEN EXISTS (SELECT 1 FROM claims a JOIN claims b ON b.kind = a.kind AND b.resource_id = a.resource_id
        AND b.starts_at < a.ends_at AND b.ends_at > a.starts_at
    WHERE a.session_id = OLD.first_session_id AND b.session_id = OLD.second_session_id) BEGIN
    SELECT RAISE(ABORT, 'muster:waiver_in_use');
END;
CREATE TRIGGER claim_waivers_are_not_replaced BEFORE INSERT ON claim_waivers
WHEN EXISTS (SELECT 1 FROM claim_waivers WHERE first_session_id = NEW.first_session_id AND second_session_id = NEW.second_session_id) BEGIN
    SELECT RAISE(ABORT, 'muster:already_exists');
END;

CREATE TRIGGER sessions_begin_as_draft BEFORE INSERT ON sessions WHEN NEW.state <> 'draft' OR NEW.sequence <> 0 BEGIN
    SELECT RAISE(ABORT, 'muster:illegal_transition');
END;
CREATE TRIGGER sessions_steps BEFORE UPDATE ON sessions
WHEN NEW.state <> OLD.state AND (OLD.state || '>' || NEW.state) NOT IN
    ('draft>published', 'draft>cancelled', 'published>held', 'published>cancelled') BEGIN
    SELECT RAISE(ABORT, 'muster:illegal_transition');
END;
-- How a session was held is corrected until its roll call is closed, and nothing else of it.
CREATE TRIGGER sessions_held_stay_as_held BEFORE UPDATE ON sessions
WHEN OLD.state = 'cancelled' OR (OLD.state = 'held'
    AND (EXISTS (SELECT 1 FROM roll_calls WHERE session_id = OLD.id AND state = 'closed')
        OR (NEW.id, NEW.intake_id, NEW.series_id, NEW.program_version_id, NEW.module_id, NEW.code, NEW.state, NEW.mode,
            NEW.starts_at, NEW.ends_at, NEW.break_minutes, NEW.minutes, NEW.length_minutes, NEW.room_id, NEW.place,
            NEW.cancel_reason, NEW.replaced_by_id, NEW.created_at)
            IS NOT (OLD.id, OLD.intake_id, OLD.series_id, OLD.program_version_id, OLD.module_id, OLD.code, OLD.state, OLD.mode,
            OLD.starts_at, OLD.ends_at, OLD.break_minutes, OLD.minutes, OLD.length_minutes, OLD.room_id, OLD.place,
            OLD.cancel_reason, OLD.replaced_by_id, OLD.created_at))) BEGIN
    SELECT RAISE(ABORT, 'muster:session_closed');
END;
-- Whoever was told of a session knows it by its code and for its module.
CREATE TRIGGER sessions_stay_as_announced BEFORE UPDATE OF code, module_id ON sessions
WHEN OLD.state = 'published' AND (NEW.code <> OLD.code OR NEW.module_id <> OLD.module_id) BEGIN
    SELECT RAISE(ABORT, 'muster:session_published');
END;
-- A program that subscribed to a session ignores whatever has a lower sequence than what it saw, and of a draft it saw nothing. A
-- cancellation of what was published always counts: by that alone it differs from a draft that was cancelled, of which nobody heard.
CREATE TRIGGER sessions_count_changes BEFORE UPDATE OF state, sequence, held_starts_at, held_ends_at ON sessions
WHEN (OLD.state = 'draft' AND NEW.sequence <> OLD.sequence) OR (OLD.state = 'published' AND NEW.sequence <> OLD.sequence + 1
    AND (NEW.sequence <> OLD.sequence OR NEW.state = 'cancelled')) OR (OLD.state = 'held' AND NEW.sequence <> OLD.sequence
    + CASE WHEN NEW.held_starts_at <> OLD.held_starts_at OR NEW.held_ends_at <> OLD.held_ends_at THEN 1 ELSE 0 END) BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
-- A session is in a room of the house that teaches it: a room of a university, or of one of its units, is for all of these, and for nobody else.
CREATE TRIGGER sessions_begin_in_the_house BEFORE INSERT ON sessions
WHEN NEW.room_id IS NOT NULL AND (SELECT o.root_id FROM rooms r JOIN organizations o ON o.id = r.provider_id WHERE r.id = NEW.room_id)
    <> (SELECT o.root_id FROM intakes i JOIN organizations o ON o.id = i.provider_id WHERE i.id = NEW.intake_id) BEGIN
    SELECT RAISE(ABORT, 'muster:room_of_another_house');
END;
CREATE TRIGGER sessions_stay_in_the_house BEFORE UPDATE OF room_id, intake_id ON sessions
WHEN NEW.room_id IS NOT NULL AND (SELECT o.root_id FROM rooms r JOIN organizations o ON o.id = r.provider_id WHERE r.id = NEW.room_id)
    <> (SELECT o.root_id FROM intakes i JOIN organizations o ON o.id = i.provider_id WHERE i.id = NEW.intake_id) BEGIN
    SELECT RAISE(ABORT, 'muster:room_of_another_house');
END;
-- A session stays in the series in which it was made: whoever moves the rest of a series moves what belongs to it.
CREATE TRIGGER sessions_stay_in_series BEFORE UPDATE OF series_id ON sessions WHEN NEW.series_id IS NOT OLD.series_id BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
CREATE TRIGGER series_are_immutable BEFORE UPDATE ON series BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
CREATE TRIGGER series_are_not_replaced BEFORE INSERT ON series
WHEN EXISTS (SELECT 1 FROM series WHERE id = NEW.id OR (intake_id = NEW.intake_id AND code = NEW.code)) BEGIN
    SELECT RAISE(ABORT, 'muster:already_exists');
END;
CREATE TRIGGER sessions_stay BEFORE DELETE ON sessions WHEN OLD.state <> 'draft' BEGIN
    SELECT RAISE(ABORT, 'muster:session_closed');
END;
CREATE TRIGGER sessions_are_not_replaced BEFORE INSERT ON sessions
WHEN EXISTS (SELECT 1 FROM sessions s WHERE (s.id = NEW.id OR (s.intake_id = NEW.intake_id AND s.code = NEW.code)) AND s.state <> 'draft') BEGIN
    SELECT RAISE(ABORT, 'muster:already_exists');
END;
CREATE TRIGGER sessions_do_not_replace BEFORE UPDATE OF id, intake_id, code ON sessions
WHEN NEW.id <> OLD.id OR ((NEW.intake_id <> OLD.intake_id OR NEW.code <> OLD.code)
    AND EXISTS (SELECT 1 FROM sessions s WHERE s.intake_id = NEW.intake_id AND s.code = NEW.code AND s.state <> 'draft')) BEGIN
    SELECT RAISE(ABORT, 'muster:already_exists');
END;

-- Claims follow the session: made when it is published, moved with it, set to the actual times when it is held, given back when it is
-- cancelled. A recorded session has none.
CREATE TRIGGER sessions_claim AFTER UPDATE ON sessions
WHEN NEW.state = 'published' AND OLD.state = 'draft' AND NEW.mode <> 'recorded' BEGIN
    INSERT INTO claims (kind, resource_id, session_id, starts_at, ends_at)
    SELECT 'cohort', cohort_id, NEW.id, NEW.starts_at, NEW.ends_at FROM session_cohorts WHERE session_id = NEW.id
    UNION ALL
    SELECT 'instructor', person_id, NEW.id, NEW.starts_at, NEW.ends_at FROM session_instructors WHERE session_id = NEW.id
    UNION ALL
    SELECT 'room', NEW.room_id, NEW.id, NEW.starts_at, NEW.ends_at WHERE NEW.room_id IS NOT NULL;
END;
CREATE TRIGGER sessions_move_claims AFTER UPDATE ON sessions
WHEN NEW.state = 'published' AND OLD.state = 'published'
    AND (NEW.starts_at <> OLD.starts_at OR NEW.ends_at <> OLD.ends_at OR (NEW.mode = 'recorded') <> (OLD.mode = 'recorded')) BEGIN
    DELETE FROM claims WHERE session_id = NEW.id;
    INSERT INTO claims (kind, resource_id, session_id, starts_at, ends_at)
    SELECT 'cohort', cohort_id, NEW.id, NEW.starts_at, NEW.ends_at FROM session_cohorts WHERE session_id = NEW.id AND NEW.mode <> 'recorded'
    UNION ALL
    SELECT 'instructor', person_id, NEW.id, NEW.starts_at, NEW.ends_at FROM session_instructors WHERE session_id = NEW.id AND NEW.mode <> 'recorded'
    UNION ALL
    SELECT 'room', NEW.room_id, NEW.id, NEW.starts_at, NEW.ends_at WHERE NEW.room_id IS NOT NULL AND NEW.mode <> 'recorded';
END;
CREATE TRIGGER sessions_change_rooms AFTER UPDATE ON sessions
WHEN NEW.state = 'published' AND OLD.state = 'published' AND NEW.room_id IS NOT OLD.room_id
    AND NEW.starts_at = OLD.starts_at AND NEW.ends_at = OLD.ends_at AND (NEW.mode = 'recorded') = (OLD.mode = 'recorded') BEGIN
    DELETE FROM claims WHERE session_id = NEW.id AND kind = 'room';
    INSERT INTO claims (kind, resource_id, session_id, starts_at, ends_at)
    SELECT 'room', NEW.room_id, NEW.id, NEW.starts_at, NEW.ends_at WHERE NEW.room_id IS NOT NULL AND NEW.mode <> 'recorded';
END;
CREATE TRIGGER sessions_hold_claims AFTER UPDATE ON sessions
WHEN NEW.state = 'held' AND (NEW.held_starts_at <> coalesce(OLD.held_starts_at, NEW.starts_at)
    OR NEW.held_ends_at <> coalesce(OLD.held_ends_at, NEW.ends_at)) BEGIN
    UPDATE claims SET starts_at = NEW.held_starts_at, ends_at = NEW.held_ends_at WHERE session_id = NEW.id;
END;
CREATE TRIGGER sessions_release AFTER UPDATE ON sessions WHEN NEW.state = 'cancelled' AND OLD.state <> 'cancelled' BEGIN
    DELETE FROM claims WHERE session_id = NEW.id;
END;

CREATE TRIGGER session_cohorts_open_insert BEFORE INSERT ON session_cohorts
WHEN (SELECT state FROM sessions WHERE id = NEW.session_id) IN ('held', 'cancelled') BEGIN
    SELECT RAISE(ABORT, 'muster:session_closed');
END;
CREATE TRIGGER session_cohorts_open_delete BEFORE DELETE ON session_cohorts
WHEN (SELECT state FROM sessions WHERE id = OLD.session_id) IN ('held', 'cancelled') BEGIN
    SELECT RAISE(ABORT, 'muster:session_closed');
END;
CREATE TRIGGER session_cohorts_fixed BEFORE UPDATE ON session_cohorts BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
CREATE TRIGGER session_cohorts_claim AFTER INSERT ON session_cohorts BEGIN
    INSERT INTO claims (kind, resource_id, session_id, starts_at, ends_at)
    SELECT 'cohort', NEW.cohort_id, id, starts_at, ends_at FROM sessions
    WHERE id = NEW.session_id AND state = 'published' AND mode <> 'recorded';
END;
CREATE TRIGGER session_cohorts_release AFTER DELETE ON session_cohorts BEGIN
    DELETE FROM claims WHERE kind = 'cohort' AND resource_id = OLD.cohort_id AND session_id = OLD.session_id;
END;
-- Who taught is corrected until the roll call is closed.
CREATE TRIGGER session_instructors_open_insert BEFORE INSERT ON session_instructors
WHEN (SELECT state FROM sessions WHERE id = NEW.session_id) = 'cancelled'
    OR EXISTS (SELECT 1 FROM roll_calls WHERE session_id = NEW.session_id AND state = 'closed') BEGIN
    SELECT RAISE(ABORT, 'muster:session_closed');
END;
CREATE TRIGGER session_instructors_open_delete BEFORE DELETE ON session_instructors
WHEN (SELECT state FROM sessions WHERE id = OLD.session_id) = 'cancelled'
    OR EXISTS (SELECT 1 FROM roll_calls WHERE session_id = OLD.session_id AND state = 'closed') BEGIN
    SELECT RAISE(ABORT, 'muster:session_closed');
END;
CREATE TRIGGER session_instructors_open_update BEFORE UPDATE ON session_instructors
WHEN (SELECT state FROM sessions WHERE id = OLD.session_id) = 'cancelled'
    OR EXISTS (SELECT 1 FROM roll_calls WHERE session_id = OLD.session_id AND state = 'closed')
    OR NEW.session_id <> OLD.session_id OR NEW.person_id <> OLD.person_id BEGIN
    SELECT RAISE(ABORT, 'muster:session_closed');
END;
CREATE TRIGGER session_instructors_claim AFTER INSERT ON session_instructors BEGIN
    INSERT INTO claims (kind, resource_id, session_id, starts_at, ends_at)
    SELECT 'instructor', NEW.person_id, id, coalesce(held_starts_at, starts_at), coalesce(held_ends_at, ends_at) FROM sessions
    WHERE id = NEW.session_id AND state IN ('published', 'held') AND mode <> 'recorded';
END;
CREATE TRIGGER session_instructors_release AFTER DELETE ON session_instructors BEGIN
    DELETE FROM claims WHERE kind = 'instructor' AND resource_id = OLD.person_id AND session_id = OLD.session_id;
END;
