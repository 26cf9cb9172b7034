DROP TRIGGER intakes_name_holidays_update;
DROP TRIGGER intakes_name_holidays_insert;
UPDATE intakes SET holiday_calendar_id = NULL;
DROP TABLE crew_shifts;
DROP TABLE calendar_days;
DROP TABLE calendars;
