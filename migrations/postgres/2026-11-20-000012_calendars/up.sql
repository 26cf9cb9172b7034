-- Days off of a provider, or the shifts that a sponsor's crews work.
CREATE TABLE calendars (
    id uuid NOT NULL PRIMARY KEY,
    provider_id uuid NOT NULL REFERENCES organizations (id),
    kind text NOT NULL CHECK (kind IN ('holidays', 'shifts')),
    -- Of shifts: whose crews work them.
    organization_id uuid REFERENCES organizations (id),
    code text NOT NULL CHECK (length(code) BETWEEN 1 AND 64),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    time_zone text NOT NULL,
    -- The days of the week that are off: the sum of 1 for Mondays, 2 for Tuesdays, up to 64 for Sundays.
    weekend_days integer NOT NULL CHECK (weekend_days BETWEEN 0 AND 127),
    version integer NOT NULL DEFAULT 1 CHECK (version > 0),
    created_at timestamptz NOT NULL,
    CHECK ((kind = 'shifts') = (organization_id IS NOT NULL)),
    CHECK (kind = 'holidays' OR weekend_days = 0),
    UNIQUE (provider_id, code),
    UNIQUE (id, provider_id)
);
CREATE INDEX calendars_organization ON calendars (organization_id);

-- A listed day: off, or worked although it is of a weekend.
CREATE TABLE calendar_days (
    calendar_id uuid NOT NULL REFERENCES calendars (id),
    on_date date NOT NULL,
    kind text NOT NULL CHECK (kind IN ('holiday', 'working')),
    name text CHECK (length(name) BETWEEN 1 AND 200),
    PRIMARY KEY (calendar_id, on_date)
);

-- A crew works from one instant until just before another, at most a day later.
CREATE TABLE crew_shifts (
    calendar_id uuid NOT NULL REFERENCES calendars (id),
    crew text NOT NULL CHECK (length(crew) BETWEEN 1 AND 64),
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    name text CHECK (length(name) BETWEEN 1 AND 200),
    PRIMARY KEY (calendar_id, crew, starts_at),
    CHECK (ends_at > starts_at),
    CHECK (extract(epoch FROM ends_at - starts_at) / 60 <= 1440)
);
CREATE INDEX crew_shifts_start ON crew_shifts (calendar_id, starts_at);

ALTER TABLE intakes ADD CONSTRAINT intakes_holiday_calendar_fkey
    FOREIGN KEY (holiday_calendar_id, provider_id) REFERENCES calendars (id, provider_id);

CREATE FUNCTION calendars_keep_their_kind() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.kind <> OLD.kind THEN
        RAISE EXCEPTION 'muster:immutable';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER calendars_keep_their_kind BEFORE UPDATE OF kind ON calendars FOR EACH ROW EXECUTE FUNCTION calendars_keep_their_kind();

CREATE FUNCTION calendar_days_are_holidays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT kind FROM calendars WHERE id = NEW.calendar_id) <> 'holidays' THEN
        RAISE EXCEPTION 'muster:calendar_of_another_kind';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER calendar_days_are_holidays BEFORE INSERT OR UPDATE OF calendar_id ON calendar_days
    FOR EACH ROW EXECUTE FUNCTION calendar_days_are_holidays();

CREATE FUNCTION crew_shifts_are_shifts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT kind FROM calendars WHERE id = NEW.calendar_id) <> 'shifts' THEN
        RAISE EXCEPTION 'muster:calendar_of_another_kind';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER crew_shifts_are_shifts BEFORE INSERT OR UPDATE OF calendar_id ON crew_shifts
    FOR EACH ROW EXECUTE FUNCTION crew_shifts_are_shifts();

CREATE FUNCTION intakes_name_holidays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT kind FROM calendars WHERE id = NEW.holiday_calendar_id) <> 'holidays' THEN
        RAISE EXCEPTION 'muster:calendar_of_another_kind';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER intakes_name_holidays BEFORE INSERT OR UPDATE OF holiday_calendar_id ON intakes
    FOR EACH ROW EXECUTE FUNCTION intakes_name_holidays();

-- TRUNCATE fires no row triggers.
CREATE TRIGGER calendar_days_are_not_truncated BEFORE TRUNCATE ON calendar_days FOR EACH STATEMENT EXECUTE FUNCTION is_not_truncated();
CREATE TRIGGER crew_shifts_are_not_truncated BEFORE TRUNCATE ON crew_shifts FOR EACH STATEMENT EXECUTE FUNCTION is_not_truncated();
