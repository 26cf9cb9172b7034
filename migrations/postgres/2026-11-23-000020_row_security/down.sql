DO $$
DECLARE
    t text;
    scope text;
BEGIN
    FOREACH scope IN ARRAY ARRAY['all', 'house', 'sponsored', 'own'] LOOP
        FOR t IN SELECT c.relname FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' LOOP
            EXECUTE format('DROP POLICY IF EXISTS %I ON %I', scope, t);
            EXECUTE format('ALTER TABLE %I DISABLE ROW LEVEL SECURITY', t);
            EXECUTE format('REVOKE SELECT ON %I FROM %I', t, 'muster_reader_' || scope);
        END LOOP;
        EXECUTE format('REVOKE USAGE ON SCHEMA %I FROM %I', current_schema(), 'muster_reader_' || scope);
    END LOOP;
END $$;
DROP VIEW seen_users;
DROP VIEW own_leave, own_people, own_versions, own_programs, own_sessions, own_enrollments, own_intakes, own;
DROP VIEW sponsored_leave, sponsored_people, sponsored_versions, sponsored_programs, sponsored_sessions, sponsored_enrollments,
    sponsored_intakes, sponsored;
DROP VIEW house_imports, house_leave, house_calendars, house_people, house_versions, house_programs, house_sessions, house_enrollments,
    house_intakes, house;
DROP FUNCTION scope_organization(), scope_person(), scope_user(), scope_kind();
