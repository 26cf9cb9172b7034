DROP TABLE cohorts;
DROP TABLE amendments;
DROP TABLE intake_sponsors;
DROP TABLE intakes;
