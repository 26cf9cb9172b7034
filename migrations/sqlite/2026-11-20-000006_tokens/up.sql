-- Only the SHA-256 of a token is stored; `prefix` is what people recognize it by. A sign-in is a token of its own kind, which a browser
-- holds as a cookie.
CREATE TABLE tokens (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    kind TEXT NOT NULL CHECK (kind IN ('api', 'sign_in')),
    role_grant_id BLOB NOT NULL CHECK (length(role_grant_id) = 16) REFERENCES role_grants (id),
    name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    prefix TEXT NOT NULL,
    hash BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
    read_only INTEGER NOT NULL CHECK (read_only IN (0, 1)),
    -- What it is narrowed to: one intake, or those of one program.
    intake_id BLOB CHECK (length(intake_id) = 16) REFERENCES intakes (id),
    program_id BLOB CHECK (length(program_id) = 16) REFERENCES programs (id),
    expires_at INTEGER NOT NULL,
    -- A sign-in also ends so long after it was last used.
    idle_minutes INTEGER CHECK (idle_minutes > 0),
    last_used_at INTEGER,
    revoked_at INTEGER,
    created_at INTEGER NOT NULL,
    CHECK ((kind = 'sign_in') = (idle_minutes IS NOT NULL)),
    CHECK (kind = 'api' OR (read_only = 0 AND intake_id IS NULL AND program_id IS NULL)),
    CHECK (intake_id IS NULL OR program_id IS NULL)
) STRICT;
CREATE INDEX tokens_role_grant ON tokens (role_grant_id);
CREATE INDEX tokens_intake ON tokens (intake_id);
CREATE INDEX tokens_program ON tokens (program_id);

-- What was revoked stays so, and a token is one thing for good.
CREATE TRIGGER tokens_stay_revoked BEFORE UPDATE ON tokens
WHEN (OLD.revoked_at IS NOT NULL AND NEW.revoked_at IS NOT OLD.revoked_at) OR NEW.id <> OLD.id OR NEW.hash <> OLD.hash OR NEW.kind <> OLD.kind
    OR NEW.role_grant_id <> OLD.role_grant_id OR NEW.read_only <> OLD.read_only OR NEW.intake_id IS NOT OLD.intake_id
    OR NEW.program_id IS NOT OLD.program_id OR NEW.expires_at > OLD.expires_at OR NEW.idle_minutes IS NOT OLD.idle_minutes BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
CREATE TRIGGER tokens_are_not_replaced BEFORE INSERT ON tokens
WHEN EXISTS (SELECT 1 FROM tokens WHERE id = NEW.id OR hash = NEW.hash) BEGIN
    SELECT RAISE(ABORT, 'muster:already_exists');
END;

-- The first answer to a request that carried an Idempotency-Key; swept after 24 hours.
CREATE TABLE idempotency_keys (
    token_id BLOB NOT NULL CHECK (length(token_id) = 16) REFERENCES tokens (id),
    operation TEXT NOT NULL,
    key TEXT NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
    request_hash BLOB NOT NULL CHECK (length(request_hash) = 32),
    status INTEGER NOT NULL CHECK (status BETWEEN 200 AND 299),
    etag TEXT,
    location TEXT,
    body TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (token_id, operation, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_keys_created ON idempotency_keys (created_at);
