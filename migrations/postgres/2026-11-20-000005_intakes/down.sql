DROP TABLE cohorts;
DROP TABLE amendments;
DROP TABLE intake_sponsors;
DROP TABLE intakes;
DROP FUNCTION amendments_stay;
DROP FUNCTION amendments_are_immutable;
DROP FUNCTION intakes_pin_their_version;
DROP FUNCTION intakes_need_a_confirmed_version;
