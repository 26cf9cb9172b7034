ALTER POLICY sponsored ON unit_quotas USING (EXISTS (SELECT 1 FROM sponsored_intakes s WHERE s.id = unit_quotas.intake_id)
    AND (unit_id IN (SELECT id FROM sponsored)
        OR unit_id IN (SELECT ancestor_id FROM organization_tree WHERE descendant_id = (SELECT scope_organization()))));
ALTER POLICY sponsored ON intake_sponsors USING (EXISTS (SELECT 1 FROM sponsored_intakes s WHERE s.id = intake_sponsors.intake_id)
    AND sponsor_id IN (SELECT root_id FROM organizations WHERE id = (SELECT scope_organization())));
CREATE OR REPLACE VIEW sponsored_enrollments AS SELECT e.id, e.person_id FROM enrollments e WHERE e.unit_id IN (SELECT id FROM sponsored);
CREATE OR REPLACE VIEW sponsored_intakes AS
    SELECT e.intake_id AS id FROM enrollments e WHERE e.unit_id IN (SELECT id FROM sponsored)
    UNION ALL SELECT s.intake_id FROM intake_sponsors s JOIN organizations o ON o.root_id = s.sponsor_id
        WHERE s.seats IS NOT NULL AND o.id IN (SELECT id FROM sponsored) AND o.id = (SELECT scope_organization())
    UNION ALL SELECT q.intake_id FROM unit_quotas q WHERE q.seats IS NOT NULL AND (SELECT scope_kind()) = 'sponsor'
        AND (q.unit_id IN (SELECT id FROM sponsored)
            OR q.unit_id IN (SELECT ancestor_id FROM organization_tree WHERE descendant_id = (SELECT scope_organization())));
DROP VIEW sponsored_units, sponsored_heads;
DROP TABLE disclosures;
DROP FUNCTION scope_at();
DROP FUNCTION disclosures_lead_out_of_the_house();
DROP FUNCTION disclosures_apart();
DROP FUNCTION disclosures_stay();
DROP FUNCTION disclosures_are_not_deleted();
