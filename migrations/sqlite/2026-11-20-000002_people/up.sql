-- A person, whatever the roles: trainee, instructor, user. `provider_id` is the organization that recorded them first.
CREATE TABLE people (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    provider_id BLOB NOT NULL CHECK (length(provider_id) = 16) REFERENCES organizations (id),
    name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    latin_name TEXT CHECK (length(latin_name) BETWEEN 1 AND 200),
    phone TEXT CHECK (length(phone) BETWEEN 1 AND 40),
    email TEXT CHECK (length(email) BETWEEN 3 AND 254),
    trainee INTEGER NOT NULL CHECK (trainee IN (0, 1)),
    instructor INTEGER NOT NULL CHECK (instructor IN (0, 1)),
    version INTEGER NOT NULL DEFAULT 1 CHECK (version > 0),
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX people_provider ON people (provider_id);

-- A person's dated post at an organization. `organization_id` is the root, `unit_id` the unit within it (or the root again).
CREATE TABLE affiliations (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    person_id BLOB NOT NULL CHECK (length(person_id) = 16) REFERENCES people (id) ON DELETE CASCADE,
    organization_id BLOB NOT NULL CHECK (length(organization_id) = 16) REFERENCES organizations (id),
    unit_id BLOB NOT NULL CHECK (length(unit_id) = 16) REFERENCES organizations (id),
    kind TEXT NOT NULL CHECK (kind IN ('staff', 'alumnus', 'external_expert')),
    employee_number TEXT CHECK (length(employee_number) BETWEEN 1 AND 64),
    title TEXT CHECK (length(title) BETWEEN 1 AND 100),
    from_date TEXT CHECK (date(from_date) IS from_date),
    until_date TEXT CHECK (date(until_date) IS until_date),
    CHECK (until_date IS NULL OR from_date IS NULL OR until_date > from_date),
    FOREIGN KEY (organization_id, unit_id) REFERENCES organization_tree (ancestor_id, descendant_id)
) STRICT;
CREATE INDEX affiliations_person ON affiliations (person_id);
CREATE INDEX affiliations_unit ON affiliations (unit_id);
CREATE INDEX affiliations_organization_unit ON affiliations (organization_id, unit_id);
-- Somebody is looked for by number alone, whatever the organization.
CREATE INDEX affiliations_number ON affiliations (employee_number);
-- People are matched by organization and employee number, so an open pair names one person.
CREATE UNIQUE INDEX affiliations_employee_number ON affiliations (organization_id, employee_number)
    WHERE until_date IS NULL AND employee_number IS NOT NULL;
