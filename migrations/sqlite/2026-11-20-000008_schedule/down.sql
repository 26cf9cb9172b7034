DROP TABLE claim_waivers;
DROP TABLE claims;
DROP TABLE session_instructors;
DROP TABLE session_cohorts;
DROP TABLE sessions;
DROP TABLE series;
DROP TABLE rooms;
