-- What a user signs in with: Argon2id in the PHC format, which names its own parameters and salt.
CREATE TABLE passwords (
    user_id BLOB NOT NULL PRIMARY KEY CHECK (length(user_id) = 16) REFERENCES users (id),
    hash TEXT NOT NULL CHECK (hash LIKE '$argon2id$%'),
    changed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A secret with which a user sets a password, once. Only its SHA-256 is stored.
CREATE TABLE invitations (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    role_grant_id BLOB NOT NULL CHECK (length(role_grant_id) = 16) REFERENCES role_grants (id),
    -- In which role whoever invited acted; none for the operator.
    inviter_grant_id BLOB CHECK (length(inviter_grant_id) = 16) REFERENCES role_grants (id),
    hash BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
    expires_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    accepted_at INTEGER,
    withdrawn_at INTEGER,
    CHECK (expires_at > created_at),
    CHECK (accepted_at IS NULL OR withdrawn_at IS NULL)
) STRICT;
CREATE INDEX invitations_role_grant ON invitations (role_grant_id);
CREATE INDEX invitations_inviter_grant ON invitations (inviter_grant_id);

CREATE TRIGGER invitations_are_good_once BEFORE UPDATE ON invitations
WHEN OLD.accepted_at IS NOT NULL OR OLD.withdrawn_at IS NOT NULL OR NEW.id <> OLD.id OR NEW.role_grant_id <> OLD.role_grant_id
    OR NEW.inviter_grant_id IS NOT OLD.inviter_grant_id OR NEW.hash <> OLD.hash OR NEW.expires_at <> OLD.expires_at
    OR NEW.created_at <> OLD.created_at BEGIN
    SELECT RAISE(ABORT, 'muster:invitation_not_good');
END;
CREATE TRIGGER invitations_stay BEFORE DELETE ON invitations BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
CREATE TRIGGER invitations_are_not_replaced BEFORE INSERT ON invitations
WHEN EXISTS (SELECT 1 FROM invitations WHERE id = NEW.id OR hash = NEW.hash) BEGIN
    SELECT RAISE(ABORT, 'muster:already_exists');
END;

-- Attempts to prove a password that are under way or failed, by the account that was named and by the address they came from: the SHA-256
-- of each, for what was typed as a name may be a password. Rows, so that every process counts the same; swept when they count no more.
CREATE TABLE sign_in_attempts (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    account BLOB NOT NULL CHECK (length(account) = 32),
    address BLOB NOT NULL CHECK (length(address) = 32),
    attempted_at INTEGER NOT NULL
) STRICT;
CREATE INDEX sign_in_attempts_account ON sign_in_attempts (account, attempted_at);
CREATE INDEX sign_in_attempts_address ON sign_in_attempts (address, attempted_at);
CREATE INDEX sign_in_attempts_attempted ON sign_in_attempts (attempted_at);
