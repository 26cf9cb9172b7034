-- Only the SHA-256 of a token is stored; `prefix` is what people recognize it by. A sign-in is a token of its own kind, which a browser
-- holds as a cookie.
CREATE TABLE tokens (
    id uuid NOT NULL PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('api', 'sign_in')),
    role_grant_id uuid NOT NULL REFERENCES role_grants (id),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    prefix text NOT NULL,
    hash bytea NOT NULL UNIQUE CHECK (length(hash) = 32),
    read_only boolean NOT NULL,
    -- What it is narrowed to: one intake, or those of one program.
    intake_id uuid REFERENCES intakes (id),
    program_id uuid REFERENCES programs (id),
    expires_at timestamptz NOT NULL,
    -- A sign-in also ends so long after it was last used.
    idle_minutes integer CHECK (idle_minutes > 0),
    last_used_at timestamptz,
    revoked_at timestamptz,
    created_at timestamptz NOT NULL,
    CHECK ((kind = 'sign_in') = (idle_minutes IS NOT NULL)),
    CHECK (kind = 'api' OR (NOT read_only AND intake_id IS NULL AND program_id IS NULL)),
    CHECK (intake_id IS NULL OR program_id IS NULL)
);
CREATE INDEX tokens_role_grant ON tokens (role_grant_id);
CREATE INDEX tokens_intake ON tokens (intake_id);
CREATE INDEX tokens_program ON tokens (program_id);

-- What was revoked stays so, and a token is one thing for good.
CREATE FUNCTION tokens_stay_revoked() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.revoked_at IS NOT NULL AND NEW.revoked_at IS DISTINCT FROM OLD.revoked_at) OR NEW.id <> OLD.id OR NEW.hash <> OLD.hash
        OR NEW.kind <> OLD.kind OR NEW.role_grant_id <> OLD.role_grant_id OR NEW.read_only <> OLD.read_only
        OR NEW.intake_id IS DISTINCT FROM OLD.intake_id OR NEW.program_id IS DISTINCT FROM OLD.program_id
        OR NEW.expires_at > OLD.expires_at OR NEW.idle_minutes IS DISTINCT FROM OLD.idle_minutes THEN
        RAISE EXCEPTION 'muster:immutable';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER tokens_stay_revoked BEFORE UPDATE ON tokens FOR EACH ROW EXECUTE FUNCTION tokens_stay_revoked();

-- The first answer to a request that carried an Idempotency-Key; swept after 24 hours.
CREATE TABLE idempotency_keys (
    token_id uuid NOT NULL REFERENCES tokens (id),
    operation text NOT NULL,
    key text NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
    request_hash bytea NOT NULL CHECK (length(request_hash) = 32),
    status integer NOT NULL CHECK (status BETWEEN 200 AND 299),
    etag text,
    location text,
    body text NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (token_id, operation, key)
);
CREATE INDEX idempotency_keys_created ON idempotency_keys (created_at);
