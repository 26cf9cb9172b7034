-- A code with which a trainee signs in, once: for who has no e-mail and no password, given by their coordinator. It can be typed, and so is short
-- enough to be stored as a password is.
CREATE TABLE sign_in_codes (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    role_grant_id BLOB NOT NULL CHECK (length(role_grant_id) = 16) REFERENCES role_grants (id),
    -- In which role whoever gave it acted; none for the operator.
    giver_grant_id BLOB CHECK (length(giver_grant_id) = 16) REFERENCES role_grants (id),
    hash TEXT NOT NULL CHECK (hash LIKE '$argon2id$%'),
    expires_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    used_at INTEGER,
    withdrawn_at INTEGER,
    CHECK (expires_at > created_at),
    CHECK (used_at IS NULL OR withdrawn_at IS NULL)
) STRICT;
CREATE INDEX sign_in_codes_role_grant ON sign_in_codes (role_grant_id);
CREATE INDEX sign_in_codes_giver_grant ON sign_in_codes (giver_grant_id);
-- Another code takes the place of the one before.
CREATE UNIQUE INDEX sign_in_codes_open ON sign_in_codes (role_grant_id) WHERE used_at IS NULL AND withdrawn_at IS NULL;

CREATE TRIGGER sign_in_codes_are_good_once BEFORE UPDATE ON sign_in_codes
WHEN OLD.used_at IS NOT NULL OR OLD.withdrawn_at IS NOT NULL OR NEW.id <> OLD.id OR NEW.role_grant_id <> OLD.role_grant_id
    OR NEW.giver_grant_id IS NOT OLD.giver_grant_id OR NEW.hash <> OLD.hash OR NEW.expires_at <> OLD.expires_at
    OR NEW.created_at <> OLD.created_at BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
