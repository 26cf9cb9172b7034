-- The number of the document that says who somebody is: sealed under the key of the settings, which the database does not have, and found by
-- a hash under another key. Within a house it names one person; of other houses nobody learns that they know the same one.
CREATE TABLE identity_numbers (
    person_id BLOB NOT NULL PRIMARY KEY CHECK (length(person_id) = 16) REFERENCES people (id) ON DELETE CASCADE,
    -- The organization at the top of whoever recorded the person.
    house_id BLOB NOT NULL CHECK (length(house_id) = 16) REFERENCES organizations (id),
    sealed BLOB NOT NULL CHECK (length(sealed) BETWEEN 49 AND 100),
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    masked TEXT NOT NULL CHECK (length(masked) BETWEEN 5 AND 20 AND masked LIKE '***%'),
    recorded_at INTEGER NOT NULL,
    UNIQUE (house_id, hash)
) STRICT;
