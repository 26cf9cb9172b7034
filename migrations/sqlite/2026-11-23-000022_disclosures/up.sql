-- The people of an organization and of all below it, shown to another organization's partners for a time: a subsidiary's to the group.
CREATE TABLE disclosures (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    organization_id BLOB NOT NULL CHECK (length(organization_id) = 16) REFERENCES organizations (id),
    recipient_id BLOB NOT NULL CHECK (length(recipient_id) = 16) REFERENCES organizations (id),
    from_at INTEGER NOT NULL,
    until_at INTEGER,
    reason TEXT NOT NULL CHECK (length(reason) BETWEEN 1 AND 2000),
    -- Who made it; none for the operator.
    user_id BLOB CHECK (length(user_id) = 16) REFERENCES users (id),
    created_at INTEGER NOT NULL,
    -- One that was ended before it began never does.
    CHECK (until_at IS NULL OR until_at >= from_at)
) STRICT;
CREATE INDEX disclosures_pair ON disclosures (organization_id, recipient_id);
CREATE INDEX disclosures_recipient ON disclosures (recipient_id);
CREATE INDEX disclosures_user ON disclosures (user_id);

CREATE TRIGGER disclosures_lead_out_of_the_house BEFORE INSERT ON disclosures
WHEN (SELECT root_id FROM organizations WHERE id = NEW.organization_id) = (SELECT root_id FROM organizations WHERE id = NEW.recipient_id) BEGIN
    SELECT RAISE(ABORT, 'muster:own_house');
END;
-- Twice at a time it would go on when one ends.
CREATE TRIGGER disclosures_apart BEFORE INSERT ON disclosures
WHEN EXISTS (SELECT 1 FROM disclosures d WHERE d.organization_id = NEW.organization_id AND d.recipient_id = NEW.recipient_id
    AND (d.until_at IS NULL OR (d.until_at > d.from_at AND d.until_at > NEW.from_at)) AND (NEW.until_at IS NULL OR NEW.until_at > d.from_at)) BEGIN
    SELECT RAISE(ABORT, 'muster:disclosed_already');
END;
-- What was shown, to whom and why stays known; all that may become of it is that it ends, and what has an end gets no later one.
CREATE TRIGGER disclosures_stay BEFORE UPDATE ON disclosures
WHEN NEW.id <> OLD.id OR NEW.organization_id <> OLD.organization_id OR NEW.recipient_id <> OLD.recipient_id OR NEW.from_at <> OLD.from_at
    OR NEW.reason <> OLD.reason OR NEW.user_id IS NOT OLD.user_id OR NEW.created_at <> OLD.created_at
    OR (OLD.until_at IS NOT NULL AND (NEW.until_at IS NULL OR NEW.until_at > OLD.until_at)) BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
CREATE TRIGGER disclosures_are_not_deleted BEFORE DELETE ON disclosures BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
CREATE TRIGGER disclosures_are_not_replaced BEFORE INSERT ON disclosures
WHEN EXISTS (SELECT 1 FROM disclosures WHERE id = NEW.id) BEGIN
    SELECT RAISE(ABORT, 'muster:already_exists');
END;
