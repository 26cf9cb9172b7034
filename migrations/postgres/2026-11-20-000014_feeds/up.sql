-- A schedule to subscribe to at a secret address, of which only the SHA-256 is stored; `prefix` is what people recognize it by.
CREATE TABLE feeds (
    id uuid NOT NULL PRIMARY KEY,
    provider_id uuid NOT NULL REFERENCES organizations (id),
    -- Where its maker had the role, which is the provider itself or, for a trainee, most often the sponsor.
    organization_id uuid NOT NULL REFERENCES organizations (id),
    kind text NOT NULL CHECK (kind IN ('instructor', 'trainee', 'cohort', 'room', 'intake')),
    person_id uuid REFERENCES people (id),
    cohort_id uuid REFERENCES cohorts (id),
    room_id uuid REFERENCES rooms (id),
    intake_id uuid REFERENCES intakes (id),
    prefix text NOT NULL,
    secret_hash bytea NOT NULL UNIQUE CHECK (length(secret_hash) = 32),
    -- In which role it was made: the provider's own, or that of the person whose schedule it is.
    role text NOT NULL,
    user_id uuid REFERENCES users (id),
    created_at timestamptz NOT NULL,
    last_used_at timestamptz,
    revoked_at timestamptz,
    CHECK ((person_id IS NOT NULL) = (kind IN ('instructor', 'trainee'))),
    CHECK ((cohort_id IS NOT NULL) = (kind = 'cohort')),
    CHECK ((room_id IS NOT NULL) = (kind = 'room')),
    CHECK ((intake_id IS NOT NULL) = (kind = 'intake')),
    CHECK (role = 'coordinator' OR (role = kind AND person_id IS NOT NULL AND user_id IS NOT NULL))
);
CREATE INDEX feeds_provider ON feeds (provider_id);
CREATE INDEX feeds_organization ON feeds (organization_id);
CREATE INDEX feeds_person ON feeds (person_id);
CREATE INDEX feeds_cohort ON feeds (cohort_id);
CREATE INDEX feeds_room ON feeds (room_id);
CREATE INDEX feeds_intake ON feeds (intake_id);
CREATE INDEX feeds_user ON feeds (user_id);

-- A feed shows what it was made for, and what was revoked stays so.
CREATE FUNCTION feeds_are_fixed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.id, NEW.provider_id, NEW.organization_id, NEW.kind, NEW.person_id, NEW.cohort_id, NEW.room_id, NEW.intake_id, NEW.prefix,
            NEW.secret_hash, NEW.role, NEW.user_id, NEW.created_at)
        IS DISTINCT FROM (OLD.id, OLD.provider_id, OLD.organization_id, OLD.kind, OLD.person_id, OLD.cohort_id, OLD.room_id, OLD.intake_id,
            OLD.prefix, OLD.secret_hash, OLD.role, OLD.user_id, OLD.created_at)
        OR (OLD.revoked_at IS NOT NULL AND NEW.revoked_at IS DISTINCT FROM OLD.revoked_at) THEN
        RAISE EXCEPTION 'muster:immutable';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER feeds_are_fixed BEFORE UPDATE ON feeds FOR EACH ROW EXECUTE FUNCTION feeds_are_fixed();

CREATE FUNCTION feeds_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'muster:immutable';
END $$;
CREATE TRIGGER feeds_stay BEFORE DELETE ON feeds FOR EACH ROW EXECUTE FUNCTION feeds_stay();
CREATE TRIGGER feeds_are_not_truncated BEFORE TRUNCATE ON feeds FOR EACH STATEMENT EXECUTE FUNCTION is_not_truncated();
