DROP TABLE idempotency_keys;
DROP TABLE tokens;
DROP FUNCTION tokens_stay_revoked();
