DROP TABLE feeds;
DROP FUNCTION feeds_stay;
DROP FUNCTION feeds_are_fixed;
