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
    CHECK (until_at IS NULL OR until_at > from_at)
);
CREATE INDEX role_grants_user ON role_grants (user_id);
CREATE INDEX role_grants_organization ON role_grants (organization_id);
