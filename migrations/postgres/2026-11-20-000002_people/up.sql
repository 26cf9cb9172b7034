-- A person, whatever the roles: trainee, instructor, user. `provider_id` is the organization that recorded them first.
CREATE TABLE people (
    id uuid NOT NULL PRIMARY KEY,
    provider_id uuid NOT NULL REFERENCES organizations (id),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    latin_name text CHECK (length(latin_name) BETWEEN 1 AND 200),
    phone text CHECK (length(phone) BETWEEN 1 AND 40),
    email text CHECK (length(email) BETWEEN 3 AND 254),
    trainee boolean NOT NULL,
    instructor boolean NOT NULL,
    version integer NOT NULL DEFAULT 1 CHECK (version > 0),
    created_at timestamptz NOT NULL
);
CREATE INDEX people_provider ON people (provider_id);

-- A person's dated post at an organization. `organization_id` is the root, `unit_id` the unit within it (or the root again).
CREATE TABLE affiliations (
    id uuid NOT NULL PRIMARY KEY,
    person_id uuid NOT NULL REFERENCES people (id) ON DELETE CASCADE,
    organization_id uuid NOT NULL REFERENCES organizations (id),
    unit_id uuid NOT NULL REFERENCES organizations (id),
    kind text NOT NULL CHECK (kind IN ('staff', 'alumnus', 'external_expert')),
    employee_number text CHECK (length(employee_number) BETWEEN 1 AND 64),
    title text CHECK (length(title) BETWEEN 1 AND 100),
    from_date date,
    until_date date,
    CHECK (until_date IS NULL OR from_date IS NULL OR until_date > from_date),
    FOREIGN KEY (organization_id, unit_id) REFERENCES organization_tree (ancestor_id, descendant_id)
);
CREATE INDEX affiliations_person ON affiliations (person_id);
CREATE INDEX affiliations_unit ON affiliations (unit_id);
CREATE INDEX affiliations_organization_unit ON affiliations (organization_id, unit_id);
-- Somebody is looked for by number alone, whatever the organization.
CREATE INDEX affiliations_number ON affiliations (employee_number);
-- People are matched by organization and employee number, so an open pair names one person.
CREATE UNIQUE INDEX affiliations_employee_number ON affiliations (organization_id, employee_number)
    WHERE until_date IS NULL AND employee_number IS NOT NULL;
