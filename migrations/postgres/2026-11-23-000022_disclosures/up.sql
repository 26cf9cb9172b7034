-- The people of an organization and of all below it, shown to another organization's partners for a time: a subsidiary's to the group.
CREATE TABLE disclosures (
    id uuid NOT NULL PRIMARY KEY,
    organization_id uuid NOT NULL REFERENCES organizations (id),
    recipient_id uuid NOT NULL REFERENCES organizations (id),
    from_at timestamptz NOT NULL,
    until_at timestamptz,
    reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 2000),
    -- Who made it; none for the operator.
    user_id uuid REFERENCES users (id),
    created_at timestamptz NOT NULL,
    -- One that was ended before it began never does.
    CHECK (until_at IS NULL OR until_at >= from_at)
);
CREATE INDEX disclosures_pair ON disclosures (organization_id, recipient_id);
CREATE INDEX disclosures_recipient ON disclosures (recipient_id);
CREATE INDEX disclosures_user ON disclosures (user_id);

CREATE FUNCTION disclosures_lead_out_of_the_house() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT root_id FROM organizations WHERE id = NEW.organization_id) = (SELECT root_id FROM organizations WHERE id = NEW.recipient_id) THEN
        RAISE EXCEPTION 'muster:own_house';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER disclosures_lead_out_of_the_house BEFORE INSERT ON disclosures
    FOR EACH ROW EXECUTE FUNCTION disclosures_lead_out_of_the_house();

-- Twice at a time it would go on when one ends.
CREATE FUNCTION disclosures_apart() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Whoever shows the same people to the same house waits, then sees what was committed; with a snapshot taken before, it would not.
    IF current_setting('transaction_isolation') = 'repeatable read' THEN
        RAISE EXCEPTION 'muster:repeatable_read';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended(current_schema() || ':disclosure:' || NEW.organization_id || ':' || NEW.recipient_id, 0));
    IF EXISTS (SELECT 1 FROM disclosures d WHERE d.organization_id = NEW.organization_id AND d.recipient_id = NEW.recipient_id
            AND (d.until_at IS NULL OR (d.until_at > d.from_at AND d.until_at > NEW.from_at))
            AND (NEW.until_at IS NULL OR NEW.until_at > d.from_at)) THEN
        RAISE EXCEPTION 'muster:disclosed_already';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER disclosures_apart BEFORE INSERT ON disclosures FOR EACH ROW EXECUTE FUNCTION disclosures_apart();

-- What was shown, to whom and why stays known; all that may become of it is that it ends, and what has an end gets no later one.
CREATE FUNCTION disclosures_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.id <> OLD.id OR NEW.organization_id <> OLD.organization_id OR NEW.recipient_id <> OLD.recipient_id OR NEW.from_at <> OLD.from_at
        OR NEW.reason <> OLD.reason OR NEW.user_id IS DISTINCT FROM OLD.user_id OR NEW.created_at <> OLD.created_at
        OR (OLD.until_at IS NOT NULL AND (NEW.until_at IS NULL OR NEW.until_at > OLD.until_at)) THEN
        RAISE EXCEPTION 'muster:immutable';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER disclosures_stay BEFORE UPDATE ON disclosures FOR EACH ROW EXECUTE FUNCTION disclosures_stay();
CREATE FUNCTION disclosures_are_not_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'muster:immutable';
END $$;
CREATE TRIGGER disclosures_are_not_deleted BEFORE DELETE ON disclosures FOR EACH ROW EXECUTE FUNCTION disclosures_are_not_deleted();
CREATE TRIGGER disclosures_are_not_truncated BEFORE TRUNCATE ON disclosures FOR EACH STATEMENT EXECUTE FUNCTION is_not_truncated();

-- What is disclosed to a sponsor's partner is behind the wall what it sends itself: its people and what they are taught. When that is, the
-- read transaction says.
CREATE FUNCTION scope_at() RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE AS
    $$ SELECT CASE WHEN scope_kind() IS NOT NULL THEN nullif(current_setting('muster.at', true), '')::timestamptz END $$;
-- The own organization and those whose people are disclosed to it, or to a unit below it; then all that is below them.
CREATE VIEW sponsored_heads AS
    SELECT id FROM sponsored WHERE id = (SELECT scope_organization())
    UNION ALL SELECT d.organization_id FROM disclosures d WHERE d.recipient_id IN (SELECT id FROM sponsored)
        AND d.from_at <= (SELECT scope_at()) AND (d.until_at IS NULL OR d.until_at > (SELECT scope_at()));
CREATE VIEW sponsored_units AS SELECT descendant_id AS id FROM organization_tree WHERE ancestor_id IN (SELECT id FROM sponsored_heads);
GRANT SELECT ON sponsored_heads, sponsored_units TO muster_reader_sponsored;
CREATE OR REPLACE VIEW sponsored_intakes AS
    SELECT e.intake_id AS id FROM enrollments e WHERE e.unit_id IN (SELECT id FROM sponsored_units)
    UNION ALL SELECT s.intake_id FROM intake_sponsors s JOIN organizations o ON o.root_id = s.sponsor_id
        WHERE s.seats IS NOT NULL AND o.id IN (SELECT id FROM sponsored) AND o.id = (SELECT scope_organization())
    UNION ALL SELECT q.intake_id FROM unit_quotas q WHERE q.seats IS NOT NULL AND (SELECT scope_kind()) = 'sponsor'
        AND (q.unit_id IN (SELECT id FROM sponsored)
            OR q.unit_id IN (SELECT ancestor_id FROM organization_tree WHERE descendant_id = (SELECT scope_organization())));
CREATE OR REPLACE VIEW sponsored_enrollments AS SELECT e.id, e.person_id FROM enrollments e WHERE e.unit_id IN (SELECT id FROM sponsored_units);

-- The version of a report stands beside the seats, and whether there are any left says why somebody has none; the seats themselves are not
-- told of another house.
ALTER POLICY sponsored ON intake_sponsors USING (EXISTS (SELECT 1 FROM sponsored_intakes s WHERE s.id = intake_sponsors.intake_id)
    AND sponsor_id IN (SELECT root_id FROM organizations WHERE id IN (SELECT id FROM sponsored_heads)));
ALTER POLICY sponsored ON unit_quotas USING (EXISTS (SELECT 1 FROM sponsored_intakes s WHERE s.id = unit_quotas.intake_id)
    AND (unit_id IN (SELECT id FROM sponsored_units)
        OR unit_id IN (SELECT ancestor_id FROM organization_tree WHERE descendant_id IN (SELECT id FROM sponsored_heads))));

ALTER TABLE disclosures ENABLE ROW LEVEL SECURITY;
GRANT SELECT ON disclosures TO muster_reader_all, muster_reader_house, muster_reader_sponsored, muster_reader_own;
CREATE POLICY "all" ON disclosures FOR SELECT TO muster_reader_all USING ((SELECT scope_kind()) = 'everything');
CREATE POLICY house ON disclosures FOR SELECT TO muster_reader_house USING (false);
CREATE POLICY sponsored ON disclosures FOR SELECT TO muster_reader_sponsored
    USING (organization_id IN (SELECT id FROM sponsored) OR recipient_id IN (SELECT id FROM sponsored));
CREATE POLICY own ON disclosures FOR SELECT TO muster_reader_own USING (false);
