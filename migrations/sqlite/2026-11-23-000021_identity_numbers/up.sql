-- The number of the document that says who somebody is: sealed under the key of the settings, which the database does not have, and found by
-- a hash under another key. Each house records what it was shown, and within it a number names one person: of another house nobody learns what
-- it knows.
CREATE TABLE identity_numbers (
    person_id BLOB NOT NULL CHECK (length(person_id) = 16) REFERENCES people (id) ON DELETE CASCADE,
    -- The organization at the top of whoever recorded it.
    house_id BLOB NOT NULL CHECK (length(house_id) = 16) REFERENCES organizations (id),
    sealed BLOB NOT NULL CHECK (length(sealed) BETWEEN 49 AND 100),
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    masked TEXT NOT NULL CHECK (length(masked) BETWEEN 5 AND 20 AND masked LIKE '***%'),
    recorded_at INTEGER NOT NULL,
    PRIMARY KEY (person_id, house_id),
    UNIQUE (house_id, hash)
) STRICT;
