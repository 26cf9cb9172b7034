DROP TRIGGER unit_quotas_seat_on_delete ON enrollments;
DROP TRIGGER unit_quotas_seat_on_update ON enrollments;
DROP TRIGGER unit_quotas_seat_on_insert ON enrollments;
DROP TABLE unit_quotas;
DROP FUNCTION unit_quotas_seat_on_delete;
DROP FUNCTION unit_quotas_seat_on_update;
DROP FUNCTION unit_quotas_seat_on_insert;
DROP FUNCTION unit_quotas_take_seats;
DROP FUNCTION unit_quotas_count;
