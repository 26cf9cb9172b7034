-- What a user proves besides the password: the secret of an authenticator, sealed under the key of the settings. It counts once a code of it
-- was shown, which `users.second_factor_at` says; no code is good twice, so that the step of the last one is kept.
CREATE TABLE second_factors (
    user_id uuid NOT NULL PRIMARY KEY REFERENCES users (id),
    sealed bytea NOT NULL CHECK (length(sealed) BETWEEN 49 AND 100),
    created_at timestamptz NOT NULL,
    last_step bigint NOT NULL DEFAULT 0 CHECK (last_step >= 0)
);
CREATE FUNCTION second_factors_go_forward() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'muster:wrong_second_factor';
END $$;
CREATE TRIGGER second_factors_go_forward BEFORE UPDATE OF last_step ON second_factors FOR EACH ROW WHEN (NEW.last_step <= OLD.last_step)
    EXECUTE FUNCTION second_factors_go_forward();

-- For whoever has lost the authenticator, each good once: a hash under the key of the settings.
CREATE TABLE recovery_codes (
    user_id uuid NOT NULL REFERENCES second_factors (user_id) ON DELETE CASCADE,
    hash bytea NOT NULL CHECK (length(hash) = 32),
    used_at timestamptz,
    PRIMARY KEY (user_id, hash)
);
CREATE TRIGGER recovery_codes_are_good_once BEFORE UPDATE ON recovery_codes FOR EACH ROW
    WHEN (OLD.used_at IS NOT NULL OR NEW.hash <> OLD.hash) EXECUTE FUNCTION second_factors_go_forward();

ALTER TABLE users ADD COLUMN second_factor_at timestamptz;
-- No reader is shown any of these.
ALTER TABLE second_factors ENABLE ROW LEVEL SECURITY;
ALTER TABLE recovery_codes ENABLE ROW LEVEL SECURITY;
