-- Days off of a provider, or the shifts that a sponsor's crews work.
CREATE TABLE calendars (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    provider_id BLOB NOT NULL CHECK (length(provider_id) = 16) REFERENCES organizations (id),
    kind TEXT NOT NULL CHECK (kind IN ('holidays', 'shifts')),
    -- Of shifts: whose crews work them.
    organization_id BLOB CHECK (length(organization_id) = 16) REFERENCES organizations (id),
    code TEXT NOT NULL CHECK (length(code) BETWEEN 1 AND 64),
    name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    time_zone TEXT NOT NULL,
    -- The days of the week that are off: the sum of 1 for Mondays, 2 for Tuesdays, up to 64 for Sundays.
    weekend_days INTEGER NOT NULL CHECK (weekend_days BETWEEN 0 AND 127),
    version INTEGER NOT NULL DEFAULT 1 CHECK (version > 0),
    created_at INTEGER NOT NULL,
    CHECK ((kind = 'shifts') = (organization_id IS NOT NULL)),
    CHECK (kind = 'holidays' OR weekend_days = 0),
    UNIQUE (provider_id, code),
    UNIQUE (id, provider_id)
) STRICT;
CREATE INDEX calendars_organization ON calendars (organization_id);
-- OR REPLACE would delete the row in the way without a word, and put another in its place that no trigger on updates has seen.
CREATE TRIGGER calendars_are_not_replaced BEFORE INSERT ON calendars
WHEN EXISTS (SELECT 1 FROM calendars WHERE id = NEW.id) OR EXISTS (SELECT 1 FROM calendars WHERE provider_id = NEW.provider_id AND code = NEW.code) BEGIN
    SELECT RAISE(ABORT, 'muster:already_exists');
END;
CREATE TRIGGER calendars_do_not_replace BEFORE UPDATE OF id, provider_id, code ON calendars
WHEN NEW.id <> OLD.id OR EXISTS (SELECT 1 FROM calendars WHERE provider_id = NEW.provider_id AND code = NEW.code AND id <> NEW.id) BEGIN
    SELECT RAISE(ABORT, 'muster:already_exists');
END;

-- A listed day: off, or worked although it is of a weekend.
CREATE TABLE calendar_days (
    calendar_id BLOB NOT NULL CHECK (length(calendar_id) = 16) REFERENCES calendars (id),
    on_date TEXT NOT NULL CHECK (date(on_date) IS on_date),
    kind TEXT NOT NULL CHECK (kind IN ('holiday', 'working')),
    name TEXT CHECK (length(name) BETWEEN 1 AND 200),
    PRIMARY KEY (calendar_id, on_date)
) STRICT, WITHOUT ROWID;

-- A crew works from one instant until just before another, at most a day later.
CREATE TABLE crew_shifts (
    calendar_id BLOB NOT NULL CHECK (length(calendar_id) = 16) REFERENCES calendars (id),
    crew TEXT NOT NULL CHECK (length(crew) BETWEEN 1 AND 64),
    starts_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL,
    name TEXT CHECK (length(name) BETWEEN 1 AND 200),
    PRIMARY KEY (calendar_id, crew, starts_at),
    CHECK (ends_at > starts_at),
    CHECK ((ends_at - starts_at) / 60000000.0 <= 1440)
) STRICT, WITHOUT ROWID;
CREATE INDEX crew_shifts_start ON crew_shifts (calendar_id, starts_at);

CREATE TRIGGER calendars_keep_their_kind BEFORE UPDATE OF kind ON calendars WHEN NEW.kind <> OLD.kind BEGIN
    SELECT RAISE(ABORT, 'muster:immutable');
END;
CREATE TRIGGER calendar_days_are_holidays_insert BEFORE INSERT ON calendar_days
WHEN (SELECT kind FROM calendars WHERE id = NEW.calendar_id) <> 'holidays' BEGIN
    SELECT RAISE(ABORT, 'muster:calendar_of_another_kind');
END;
CREATE TRIGGER calendar_days_are_holidays_update BEFORE UPDATE OF calendar_id ON calendar_days
WHEN (SELECT kind FROM calendars WHERE id = NEW.calendar_id) <> 'holidays' BEGIN
    SELECT RAISE(ABORT, 'muster:calendar_of_another_kind');
END;
CREATE TRIGGER crew_shifts_are_shifts_insert BEFORE INSERT ON crew_shifts
WHEN (SELECT kind FROM calendars WHERE id = NEW.calendar_id) <> 'shifts' BEGIN
    SELECT RAISE(ABORT, 'muster:calendar_of_another_kind');
END;
CREATE TRIGGER crew_shifts_are_shifts_update BEFORE UPDATE OF calendar_id ON crew_shifts
WHEN (SELECT kind FROM calendars WHERE id = NEW.calendar_id) <> 'shifts' BEGIN
    SELECT RAISE(ABORT, 'muster:calendar_of_another_kind');
END;
CREATE TRIGGER intakes_name_holidays_insert BEFORE INSERT ON intakes
WHEN (SELECT kind FROM calendars WHERE id = NEW.holiday_calendar_id) <> 'holidays' BEGIN
    SELECT RAISE(ABORT, 'muster:calendar_of_another_kind');
END;
CREATE TRIGGER intakes_name_holidays_update BEFORE UPDATE OF holiday_calendar_id ON intakes
WHEN (SELECT kind FROM calendars WHERE id = NEW.holiday_calendar_id) <> 'holidays' BEGIN
    SELECT RAISE(ABORT, 'muster:calendar_of_another_kind');
END;
