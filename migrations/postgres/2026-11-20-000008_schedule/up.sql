-- Rooms and online places. Either holds one session at a time: sessions claim them.
CREATE TABLE rooms (
    id uuid NOT NULL PRIMARY KEY,
    provider_id uuid NOT NULL REFERENCES organizations (id),
    code text NOT NULL CHECK (length(code) BETWEEN 1 AND 64),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    kind text NOT NULL CHECK (kind IN ('on_site', 'online')),
    link text CHECK (length(link) BETWEEN 1 AND 500),
    capacity integer CHECK (capacity > 0),
    version integer NOT NULL DEFAULT 1 CHECK (version > 0),
    created_at timestamptz NOT NULL,
    UNIQUE (provider_id, code),
    CHECK (kind = 'online' OR link IS NULL)
);

-- Sessions of its house are in it. AFTER, because a trigger BEFORE an UPDATE that names a key column locks the row against whoever refers to it.
CREATE FUNCTION rooms_stay_with_their_provider() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.provider_id <> OLD.provider_id THEN
        RAISE EXCEPTION 'muster:immutable';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER rooms_stay_with_their_provider AFTER UPDATE ON rooms FOR EACH ROW EXECUTE FUNCTION rooms_stay_with_their_provider();

-- Sessions that were made together from a weekly pattern; `code` is what their codes began with, `made_from` the request as it was meant.
CREATE TABLE series (
    id uuid NOT NULL PRIMARY KEY,
    intake_id uuid NOT NULL REFERENCES intakes (id),
    code text NOT NULL CHECK (length(code) BETWEEN 1 AND 64),
    made_from text NOT NULL CHECK (made_from::json IS NOT NULL),
    created_at timestamptz NOT NULL,
    UNIQUE (intake_id, code),
    UNIQUE (id, intake_id)
);

