DROP TABLE enrollment_steps;
DROP TABLE enrollment_periods;
DROP TABLE enrollments;
