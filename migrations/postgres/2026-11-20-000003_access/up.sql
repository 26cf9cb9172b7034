CREATE TABLE users (
    id uuid NOT NULL PRIMARY KEY,
    name text NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 200),
    person_id uuid REFERENCES people (id),
    disabled_at timestamptz,
    created_at timestamptz NOT NULL
);
CREATE INDEX users_person ON users (person_id);

CREATE TABLE role_grants (
    id uuid NOT NULL PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (id),
    role text NOT NULL CHECK (role IN ('administrator', 'coordinator', 'class_adviser', 'instructor', 'partner', 'trainee', 'auditor')),
    organization_id uuid REFERENCES organizations (id),
    manages_access boolean NOT NULL,
    from_at timestamptz NOT NULL,
    until_at timestamptz,
    CHECK ((role = 'administrator') = (organization_id IS NULL)),
    CHECK (until_at IS NULL OR until_at >= from_at),
    -- What administrators and coordinators do with users, roles and tokens follows from their role.
    CHECK (NOT manages_access OR role = 'partner')
);
CREATE INDEX role_grants_user ON role_grants (user_id);
CREATE INDEX role_grants_organization ON role_grants (organization_id);

-- A role is what it was granted as; all that may become of it is that it ends, and what has an end gets no later one.
CREATE FUNCTION role_grants_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.id <> OLD.id OR NEW.user_id <> OLD.user_id OR NEW.role <> OLD.role OR NEW.organization_id IS DISTINCT FROM OLD.organization_id
        OR NEW.manages_access <> OLD.manages_access OR NEW.from_at <> OLD.from_at
        OR (OLD.until_at IS NOT NULL AND (NEW.until_at IS NULL OR NEW.until_at > OLD.until_at)) THEN
        RAISE EXCEPTION 'muster:immutable';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER role_grants_stay BEFORE UPDATE ON role_grants FOR EACH ROW EXECUTE FUNCTION role_grants_stay();
CREATE FUNCTION role_grants_are_not_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'muster:immutable';
END $$;
CREATE TRIGGER role_grants_are_not_deleted BEFORE DELETE ON role_grants FOR EACH ROW EXECUTE FUNCTION role_grants_are_not_deleted();
