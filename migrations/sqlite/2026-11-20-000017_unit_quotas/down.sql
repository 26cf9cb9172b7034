DROP TRIGGER unit_quotas_seat_on_delete;
DROP TRIGGER unit_quotas_seat_on_update;
DROP TRIGGER unit_quotas_seat_on_insert;
DROP TABLE unit_quotas;
