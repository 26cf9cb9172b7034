CREATE TABLE users (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    name TEXT NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 200),
    person_id BLOB CHECK (length(person_id) = 16) REFERENCES people (id),
    disabled_at INTEGER,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX users_person ON users (person_id);

CREATE TABLE role_grants (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    user_id BLOB NOT NULL CHECK (length(user_id) = 16) REFERENCES users (id),
    role TEXT NOT NULL CHECK (role IN ('administrator', 'coordinator', 'class_adviser', 'instructor', 'partner', 'trainee', 'auditor')),
    organization_id BLOB CHECK (length(organization_id) = 16) REFERENCES organizations (id),
    manages_access INTEGER NOT NULL CHECK (manages_access IN (0, 1)),
    from_at INTEGER NOT NULL,
    until_at INTEGER,
    CHECK ((role = 'administrator') = (organization_id IS NULL)),
    CHECK (until_at IS NULL OR until_at >= from_at),
    -- What administrators and coordinators do with users, roles and tokens follows from their role.
    CHECK (manages_access = 0 OR role = 'partner')
) STRICT;
CREATE INDEX role_grants_user ON role_grants (user_id);
CREATE INDEX role_grants_organization ON role_grants (organization_id);

-- A role is what it was granted as; all that may become of it is that it ends, and what has an end gets no later one.
CREATE TRIGGER role_grants_stay BEFORE UPDATE ON role_grants
WHEN NEW.id <> OLD.id OR NEW.user_id <> OLD.user_id OR NEW.role <> OLD.role OR NEW.organization_id IS NOT OLD.organization_id
    OR NEW.manages_access <> OLD.manages_access OR NEW.from_at <> OLD.from_at
    OR (OLD.until_at IS NOT NULL AND (NEW.until_at IS NULL OR NEW.until_at > OLD.until_at)) BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
CREATE TRIGGER role_grants_are_not_deleted BEFORE DELETE ON role_grants BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
CREATE TRIGGER role_grants_are_not_replaced BEFORE INSERT ON role_grants
WHEN EXISTS (SELECT 1 FROM role_grants WHERE id = NEW.id) BEGIN
    SELECT RAISE(ABORT, 'muster:already_exists');
END;
