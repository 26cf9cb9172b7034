-- What a provider knows of the time of somebody who teaches; it goes with the person.
CREATE TABLE instructor_profiles (
    person_id BLOB NOT NULL PRIMARY KEY CHECK (length(person_id) = 16) REFERENCES people (id) ON DELETE CASCADE,
    time_zone TEXT NOT NULL,
    daily_minutes INTEGER CHECK (daily_minutes BETWEEN 1 AND 1440),
    weekly_minutes INTEGER CHECK (weekly_minutes BETWEEN 1 AND 10080),
    version INTEGER NOT NULL DEFAULT 1 CHECK (version > 0)
) STRICT;

-- The disciplines that somebody is qualified for, by the code that they have in any version of a program. None: not known.
CREATE TABLE instructor_disciplines (
    person_id BLOB NOT NULL CHECK (length(person_id) = 16) REFERENCES instructor_profiles (person_id) ON DELETE CASCADE,
    discipline TEXT NOT NULL CHECK (length(discipline) BETWEEN 1 AND 64),
    PRIMARY KEY (person_id, discipline)
) STRICT, WITHOUT ROWID;

-- When somebody is available in every week, in minutes since local midnight, half-open. None: always.
CREATE TABLE instructor_hours (
    person_id BLOB NOT NULL CHECK (length(person_id) = 16) REFERENCES instructor_profiles (person_id) ON DELETE CASCADE,
    weekday INTEGER NOT NULL CHECK (weekday BETWEEN 1 AND 7),
    from_minute INTEGER NOT NULL CHECK (from_minute BETWEEN 0 AND 1439),
    until_minute INTEGER NOT NULL CHECK (until_minute BETWEEN 1 AND 1440),
    PRIMARY KEY (person_id, weekday, from_minute),
    CHECK (until_minute > from_minute)
) STRICT, WITHOUT ROWID;

-- What is otherwise on some days, or in some hours of them. Where two meet, the later position says.
CREATE TABLE instructor_exceptions (
    person_id BLOB NOT NULL CHECK (length(person_id) = 16) REFERENCES instructor_profiles (person_id) ON DELETE CASCADE,
    position INTEGER NOT NULL CHECK (position >= 0),
    from_date TEXT NOT NULL CHECK (date(from_date) IS from_date),
    until_date TEXT NOT NULL CHECK (date(until_date) IS until_date),
    from_minute INTEGER NOT NULL CHECK (from_minute BETWEEN 0 AND 1439),
    until_minute INTEGER NOT NULL CHECK (until_minute BETWEEN 1 AND 1440),
    available INTEGER NOT NULL CHECK (available IN (0, 1)),
    note TEXT CHECK (length(note) BETWEEN 1 AND 2000),
    PRIMARY KEY (person_id, position),
    CHECK (until_date >= from_date),
    CHECK (until_minute > from_minute)
) STRICT, WITHOUT ROWID;
