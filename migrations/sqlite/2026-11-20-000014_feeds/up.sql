-- A schedule to subscribe to at a secret address, of which only the SHA-256 is stored; `prefix` is what people recognize it by.
CREATE TABLE feeds (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    provider_id BLOB NOT NULL CHECK (length(provider_id) = 16) REFERENCES organizations (id),
    -- Where its maker had the role, which is the provider itself or, for a trainee, most often the sponsor.
    organization_id BLOB NOT NULL CHECK (length(organization_id) = 16) REFERENCES organizations (id),
    kind TEXT NOT NULL CHECK (kind IN ('instructor', 'trainee', 'cohort', 'room', 'intake')),
    person_id BLOB CHECK (length(person_id) = 16) REFERENCES people (id),
    cohort_id BLOB CHECK (length(cohort_id) = 16) REFERENCES cohorts (id),
    room_id BLOB CHECK (length(room_id) = 16) REFERENCES rooms (id),
    intake_id BLOB CHECK (length(intake_id) = 16) REFERENCES intakes (id),
    prefix TEXT NOT NULL,
    secret_hash BLOB NOT NULL UNIQUE CHECK (length(secret_hash) = 32),
    -- In which role it was made: the provider's own, or that of the person whose schedule it is.
    role TEXT NOT NULL,
    user_id BLOB CHECK (length(user_id) = 16) REFERENCES users (id),
    created_at INTEGER NOT NULL,
    last_used_at INTEGER,
    revoked_at INTEGER,
    CHECK ((person_id IS NOT NULL) = (kind IN ('instructor', 'trainee'))),
    CHECK ((cohort_id IS NOT NULL) = (kind = 'cohort')),
    CHECK ((room_id IS NOT NULL) = (kind = 'room')),
    CHECK ((intake_id IS NOT NULL) = (kind = 'intake')),
    CHECK (role = 'coordinator' OR (role = kind AND person_id IS NOT NULL AND user_id IS NOT NULL))
) STRICT;
CREATE INDEX feeds_provider ON feeds (provider_id);
CREATE INDEX feeds_organization ON feeds (organization_id);
CREATE INDEX feeds_person ON feeds (person_id);
CREATE INDEX feeds_cohort ON feeds (cohort_id);
CREATE INDEX feeds_room ON feeds (room_id);
CREATE INDEX feeds_intake ON feeds (intake_id);
CREATE INDEX feeds_user ON feeds (user_id);

-- A feed shows what it was made for, and what was revoked stays so.
CREATE TRIGGER feeds_are_fixed BEFORE UPDATE ON feeds
WHEN NEW.id <> OLD.id OR NEW.provider_id <> OLD.provider_id OR NEW.organization_id <> OLD.organization_id OR NEW.kind <> OLD.kind
    OR NEW.person_id IS NOT OLD.person_id OR NEW.cohort_id IS NOT OLD.cohort_id OR NEW.room_id IS NOT OLD.room_id OR NEW.intake_id IS NOT OLD.intake_id
    OR NEW.prefix <> OLD.prefix OR NEW.secret_hash <> OLD.secret_hash OR NEW.role <> OLD.role OR NEW.user_id IS NOT OLD.user_id
    OR NEW.created_at <> OLD.created_at OR (OLD.revoked_at IS NOT NULL AND NEW.revoked_at IS NOT OLD.revoked_at) BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
CREATE TRIGGER feeds_stay BEFORE DELETE ON feeds BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
CREATE TRIGGER feeds_are_not_replaced BEFORE INSERT ON feeds
WHEN EXISTS (SELECT 1 FROM feeds WHERE id = NEW.id OR secret_hash = NEW.secret_hash) BEGIN
    SELECT RAISE(ABORT, 'muster:already_exists');
END;
