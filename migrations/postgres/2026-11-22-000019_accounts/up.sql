-- What a user signs in with: Argon2id in the PHC format, which names its own parameters and salt.
CREATE TABLE passwords (
    user_id uuid NOT NULL PRIMARY KEY REFERENCES users (id),
    hash text NOT NULL CHECK (hash LIKE '$argon2id$%'),
    changed_at timestamptz NOT NULL
);

-- A secret with which a user sets a password, once. Only its SHA-256 is stored.
CREATE TABLE invitations (
    id uuid NOT NULL PRIMARY KEY,
    role_grant_id uuid NOT NULL REFERENCES role_grants (id),
    -- In which role whoever invited acted; none for the operator.
    inviter_grant_id uuid REFERENCES role_grants (id),
    hash bytea NOT NULL UNIQUE CHECK (length(hash) = 32),
    expires_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    accepted_at timestamptz,
    withdrawn_at timestamptz,
    CHECK (expires_at > created_at),
    CHECK (accepted_at IS NULL OR withdrawn_at IS NULL)
);
CREATE INDEX invitations_role_grant ON invitations (role_grant_id);
CREATE INDEX invitations_inviter_grant ON invitations (inviter_grant_id);

CREATE FUNCTION invitations_are_good_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.accepted_at IS NOT NULL OR OLD.withdrawn_at IS NOT NULL OR NEW.id <> OLD.id OR NEW.role_grant_id <> OLD.role_grant_id
        OR NEW.inviter_grant_id IS DISTINCT FROM OLD.inviter_grant_id OR NEW.hash <> OLD.hash OR NEW.expires_at <> OLD.expires_at
        OR NEW.created_at <> OLD.created_at THEN
        RAISE EXCEPTION 'muster:invitation_not_good';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER invitations_are_good_once BEFORE UPDATE ON invitations FOR EACH ROW EXECUTE FUNCTION invitations_are_good_once();

CREATE FUNCTION invitations_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'muster:immutable';
END $$;
CREATE TRIGGER invitations_stay BEFORE DELETE ON invitations FOR EACH ROW EXECUTE FUNCTION invitations_stay();
CREATE TRIGGER invitations_are_not_truncated BEFORE TRUNCATE ON invitations FOR EACH STATEMENT EXECUTE FUNCTION is_not_truncated();

-- Attempts to prove a password that are under way or failed, by the account that was named and by the address they came from: the SHA-256
-- of each, for what was typed as a name may be a password. Rows, so that every process counts the same; swept when they count no more.
CREATE TABLE sign_in_attempts (
    id uuid NOT NULL PRIMARY KEY,
    account bytea NOT NULL CHECK (length(account) = 32),
    address bytea NOT NULL CHECK (length(address) = 32),
    attempted_at timestamptz NOT NULL
);
CREATE INDEX sign_in_attempts_account ON sign_in_attempts (account, attempted_at);
CREATE INDEX sign_in_attempts_address ON sign_in_attempts (address, attempted_at);
CREATE INDEX sign_in_attempts_attempted ON sign_in_attempts (attempted_at);