CREATE TABLE sessions (
    id uuid NOT NULL PRIMARY KEY,
    intake_id uuid NOT NULL,
    series_id uuid,
    program_version_id uuid NOT NULL,
    module_id uuid NOT NULL,
    code text NOT NULL CHECK (length(code) BETWEEN 1 AND 64),
    state text NOT NULL CHECK (state IN ('draft', 'published', 'held', 'cancelled')),
    mode text NOT NULL CHECK (mode IN ('on_site', 'live_online', 'mixed', 'recorded')),
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    break_minutes integer NOT NULL CHECK (break_minutes >= 0),
    -- end - start - breaks, in whole minutes; of a recorded session its length.
    minutes integer NOT NULL CHECK (minutes > 0),
    -- Of a recorded session: start and end are the window in which it can be watched, and this is what watching it counts.
    length_minutes integer CHECK (length_minutes BETWEEN 1 AND 1440),
    room_id uuid REFERENCES rooms (id),
    place text CHECK (length(place) BETWEEN 1 AND 500),
    held_starts_at timestamptz,
    held_ends_at timestamptz,
    held_break_minutes integer CHECK (held_break_minutes >= 0),
    held_minutes integer CHECK (held_minutes > 0),
    difference_reason text CHECK (length(difference_reason) BETWEEN 1 AND 2000),
    cancel_reason text CHECK (length(cancel_reason) BETWEEN 1 AND 2000),
    replaced_by_id uuid CHECK (replaced_by_id <> id),
    -- RFC 5545 SEQUENCE: raised when a published session is moved or cancelled.
    sequence integer NOT NULL DEFAULT 0 CHECK (sequence >= 0),
    version integer NOT NULL DEFAULT 1 CHECK (version > 0),
    created_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    CHECK ((mode = 'recorded') = (length_minutes IS NOT NULL)),
    CHECK (CASE WHEN mode = 'recorded'
        THEN minutes = length_minutes AND break_minutes = 0 AND room_id IS NULL
            AND extract(epoch FROM ends_at - starts_at) % 60 = 0 AND extract(epoch FROM ends_at - starts_at) / 60 >= length_minutes
        ELSE extract(epoch FROM ends_at - starts_at) / 60 = minutes + break_minutes AND minutes + break_minutes <= 1440 END),
    CHECK ((state = 'held') = (held_minutes IS NOT NULL)),
    -- Without all of its times the comparison would be unknown, and a check lets that pass.
    CHECK ((held_minutes IS NULL) = (held_starts_at IS NULL) AND (held_minutes IS NULL) = (held_ends_at IS NULL)
        AND (held_minutes IS NULL) = (held_break_minutes IS NULL)),
    CHECK (held_minutes IS NULL OR CASE WHEN mode = 'recorded'
        THEN held_minutes = length_minutes AND held_break_minutes = 0 AND held_starts_at = starts_at AND held_ends_at = ends_at
        ELSE extract(epoch FROM held_ends_at - held_starts_at) / 60 = held_minutes + held_break_minutes
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
);
CREATE INDEX sessions_intake ON sessions (intake_id, program_version_id);
CREATE INDEX sessions_module ON sessions (module_id, program_version_id);
CREATE INDEX sessions_series ON sessions (series_id, intake_id);
CREATE INDEX sessions_replaced_by ON sessions (replaced_by_id, intake_id, module_id);
CREATE INDEX sessions_room ON sessions (room_id, starts_at);
CREATE INDEX sessions_start ON sessions (intake_id, starts_at);

CREATE TABLE session_cohorts (
    session_id uuid NOT NULL,
    cohort_id uuid NOT NULL,
    intake_id uuid NOT NULL,
    PRIMARY KEY (session_id, cohort_id),
    FOREIGN KEY (session_id, intake_id) REFERENCES sessions (id, intake_id) ON DELETE CASCADE,
    FOREIGN KEY (cohort_id, intake_id) REFERENCES cohorts (id, intake_id)
);
CREATE INDEX session_cohorts_session ON session_cohorts (session_id, intake_id);
CREATE INDEX session_cohorts_cohort ON session_cohorts (cohort_id, intake_id);

-- Who teaches; `title` is pinned when the session is held, so a later promotion does not change the past.
CREATE TABLE session_instructors (
    session_id uuid NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    person_id uuid NOT NULL REFERENCES people (id),
    lead boolean NOT NULL,
    title text,
    PRIMARY KEY (session_id, person_id)
);
CREATE INDEX session_instructors_person ON session_instructors (person_id);

-- What a published or held session occupies, half-open. A trigger refuses an overlap that no waiver names.
CREATE TABLE claims (
    kind text NOT NULL CHECK (kind IN ('instructor', 'cohort', 'room')),
    resource_id uuid NOT NULL,
    session_id uuid NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    PRIMARY KEY (kind, resource_id, session_id),
    CHECK (ends_at > starts_at),
    CHECK (extract(epoch FROM ends_at - starts_at) / 60 <= 1440)
);
CREATE INDEX claims_session ON claims (session_id);
CREATE INDEX claims_time ON claims (kind, resource_id, starts_at);

-- A coordinator's word that this very pair may overlap; the pair is stored once, smaller id first.
CREATE TABLE claim_waivers (
    first_session_id uuid NOT NULL REFERENCES sessions (id),
    second_session_id uuid NOT NULL REFERENCES sessions (id),
    reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 2000),
    user_id uuid REFERENCES users (id),
    created_at timestamptz NOT NULL,
    PRIMARY KEY (first_session_id, second_session_id),
    CHECK (first_session_id < second_session_id)
);
CREATE INDEX claim_waivers_second ON claim_waivers (second_session_id);
CREATE INDEX claim_waivers_user ON claim_waivers (user_id);

CREATE FUNCTION claims_apart() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Whoever claims a resource waits for the others who claim it, then sees what they committed; with a snapshot taken before, it would not.
    IF current_setting('transaction_isolation') = 'repeatable read' THEN
        RAISE EXCEPTION 'muster:repeatable_read';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended(current_schema() || ':claim:' || NEW.kind || ':' || NEW.resource_id, 0));
    IF EXISTS (SELECT 1 FROM claims c WHERE c.kind = NEW.kind AND c.resource_id = NEW.resource_id
            AND c.starts_at < NEW.ends_at AND c.ends_at > NEW.starts_at AND c.starts_at > NEW.starts_at - interval '24 hours'
            AND c.session_id <> NEW.session_id
            -- Locked, so that it is not taken back meanwhile.
            AND NOT EXISTS (SELECT 1 FROM claim_waivers w
                WHERE w.first_session_id = least(c.session_id, NEW.session_id)
                    AND w.second_session_id = greatest(c.session_id, NEW.session_id) FOR SHARE)) THEN
        RAISE EXCEPTION 'muster:session_conflict';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER claims_apart BEFORE INSERT OR UPDATE ON claims FOR EACH ROW EXECUTE FUNCTION claims_apart();

