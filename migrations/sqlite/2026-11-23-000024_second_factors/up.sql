-- What a user proves besides the password: the secret of an authenticator, sealed under the key of the settings. It counts once a code of it
-- was shown, which `users.second_factor_at` says; no code is good twice, so that the step of the last one is kept.
CREATE TABLE second_factors (
    user_id BLOB NOT NULL PRIMARY KEY CHECK (length(user_id) = 16) REFERENCES users (id),
    sealed BLOB NOT NULL CHECK (length(sealed) BETWEEN 49 AND 100),
    created_at INTEGER NOT NULL,
    last_step INTEGER NOT NULL DEFAULT 0 CHECK (last_step >= 0)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER second_factors_go_forward BEFORE UPDATE OF last_step ON second_factors WHEN NEW.last_step <= OLD.last_step BEGIN
    SELECT RAISE(ABORT, 'muster:wrong_second_factor');
END;

-- For whoever has lost the authenticator, each good once: a hash under the key of the settings.
CREATE TABLE recovery_codes (
    user_id BLOB NOT NULL CHECK (length(user_id) = 16) REFERENCES second_factors (user_id) ON DELETE CASCADE,
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    used_at INTEGER,
    PRIMARY KEY (user_id, hash)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER recovery_codes_are_good_once BEFORE UPDATE ON recovery_codes WHEN OLD.used_at IS NOT NULL OR NEW.hash <> OLD.hash BEGIN
    SELECT RAISE(ABORT, 'muster:wrong_second_factor');
END;

ALTER TABLE users ADD COLUMN second_factor_at INTEGER;
