DROP TABLE correction_requests;
DROP TABLE leave_steps;
DROP TABLE leave_enrollments;
DROP TABLE leave_requests;