-- A claim changes only to the actual times of its session, when that is held.
CREATE FUNCTION claims_are_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.kind <> OLD.kind OR NEW.resource_id <> OLD.resource_id OR NEW.session_id <> OLD.session_id
        OR NOT EXISTS (SELECT 1 FROM sessions WHERE id = NEW.session_id AND held_starts_at = NEW.starts_at AND held_ends_at = NEW.ends_at) THEN
        RAISE EXCEPTION 'muster:immutable';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER claims_are_immutable BEFORE UPDATE ON claims FOR EACH ROW EXECUTE FUNCTION claims_are_immutable();

-- A claim stays while its session is published or held at that time, for that cohort, by that instructor or in that room.
CREATE FUNCTION claims_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM sessions WHERE id = OLD.session_id AND state IN ('published', 'held') AND mode <> 'recorded'
            AND coalesce(held_starts_at, starts_at) = OLD.starts_at AND coalesce(held_ends_at, ends_at) = OLD.ends_at)
        AND (EXISTS (SELECT 1 FROM session_cohorts WHERE OLD.kind = 'cohort' AND session_id = OLD.session_id AND cohort_id = OLD.resource_id)
            OR EXISTS (SELECT 1 FROM session_instructors
                WHERE OLD.kind = 'instructor' AND session_id = OLD.session_id AND person_id = OLD.resource_id)
            OR EXISTS (SELECT 1 FROM sessions WHERE OLD.kind = 'room' AND id = OLD.session_id AND room_id = OLD.resource_id)) THEN
        RAISE EXCEPTION 'muster:immutable';
    END IF;
    RETURN OLD;
END $$;
CREATE TRIGGER claims_stay BEFORE DELETE ON claims FOR EACH ROW EXECUTE FUNCTION claims_stay();

CREATE FUNCTION claim_waivers_are_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'muster:immutable';
END $$;
CREATE TRIGGER claim_waivers_are_immutable BEFORE UPDATE ON claim_waivers FOR EACH ROW EXECUTE FUNCTION claim_waivers_are_immutable();

-- A waiver that an overlap rests on cannot be taken back under it.
CREATE FUNCTION claim_waivers_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Whoever deletes it waits for those who claimed by it, then sees their claims; with a snapshot taken before, it would not.
    IF current_setting('transaction_isolation') = 'repeatable read' THEN
        RAISE EXCEPTION 'muster:repeatable_read';
    END IF;
    IF EXISTS (SELECT 1 FROM claims a JOIN claims b ON b.kind = a.kind AND b.resource_id = a.resource_id
            AND b.starts_at < a.ends_at AND b.ends_at > a.starts_at
        WHERE a.session_id = OLD.first_session_id AND b.session_id = OLD.second_session_id) THEN
        RAISE EXCEPTION 'muster:waiver_in_use';
    END IF;
    RETURN OLD;
END $$;
CREATE TRIGGER claim_waivers_stay BEFORE DELETE ON claim_waivers FOR EACH ROW EXECUTE FUNCTION claim_waivers_stay();

CREATE FUNCTION sessions_begin_as_draft() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state <> 'draft' OR NEW.sequence <> 0 THEN
        RAISE EXCEPTION 'muster:illegal_transition';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER sessions_begin_as_draft BEFORE INSERT ON sessions FOR EACH ROW EXECUTE FUNCTION sessions_begin_as_draft();

