-- A code with which a trainee signs in, once: for who has no e-mail and no password, given by their coordinator. It can be typed, and so is short
-- enough to be stored as a password is.
CREATE TABLE sign_in_codes (
    id uuid NOT NULL PRIMARY KEY,
    role_grant_id uuid NOT NULL REFERENCES role_grants (id),
    -- In which role whoever gave it acted; none for the operator.
    giver_grant_id uuid REFERENCES role_grants (id),
    hash text NOT NULL CHECK (hash LIKE '$argon2id$%'),
    expires_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    used_at timestamptz,
    withdrawn_at timestamptz,
    CHECK (expires_at > created_at),
    CHECK (used_at IS NULL OR withdrawn_at IS NULL)
);
CREATE INDEX sign_in_codes_role_grant ON sign_in_codes (role_grant_id);
CREATE INDEX sign_in_codes_giver_grant ON sign_in_codes (giver_grant_id);
-- Another code takes the place of the one before.
CREATE UNIQUE INDEX sign_in_codes_open ON sign_in_codes (role_grant_id) WHERE used_at IS NULL AND withdrawn_at IS NULL;

CREATE FUNCTION sign_in_codes_are_good_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.used_at IS NOT NULL OR OLD.withdrawn_at IS NOT NULL OR NEW.id <> OLD.id OR NEW.role_grant_id <> OLD.role_grant_id
        OR NEW.giver_grant_id IS DISTINCT FROM OLD.giver_grant_id OR NEW.hash <> OLD.hash OR NEW.expires_at <> OLD.expires_at
        OR NEW.created_at <> OLD.created_at THEN
        RAISE EXCEPTION 'muster:immutable';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER sign_in_codes_are_good_once BEFORE UPDATE ON sign_in_codes FOR EACH ROW EXECUTE FUNCTION sign_in_codes_are_good_once();
-- No reader is shown any of it.
ALTER TABLE sign_in_codes ENABLE ROW LEVEL SECURITY;
