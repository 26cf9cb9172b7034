DROP TABLE instructor_exceptions;
DROP TABLE instructor_hours;
DROP TABLE instructor_disciplines;
DROP TABLE instructor_profiles;