CREATE FUNCTION sessions_steps() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state <> OLD.state AND (OLD.state || '>' || NEW.state) NOT IN
        ('draft>published', 'draft>cancelled', 'published>held', 'published>cancelled') THEN
        RAISE EXCEPTION 'muster:illegal_transition';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER sessions_steps BEFORE UPDATE ON sessions FOR EACH ROW EXECUTE FUNCTION sessions_steps();

-- How a session was held is corrected until its roll call is closed, and nothing else of it.
CREATE FUNCTION sessions_held_stay_as_held() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state = 'cancelled' OR (OLD.state = 'held'
        AND (EXISTS (SELECT 1 FROM roll_calls WHERE session_id = OLD.id AND state = 'closed')
            OR (NEW.id, NEW.intake_id, NEW.series_id, NEW.program_version_id, NEW.module_id, NEW.code, NEW.state, NEW.mode,
            NEW.starts_at, NEW.ends_at, NEW.break_minutes, NEW.minutes, NEW.length_minutes, NEW.room_id, NEW.place,
            NEW.cancel_reason, NEW.replaced_by_id, NEW.created_at)
            IS DISTINCT FROM (OLD.id, OLD.intake_id, OLD.series_id, OLD.program_version_id, OLD.module_id, OLD.code, OLD.state, OLD.mode,
            OLD.starts_at, OLD.ends_at, OLD.break_minutes, OLD.minutes, OLD.length_minutes, OLD.room_id, OLD.place,
            OLD.cancel_reason, OLD.replaced_by_id, OLD.created_at))) THEN
        RAISE EXCEPTION 'muster:session_closed';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER sessions_held_stay_as_held BEFORE UPDATE ON sessions FOR EACH ROW EXECUTE FUNCTION sessions_held_stay_as_held();

-- Whoever was told of a session knows it by its code and for its module.
CREATE FUNCTION sessions_stay_as_announced() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state = 'published' AND (NEW.code <> OLD.code OR NEW.module_id <> OLD.module_id) THEN
        RAISE EXCEPTION 'muster:session_published';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER sessions_stay_as_announced BEFORE UPDATE ON sessions FOR EACH ROW EXECUTE FUNCTION sessions_stay_as_announced();

-- A program that subscribed to a session ignores whatever has a lower sequence than what it saw, and of a draft it saw nothing. A
-- cancellation of what was published always counts: by that alone it differs from a draft that was cancelled, of which nobody heard.
CREATE FUNCTION sessions_count_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.state = 'draft' AND NEW.sequence <> OLD.sequence) OR (OLD.state = 'published' AND NEW.sequence <> OLD.sequence + 1
            AND (NEW.sequence <> OLD.sequence OR NEW.state = 'cancelled')) OR (OLD.state = 'held' AND NEW.sequence <> OLD.sequence
            + CASE WHEN NEW.held_starts_at <> OLD.held_starts_at OR NEW.held_ends_at <> OLD.held_ends_at THEN 1 ELSE 0 END) THEN
        RAISE EXCEPTION 'muster:immutable';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER sessions_count_changes BEFORE UPDATE ON sessions FOR EACH ROW EXECUTE FUNCTION sessions_count_changes();

-- A session is in a room of the house that teaches it: a room of a university, or of one of its units, is for all of these, and for nobody else.
CREATE FUNCTION sessions_are_in_the_house() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.room_id IS NOT NULL AND (SELECT o.root_id FROM rooms r JOIN organizations o ON o.id = r.provider_id WHERE r.id = NEW.room_id)
            <> (SELECT o.root_id FROM intakes i JOIN organizations o ON o.id = i.provider_id WHERE i.id = NEW.intake_id) THEN
        RAISE EXCEPTION 'muster:room_of_another_house';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER sessions_are_in_the_house BEFORE INSERT OR UPDATE OF room_id, intake_id ON sessions
    FOR EACH ROW EXECUTE FUNCTION sessions_are_in_the_house();

-- A session stays in the series in which it was made: whoever moves the rest of a series moves what belongs to it.
CREATE FUNCTION sessions_stay_in_series() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.series_id IS DISTINCT FROM OLD.series_id THEN
        RAISE EXCEPTION 'muster:immutable';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER sessions_stay_in_series BEFORE UPDATE ON sessions FOR EACH ROW EXECUTE FUNCTION sessions_stay_in_series();

