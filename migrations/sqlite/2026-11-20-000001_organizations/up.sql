-- Organizations form a forest: a unit (campus, plant) has a parent, everything else is a root.
CREATE TABLE organizations (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    code TEXT NOT NULL UNIQUE CHECK (length(code) BETWEEN 1 AND 64),
    name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    latin_name TEXT CHECK (length(latin_name) BETWEEN 1 AND 200),
    kind TEXT NOT NULL CHECK (kind IN ('university', 'enterprise', 'government_body', 'college', 'association', 'education_group', 'unit')),
    parent_id BLOB CHECK (length(parent_id) = 16) REFERENCES organizations (id),
    root_id BLOB NOT NULL CHECK (length(root_id) = 16) REFERENCES organizations (id),
    version INTEGER NOT NULL DEFAULT 1 CHECK (version > 0),
    created_at INTEGER NOT NULL,
    CHECK ((kind = 'unit') = (parent_id IS NOT NULL)),
    CHECK ((parent_id IS NULL) = (root_id = id))
) STRICT;
CREATE INDEX organizations_parent ON organizations (parent_id);
CREATE INDEX organizations_root ON organizations (root_id);

-- Each organization with itself and everything below it; filled by a trigger, read by every scope filter.
CREATE TABLE organization_tree (
    ancestor_id BLOB NOT NULL CHECK (length(ancestor_id) = 16) REFERENCES organizations (id) ON DELETE CASCADE,
    descendant_id BLOB NOT NULL CHECK (length(descendant_id) = 16) REFERENCES organizations (id) ON DELETE CASCADE,
    PRIMARY KEY (ancestor_id, descendant_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX organization_tree_descendant ON organization_tree (descendant_id);

CREATE TRIGGER organizations_tree AFTER INSERT ON organizations BEGIN
    INSERT INTO organization_tree (ancestor_id, descendant_id)
    SELECT ancestor_id, NEW.id FROM organization_tree WHERE descendant_id = NEW.parent_id
    UNION ALL SELECT NEW.id, NEW.id;
END;

CREATE TRIGGER organizations_place_is_fixed BEFORE UPDATE OF parent_id, root_id, kind ON organizations
WHEN NEW.parent_id IS NOT OLD.parent_id OR NEW.root_id IS NOT OLD.root_id OR (NEW.kind = 'unit') <> (OLD.kind = 'unit') BEGIN
    SELECT RAISE(ABORT, 'muster:organization_place_fixed');
END;

CREATE TRIGGER organizations_root_of_parent BEFORE INSERT ON organizations
WHEN NEW.parent_id IS NOT NULL AND NEW.root_id IS NOT (SELECT root_id FROM organizations WHERE id = NEW.parent_id) BEGIN
    SELECT RAISE(ABORT, 'muster:organization_place_fixed');
END;

-- OR REPLACE would delete the row in the way without a word, and put another in its place that no trigger on updates has seen.
CREATE TRIGGER organizations_are_not_replaced BEFORE INSERT ON organizations
WHEN EXISTS (SELECT 1 FROM organizations WHERE id = NEW.id) OR EXISTS (SELECT 1 FROM organizations WHERE code = NEW.code) BEGIN
    SELECT RAISE(ABORT, 'muster:already_exists');
END;
CREATE TRIGGER organizations_do_not_replace BEFORE UPDATE OF id, code ON organizations
WHEN NEW.id <> OLD.id OR EXISTS (SELECT 1 FROM organizations WHERE code = NEW.code AND id <> NEW.id) BEGIN
    SELECT RAISE(ABORT, 'muster:already_exists');
END;
