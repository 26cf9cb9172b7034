-- Organizations form a forest: a unit (campus, plant) has a parent, everything else is a root.
CREATE TABLE organizations (
    id uuid NOT NULL PRIMARY KEY,
    code text NOT NULL UNIQUE CHECK (length(code) BETWEEN 1 AND 64),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    latin_name text CHECK (length(latin_name) BETWEEN 1 AND 200),
    kind text NOT NULL CHECK (kind IN ('university', 'enterprise', 'government_body', 'college', 'association', 'education_group', 'unit')),
    parent_id uuid REFERENCES organizations (id),
    root_id uuid NOT NULL REFERENCES organizations (id),
    version integer NOT NULL DEFAULT 1 CHECK (version > 0),
    created_at timestamptz NOT NULL,
    CHECK ((kind = 'unit') = (parent_id IS NOT NULL)),
    CHECK ((parent_id IS NULL) = (root_id = id))
);
CREATE INDEX organizations_parent ON organizations (parent_id);
CREATE INDEX organizations_root ON organizations (root_id);

-- Each organization with itself and everything below it; filled by a trigger, read by every scope filter.
CREATE TABLE organization_tree (
    ancestor_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    descendant_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    PRIMARY KEY (ancestor_id, descendant_id)
);
CREATE INDEX organization_tree_descendant ON organization_tree (descendant_id);

CREATE FUNCTION organizations_tree() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO organization_tree (ancestor_id, descendant_id)
    SELECT ancestor_id, NEW.id FROM organization_tree WHERE descendant_id = NEW.parent_id
    UNION ALL SELECT NEW.id, NEW.id;
    RETURN NULL;
END $$;
CREATE TRIGGER organizations_tree AFTER INSERT ON organizations FOR EACH ROW EXECUTE FUNCTION organizations_tree();

CREATE FUNCTION organizations_place_is_fixed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.parent_id IS DISTINCT FROM OLD.parent_id OR NEW.root_id IS DISTINCT FROM OLD.root_id OR (NEW.kind = 'unit') <> (OLD.kind = 'unit') THEN
        RAISE EXCEPTION 'muster:organization_place_fixed';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER organizations_place_is_fixed BEFORE UPDATE OF parent_id, root_id, kind ON organizations FOR EACH ROW EXECUTE FUNCTION organizations_place_is_fixed();

CREATE FUNCTION organizations_root_of_parent() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.parent_id IS NOT NULL AND NEW.root_id IS DISTINCT FROM (SELECT root_id FROM organizations WHERE id = NEW.parent_id) THEN
        RAISE EXCEPTION 'muster:organization_place_fixed';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER organizations_root_of_parent BEFORE INSERT ON organizations FOR EACH ROW EXECUTE FUNCTION organizations_root_of_parent();