CREATE FUNCTION series_are_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'muster:immutable';
END $$;
CREATE TRIGGER series_are_immutable BEFORE UPDATE ON series FOR EACH ROW EXECUTE FUNCTION series_are_immutable();

CREATE FUNCTION sessions_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state <> 'draft' THEN
        RAISE EXCEPTION 'muster:session_closed';
    END IF;
    RETURN OLD;
END $$;
CREATE TRIGGER sessions_stay BEFORE DELETE ON sessions FOR EACH ROW EXECUTE FUNCTION sessions_stay();

-- Claims follow the session: made when it is published, moved with it, set to the actual times when it is held, given back when it is
-- cancelled. A recorded session has none.
CREATE FUNCTION sessions_claim() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state = 'published' AND (OLD.state = 'draft' OR NEW.starts_at <> OLD.starts_at OR NEW.ends_at <> OLD.ends_at
            OR (NEW.mode = 'recorded') <> (OLD.mode = 'recorded')) THEN
        DELETE FROM claims WHERE session_id = NEW.id;
        IF NEW.mode <> 'recorded' THEN
            INSERT INTO claims (kind, resource_id, session_id, starts_at, ends_at)
            SELECT r.kind, r.resource_id, NEW.id, NEW.starts_at, NEW.ends_at FROM (
                SELECT 'cohort' AS kind, cohort_id AS resource_id FROM session_cohorts WHERE session_id = NEW.id
                UNION ALL
                SELECT 'instructor', person_id FROM session_instructors WHERE session_id = NEW.id
                UNION ALL
                SELECT 'room', NEW.room_id WHERE NEW.room_id IS NOT NULL) r
            ORDER BY r.kind, r.resource_id;
        END IF;
    ELSIF NEW.state = 'published' AND NEW.room_id IS DISTINCT FROM OLD.room_id THEN
        DELETE FROM claims WHERE session_id = NEW.id AND kind = 'room';
        INSERT INTO claims (kind, resource_id, session_id, starts_at, ends_at)
        SELECT 'room', NEW.room_id, NEW.id, NEW.starts_at, NEW.ends_at WHERE NEW.room_id IS NOT NULL AND NEW.mode <> 'recorded';
    ELSIF NEW.state = 'held' AND (NEW.held_starts_at <> coalesce(OLD.held_starts_at, NEW.starts_at)
            OR NEW.held_ends_at <> coalesce(OLD.held_ends_at, NEW.ends_at)) THEN
        UPDATE claims SET starts_at = NEW.held_starts_at, ends_at = NEW.held_ends_at WHERE session_id = NEW.id;
    ELSIF NEW.state = 'cancelled' AND OLD.state <> 'cancelled' THEN
        DELETE FROM claims WHERE session_id = NEW.id;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER sessions_claim AFTER UPDATE ON sessions FOR EACH ROW EXECUTE FUNCTION sessions_claim();

CREATE FUNCTION session_cohorts_claim() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO claims (kind, resource_id, session_id, starts_at, ends_at)
        SELECT 'cohort', NEW.cohort_id, id, starts_at, ends_at FROM sessions
        WHERE id = NEW.session_id AND state = 'published' AND mode <> 'recorded';
    ELSE
        DELETE FROM claims WHERE kind = 'cohort' AND resource_id = OLD.cohort_id AND session_id = OLD.session_id;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER session_cohorts_claim AFTER INSERT OR DELETE ON session_cohorts
    FOR EACH ROW EXECUTE FUNCTION session_cohorts_claim();

CREATE FUNCTION session_instructors_claim() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO claims (kind, resource_id, session_id, starts_at, ends_at)
        SELECT 'instructor', NEW.person_id, id, coalesce(held_starts_at, starts_at), coalesce(held_ends_at, ends_at) FROM sessions
        WHERE id = NEW.session_id AND state IN ('published', 'held') AND mode <> 'recorded';
    ELSE
        DELETE FROM claims WHERE kind = 'instructor' AND resource_id = OLD.person_id AND session_id = OLD.session_id;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER session_instructors_claim AFTER INSERT OR DELETE ON session_instructors
    FOR EACH ROW EXECUTE FUNCTION session_instructors_claim();

