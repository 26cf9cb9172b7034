-- Seats of an intake reserved for a unit of a sponsor (none: only the sponsor's quota and the capacity limit it), and how many are taken:
-- by the unit and by all below it.
CREATE TABLE unit_quotas (
    intake_id uuid NOT NULL REFERENCES intakes (id),
    unit_id uuid NOT NULL REFERENCES organizations (id),
    seats integer CHECK (seats >= 0),
    seats_taken integer NOT NULL DEFAULT 0 CHECK (seats_taken >= 0),
    version integer NOT NULL DEFAULT 1 CHECK (version > 0),
    PRIMARY KEY (intake_id, unit_id)
);
CREATE INDEX unit_quotas_unit ON unit_quotas (unit_id);

-- A quota counts from the first on what was taken before it.
CREATE FUNCTION unit_quotas_count() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.seats_taken := (SELECT count(*) FROM enrollments e
        JOIN organization_tree t ON t.descendant_id = e.unit_id AND t.ancestor_id = NEW.unit_id
        WHERE e.intake_id = NEW.intake_id AND enrollment_state_is_seated(e.state));
    RETURN NEW;
END $$;
CREATE TRIGGER unit_quotas_count BEFORE INSERT ON unit_quotas FOR EACH ROW EXECUTE FUNCTION unit_quotas_count();

CREATE FUNCTION unit_quotas_take_seats(taking uuid, unit uuid, delta bigint, taken_over boolean) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF delta > 0 AND NOT taken_over AND EXISTS (SELECT 1 FROM unit_quotas q JOIN organization_tree t ON t.ancestor_id = q.unit_id
        WHERE q.intake_id = taking AND t.descendant_id = unit AND q.seats_taken + delta > q.seats) THEN
        RAISE EXCEPTION 'muster:unit_quota_full';
    END IF;
    UPDATE unit_quotas SET seats_taken = seats_taken + delta
        WHERE delta <> 0 AND intake_id = taking AND unit_id IN (SELECT ancestor_id FROM organization_tree WHERE descendant_id = unit);
END $$;

CREATE FUNCTION unit_quotas_seat_on_insert() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM unit_quotas_take_seats(d.intake_id, d.unit_id, d.delta, d.taken_over) FROM (
        SELECT intake_id, unit_id, enrollment_takes_over(new_rows) AS taken_over, count(*) AS delta FROM new_rows
        WHERE enrollment_state_is_seated(state) GROUP BY intake_id, unit_id, taken_over ORDER BY intake_id, unit_id, taken_over) d;
    RETURN NULL;
END $$;
CREATE TRIGGER unit_quotas_seat_on_insert AFTER INSERT ON enrollments
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION unit_quotas_seat_on_insert();

CREATE FUNCTION unit_quotas_seat_on_update() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM unit_quotas_take_seats(d.intake_id, d.unit_id, d.delta, false) FROM (
        SELECT intake_id, unit_id, sum(delta)::bigint AS delta FROM (
            SELECT intake_id, unit_id, -1 AS delta FROM old_rows WHERE enrollment_state_is_seated(state)
            UNION ALL
            SELECT intake_id, unit_id, 1 FROM new_rows WHERE enrollment_state_is_seated(state)) moves
        GROUP BY intake_id, unit_id ORDER BY sum(delta), intake_id, unit_id) d;
    RETURN NULL;
END $$;
CREATE TRIGGER unit_quotas_seat_on_update AFTER UPDATE ON enrollments
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION unit_quotas_seat_on_update();

CREATE FUNCTION unit_quotas_seat_on_delete() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM unit_quotas_take_seats(d.intake_id, d.unit_id, d.delta, false) FROM (
        SELECT intake_id, unit_id, -count(*) AS delta FROM old_rows
        WHERE enrollment_state_is_seated(state) GROUP BY intake_id, unit_id ORDER BY intake_id, unit_id) d;
    RETURN NULL;
END $$;
CREATE TRIGGER unit_quotas_seat_on_delete AFTER DELETE ON enrollments
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION unit_quotas_seat_on_delete();
