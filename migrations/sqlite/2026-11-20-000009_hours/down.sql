DROP TRIGGER enrollment_steps_with_hours_stay;
DROP TRIGGER enrollment_periods_with_hours_stay;
DROP TRIGGER enrollments_with_hours_stay;
DROP TABLE module_hour_balances;
DROP TABLE hour_balances;
DROP TABLE hour_entries;
DROP TABLE attendances;
DROP TABLE roll_calls;