-- Whom a session is for stays once it is held, and who taught it once its roll call is closed. Locked, so that it is not held meanwhile.
CREATE FUNCTION session_cohorts_open_insert() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT state FROM sessions WHERE id = NEW.session_id FOR SHARE) IN ('held', 'cancelled') THEN
        RAISE EXCEPTION 'muster:session_closed';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER session_cohorts_open_insert BEFORE INSERT ON session_cohorts FOR EACH ROW EXECUTE FUNCTION session_cohorts_open_insert();

CREATE FUNCTION session_cohorts_open_delete() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT state FROM sessions WHERE id = OLD.session_id FOR SHARE) IN ('held', 'cancelled') THEN
        RAISE EXCEPTION 'muster:session_closed';
    END IF;
    RETURN OLD;
END $$;
CREATE TRIGGER session_cohorts_open_delete BEFORE DELETE ON session_cohorts FOR EACH ROW EXECUTE FUNCTION session_cohorts_open_delete();

CREATE FUNCTION session_cohorts_fixed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'muster:immutable';
END $$;
CREATE TRIGGER session_cohorts_fixed BEFORE UPDATE ON session_cohorts FOR EACH ROW EXECUTE FUNCTION session_cohorts_fixed();

CREATE FUNCTION session_instructors_open_insert() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT state FROM sessions WHERE id = NEW.session_id FOR SHARE) = 'cancelled'
        OR EXISTS (SELECT 1 FROM roll_calls WHERE session_id = NEW.session_id AND state = 'closed') THEN
        RAISE EXCEPTION 'muster:session_closed';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER session_instructors_open_insert BEFORE INSERT ON session_instructors FOR EACH ROW EXECUTE FUNCTION session_instructors_open_insert();

CREATE FUNCTION session_instructors_open_delete() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT state FROM sessions WHERE id = OLD.session_id FOR SHARE) = 'cancelled'
        OR EXISTS (SELECT 1 FROM roll_calls WHERE session_id = OLD.session_id AND state = 'closed') THEN
        RAISE EXCEPTION 'muster:session_closed';
    END IF;
    RETURN OLD;
END $$;
CREATE TRIGGER session_instructors_open_delete BEFORE DELETE ON session_instructors FOR EACH ROW EXECUTE FUNCTION session_instructors_open_delete();

CREATE FUNCTION session_instructors_open_update() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT state FROM sessions WHERE id = OLD.session_id FOR SHARE) = 'cancelled'
        OR EXISTS (SELECT 1 FROM roll_calls WHERE session_id = OLD.session_id AND state = 'closed')
        OR NEW.session_id <> OLD.session_id OR NEW.person_id <> OLD.person_id THEN
        RAISE EXCEPTION 'muster:session_closed';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER session_instructors_open_update BEFORE UPDATE ON session_instructors FOR EACH ROW EXECUTE FUNCTION session_instructors_open_update();

CREATE TRIGGER series_are_not_truncated BEFORE TRUNCATE ON series FOR EACH STATEMENT EXECUTE FUNCTION is_not_truncated();
CREATE TRIGGER sessions_are_not_truncated BEFORE TRUNCATE ON sessions FOR EACH STATEMENT EXECUTE FUNCTION is_not_truncated();
CREATE TRIGGER session_cohorts_are_not_truncated BEFORE TRUNCATE ON session_cohorts FOR EACH STATEMENT EXECUTE FUNCTION is_not_truncated();
CREATE TRIGGER session_instructors_are_not_truncated BEFORE TRUNCATE ON session_instructors FOR EACH STATEMENT EXECUTE FUNCTION is_not_truncated();
CREATE TRIGGER claims_are_not_truncated BEFORE TRUNCATE ON claims FOR EACH STATEMENT EXECUTE FUNCTION is_not_truncated();
CREATE TRIGGER claim_waivers_are_not_truncated BEFORE TRUNCATE ON claim_waivers FOR EACH STATEMENT EXECUTE FUNCTION is_not_truncated();
