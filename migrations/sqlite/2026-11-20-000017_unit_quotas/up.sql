-- Seats of an intake reserved for a unit of a sponsor (none: only the sponsor's quota and the capacity limit it), and how many are taken:
-- by the unit and by all below it.
CREATE TABLE unit_quotas (
    intake_id BLOB NOT NULL CHECK (length(intake_id) = 16) REFERENCES intakes (id),
    unit_id BLOB NOT NULL CHECK (length(unit_id) = 16) REFERENCES organizations (id),
    seats INTEGER CHECK (seats >= 0),
    seats_taken INTEGER NOT NULL DEFAULT 0 CHECK (seats_taken >= 0),
    version INTEGER NOT NULL DEFAULT 1 CHECK (version > 0),
    PRIMARY KEY (intake_id, unit_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX unit_quotas_unit ON unit_quotas (unit_id);

-- A quota counts from the first on what was taken before it.
CREATE TRIGGER unit_quotas_count AFTER INSERT ON unit_quotas BEGIN
    UPDATE unit_quotas SET seats_taken = (SELECT count(*) FROM enrollments e
        JOIN organization_tree t ON t.descendant_id = e.unit_id AND t.ancestor_id = NEW.unit_id
        WHERE e.intake_id = NEW.intake_id AND e.state IN ('offered', 'approved', 'enrolled', 'suspended', 'completed', 'failed'))
        WHERE intake_id = NEW.intake_id AND unit_id = NEW.unit_id;
END;

CREATE TRIGGER unit_quotas_seat_on_insert AFTER INSERT ON enrollments
WHEN NEW.state IN ('offered', 'approved', 'enrolled', 'suspended', 'completed', 'failed') BEGIN
    SELECT RAISE(ABORT, 'muster:unit_quota_full') FROM unit_quotas
        WHERE intake_id = NEW.intake_id AND unit_id IN (SELECT ancestor_id FROM organization_tree WHERE descendant_id = NEW.unit_id)
        AND seats_taken >= seats AND NEW.replaces_id IS NULL AND NOT EXISTS (SELECT 1 FROM enrollments e
            WHERE e.id = NEW.transferred_from_id AND e.intake_id = NEW.intake_id AND e.unit_id = NEW.unit_id);
    UPDATE unit_quotas SET seats_taken = seats_taken + 1
        WHERE intake_id = NEW.intake_id AND unit_id IN (SELECT ancestor_id FROM organization_tree WHERE descendant_id = NEW.unit_id);
END;

CREATE TRIGGER unit_quotas_seat_on_update AFTER UPDATE OF state, unit_id, intake_id ON enrollments
WHEN (OLD.state IN ('offered', 'approved', 'enrolled', 'suspended', 'completed', 'failed')) <> (NEW.state IN ('offered', 'approved', 'enrolled', 'suspended', 'completed', 'failed'))
    OR NEW.unit_id IS NOT OLD.unit_id OR NEW.intake_id IS NOT OLD.intake_id BEGIN
    UPDATE unit_quotas SET seats_taken = seats_taken - 1
        WHERE intake_id = OLD.intake_id AND unit_id IN (SELECT ancestor_id FROM organization_tree WHERE descendant_id = OLD.unit_id)
        AND OLD.state IN ('offered', 'approved', 'enrolled', 'suspended', 'completed', 'failed');
    SELECT RAISE(ABORT, 'muster:unit_quota_full') FROM unit_quotas
        WHERE intake_id = NEW.intake_id AND unit_id IN (SELECT ancestor_id FROM organization_tree WHERE descendant_id = NEW.unit_id)
        AND seats_taken >= seats AND NEW.state IN ('offered', 'approved', 'enrolled', 'suspended', 'completed', 'failed');
    UPDATE unit_quotas SET seats_taken = seats_taken + 1
        WHERE intake_id = NEW.intake_id AND unit_id IN (SELECT ancestor_id FROM organization_tree WHERE descendant_id = NEW.unit_id)
        AND NEW.state IN ('offered', 'approved', 'enrolled', 'suspended', 'completed', 'failed');
END;

CREATE TRIGGER unit_quotas_seat_on_delete AFTER DELETE ON enrollments
WHEN OLD.state IN ('offered', 'approved', 'enrolled', 'suspended', 'completed', 'failed') BEGIN
    UPDATE unit_quotas SET seats_taken = seats_taken - 1
        WHERE intake_id = OLD.intake_id AND unit_id IN (SELECT ancestor_id FROM organization_tree WHERE descendant_id = OLD.unit_id);
END;
