DO $$
DECLARE
    t text;
BEGIN
    FOR t IN SELECT c.relname FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' LOOP
        EXECUTE format('DROP POLICY IF EXISTS in_scope ON %I', t);
        EXECUTE format('ALTER TABLE %I DISABLE ROW LEVEL SECURITY', t);
        EXECUTE format('REVOKE SELECT ON %I FROM muster_reader', t);
    END LOOP;
    EXECUTE format('REVOKE USAGE ON SCHEMA %I FROM muster_reader', current_schema());
END $$;
DROP VIEW seen_imports, seen_leave, seen_users, seen_calendars, seen_people, seen_versions, seen_programs, seen_sessions,
    seen_enrollments, seen_intakes, own_house;
DROP FUNCTION scope_kind(), scope_organization(), scope_person(), scope_user();
