-- What a provider knows of the time of somebody who teaches; it goes with the person.
CREATE TABLE instructor_profiles (
    person_id uuid NOT NULL PRIMARY KEY REFERENCES people (id) ON DELETE CASCADE,
    time_zone text NOT NULL,
    daily_minutes integer CHECK (daily_minutes BETWEEN 1 AND 1440),
    weekly_minutes integer CHECK (weekly_minutes BETWEEN 1 AND 10080),
    version integer NOT NULL DEFAULT 1 CHECK (version > 0)
);

-- The disciplines that somebody is qualified for, by the code that they have in any version of a program. None: not known.
CREATE TABLE instructor_disciplines (
    person_id uuid NOT NULL REFERENCES instructor_profiles (person_id) ON DELETE CASCADE,
    discipline text NOT NULL CHECK (length(discipline) BETWEEN 1 AND 64),
    PRIMARY KEY (person_id, discipline)
);

-- When somebody is available in every week, in minutes since local midnight, half-open. None: always.
CREATE TABLE instructor_hours (
    person_id uuid NOT NULL REFERENCES instructor_profiles (person_id) ON DELETE CASCADE,
    weekday integer NOT NULL CHECK (weekday BETWEEN 1 AND 7),
    from_minute integer NOT NULL CHECK (from_minute BETWEEN 0 AND 1439),
    until_minute integer NOT NULL CHECK (until_minute BETWEEN 1 AND 1440),
    PRIMARY KEY (person_id, weekday, from_minute),
    CHECK (until_minute > from_minute)
);

-- What is otherwise on some days, or in some hours of them. Where two meet, the later position says.
CREATE TABLE instructor_exceptions (
    person_id uuid NOT NULL REFERENCES instructor_profiles (person_id) ON DELETE CASCADE,
    position integer NOT NULL CHECK (position >= 0),
    from_date date NOT NULL,
    until_date date NOT NULL,
    from_minute integer NOT NULL CHECK (from_minute BETWEEN 0 AND 1439),
    until_minute integer NOT NULL CHECK (until_minute BETWEEN 1 AND 1440),
    available boolean NOT NULL,
    note text CHECK (length(note) BETWEEN 1 AND 2000),
    PRIMARY KEY (person_id, position),
    CHECK (until_date >= from_date),
    CHECK (until_minute > from_minute)
);
