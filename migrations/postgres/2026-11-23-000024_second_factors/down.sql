ALTER TABLE users DROP COLUMN second_factor_at;
DROP TABLE recovery_codes;
DROP TABLE second_factors;
DROP FUNCTION second_factors_go_forward();
