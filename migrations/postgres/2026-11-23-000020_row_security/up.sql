-- A second wall around what is read: a read transaction takes the role `muster_reader`, which owns nothing, and says whose scope it reads
-- in. Without a scope it is shown no row of any table. Within one it is shown what concerns the house, and whatever is a partner's, a trainee's
-- or a user's own; what a role may see of that is narrower and the policy's business. Writes, sealing and `muster verify` run as the owner.
DO $$
BEGIN
    -- Roles are the server's: other databases and schemas may have made it, or be about to.
    IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'muster_reader') THEN
        CREATE ROLE muster_reader NOLOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$;
DO $$
BEGIN
    -- Since version 16 whoever makes a role may give it away, and not yet take it.
    IF NOT pg_has_role(current_user, 'muster_reader', CASE WHEN current_setting('server_version_num')::int < 160000 THEN 'MEMBER' ELSE 'SET' END) THEN
        EXECUTE format('GRANT muster_reader TO %I', current_user);
    END IF;
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO muster_reader', current_schema());
END $$;

-- What a read transaction has said of itself: the kind of its scope, and of whom. Settings are anybody's to make and the role is the server's,
-- so that a scope is one only for whoever connected as the owner of these tables: a role of another installation is shown nothing.
DO $$
BEGIN
    EXECUTE format('CREATE FUNCTION scope_kind() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS $f$
        SELECT CASE WHEN pg_has_role(session_user, %L, ''MEMBER'') THEN nullif(current_setting(''muster.scope'', true), '''') END $f$', current_user);
END $$;
CREATE FUNCTION scope_organization() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE AS
    $$ SELECT nullif(current_setting('muster.organization', true), '')::uuid $$;
CREATE FUNCTION scope_person() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE AS
    $$ SELECT nullif(current_setting('muster.person', true), '')::uuid $$;
CREATE FUNCTION scope_user() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE AS
    $$ SELECT nullif(current_setting('muster.user', true), '')::uuid $$;

-- What is in scope. A view is read with its owner's rights, so that a policy may look at what it is about; each has ids alone.
CREATE VIEW own_house AS SELECT descendant_id AS id FROM organization_tree
    WHERE ancestor_id = (SELECT scope_organization()) AND (SELECT scope_kind()) IS NOT NULL;

CREATE VIEW seen_intakes AS SELECT i.id FROM intakes i WHERE
    (SELECT scope_kind()) = 'everything'
    OR ((SELECT scope_kind()) IN ('provider', 'adviser', 'teacher', 'own') AND i.provider_id IN (SELECT id FROM own_house))
    OR ((SELECT scope_kind()) = 'sponsor' AND (
        EXISTS (SELECT 1 FROM enrollments e WHERE e.intake_id = i.id AND e.unit_id IN (SELECT id FROM own_house))
        OR EXISTS (SELECT 1 FROM intake_sponsors s JOIN organizations o ON o.root_id = s.sponsor_id
            WHERE s.intake_id = i.id AND s.seats IS NOT NULL AND o.id = (SELECT scope_organization()))
        OR EXISTS (SELECT 1 FROM unit_quotas q WHERE q.intake_id = i.id AND q.seats IS NOT NULL AND (q.unit_id IN (SELECT id FROM own_house)
            OR q.unit_id IN (SELECT ancestor_id FROM organization_tree WHERE descendant_id = (SELECT scope_organization()))))));

CREATE VIEW seen_enrollments AS SELECT e.id, e.person_id FROM enrollments e WHERE
    (SELECT scope_kind()) = 'everything'
    OR ((SELECT scope_kind()) IN ('provider', 'adviser', 'teacher') AND EXISTS (SELECT 1 FROM seen_intakes s WHERE s.id = e.intake_id))
    OR ((SELECT scope_kind()) = 'sponsor' AND e.unit_id IN (SELECT id FROM own_house))
    OR ((SELECT scope_kind()) = 'own' AND e.person_id = (SELECT scope_person()) AND EXISTS (SELECT 1 FROM seen_intakes s WHERE s.id = e.intake_id));

CREATE VIEW seen_sessions AS SELECT x.id FROM sessions x WHERE EXISTS (SELECT 1 FROM seen_intakes s WHERE s.id = x.intake_id);

CREATE VIEW seen_programs AS SELECT p.id FROM programs p WHERE
    (SELECT scope_kind()) = 'everything'
    OR ((SELECT scope_kind()) IN ('provider', 'adviser', 'teacher', 'own') AND p.provider_id IN (SELECT id FROM own_house))
    OR ((SELECT scope_kind()) = 'sponsor' AND EXISTS (SELECT 1 FROM program_versions v JOIN intakes i ON i.program_version_id = v.id
        WHERE v.program_id = p.id AND EXISTS (SELECT 1 FROM seen_intakes s WHERE s.id = i.id)));

CREATE VIEW seen_versions AS SELECT v.id FROM program_versions v WHERE EXISTS (SELECT 1 FROM seen_programs s WHERE s.id = v.program_id);

-- Of a sponsor's partner: whom it sends, and who teaches them.
CREATE VIEW seen_people AS SELECT p.id FROM people p WHERE
    (SELECT scope_kind()) = 'everything'
    OR ((SELECT scope_kind()) IN ('provider', 'adviser', 'teacher') AND p.provider_id IN (SELECT id FROM own_house))
    OR ((SELECT scope_kind()) IS NOT NULL AND p.id = (SELECT scope_person()))
    OR EXISTS (SELECT 1 FROM seen_enrollments e WHERE e.person_id = p.id)
    OR EXISTS (SELECT 1 FROM session_instructors t WHERE t.person_id = p.id AND EXISTS (SELECT 1 FROM seen_sessions s WHERE s.id = t.session_id));

CREATE VIEW seen_calendars AS SELECT c.id FROM calendars c WHERE
    (SELECT scope_kind()) = 'everything'
    OR ((SELECT scope_kind()) IN ('provider', 'adviser', 'teacher') AND c.provider_id IN (SELECT id FROM own_house));

-- The own user, and whoever holds or held a role in the own house or above it: they are named where they did something.
CREATE VIEW seen_users AS SELECT u.id FROM users u WHERE
    (SELECT scope_kind()) = 'everything'
    OR ((SELECT scope_kind()) IS NOT NULL AND u.id = (SELECT scope_user()))
    OR ((SELECT scope_kind()) IN ('provider', 'sponsor', 'adviser', 'teacher')
        AND EXISTS (SELECT 1 FROM role_grants g WHERE g.user_id = u.id AND (g.organization_id IN (SELECT id FROM own_house)
            OR g.organization_id IN (SELECT ancestor_id FROM organization_tree WHERE descendant_id = (SELECT scope_organization())))));

CREATE VIEW seen_leave AS SELECT l.id FROM leave_requests l WHERE EXISTS (SELECT 1 FROM seen_intakes s WHERE s.id = l.intake_id)
    AND ((SELECT scope_kind()) IN ('everything', 'provider', 'adviser', 'teacher')
        OR EXISTS (SELECT 1 FROM leave_enrollments m WHERE m.leave_request_id = l.id
            AND EXISTS (SELECT 1 FROM seen_enrollments e WHERE e.id = m.enrollment_id)));

CREATE VIEW seen_imports AS SELECT m.id FROM imports m WHERE
    (SELECT scope_kind()) = 'everything'
    OR ((SELECT scope_kind()) IN ('provider', 'adviser', 'teacher') AND (m.provider_id IN (SELECT id FROM own_house) OR m.user_id = (SELECT scope_user())));

-- Every table with who is shown its rows. A table that is named in none of these lists is shown to nobody.
CREATE PROCEDURE show_in_scope(shown text, which text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('GRANT SELECT ON %I TO muster_reader', shown);
    EXECUTE format('CREATE POLICY in_scope ON %I FOR SELECT TO muster_reader USING (%s)', shown, which);
END $$;
DO $$
DECLARE
    t text;
    everyone CONSTANT text := '(SELECT scope_kind()) IS NOT NULL';
    seen CONSTANT text := 'EXISTS (SELECT 1 FROM %I s WHERE s.id = %I.%I)';
BEGIN
    FOR t IN SELECT c.relname FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r'
        AND c.relname <> '__diesel_schema_migrations' LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    END LOOP;
    FOREACH t IN ARRAY ARRAY['own_house', 'seen_intakes', 'seen_enrollments', 'seen_sessions', 'seen_programs', 'seen_versions', 'seen_people',
        'seen_calendars', 'seen_users', 'seen_leave', 'seen_imports', '__diesel_schema_migrations'] LOOP
        EXECUTE format('GRANT SELECT ON %I TO muster_reader', t);
    END LOOP;
    -- The directory of organizations, and where the journal stands.
    FOREACH t IN ARRAY ARRAY['organizations', 'organization_tree', 'journal_horizon', 'journal_seals', 'journal_audiences', 'journal_unsealed'] LOOP
        CALL show_in_scope(t, everyone);
    END LOOP;
    CALL show_in_scope('intakes', format(seen, 'seen_intakes', 'intakes', 'id'));
    FOREACH t IN ARRAY ARRAY['amendments', 'cohorts', 'sessions', 'series', 'roll_calls', 'session_cohorts', 'session_changes'] LOOP
        CALL show_in_scope(t, format(seen, 'seen_intakes', t, 'intake_id'));
    END LOOP;
    -- The seats of one sponsor are not another's business.
    CALL show_in_scope('intake_sponsors', format(seen, 'seen_intakes', 'intake_sponsors', 'intake_id')
        || ' AND ((SELECT scope_kind()) <> ''sponsor'' OR sponsor_id IN (SELECT root_id FROM organizations WHERE id = (SELECT scope_organization())))');
    CALL show_in_scope('unit_quotas', format(seen, 'seen_intakes', 'unit_quotas', 'intake_id')
        || ' AND ((SELECT scope_kind()) <> ''sponsor'' OR unit_id IN (SELECT id FROM own_house)
            OR unit_id IN (SELECT ancestor_id FROM organization_tree WHERE descendant_id = (SELECT scope_organization())))');
    CALL show_in_scope('session_instructors', format(seen, 'seen_sessions', 'session_instructors', 'session_id'));
    CALL show_in_scope('claims', format(seen, 'seen_sessions', 'claims', 'session_id'));
    CALL show_in_scope('claim_waivers', format(seen, 'seen_sessions', 'claim_waivers', 'first_session_id')
        || ' OR ' || format(seen, 'seen_sessions', 'claim_waivers', 'second_session_id'));
    CALL show_in_scope('session_change_audience',
        'EXISTS (SELECT 1 FROM session_changes c WHERE c.id = session_change_audience.change_id)');
    CALL show_in_scope('enrollments', format(seen, 'seen_enrollments', 'enrollments', 'id'));
    FOREACH t IN ARRAY ARRAY['enrollment_periods', 'enrollment_steps', 'attendances', 'guests', 'evidence', 'unsettled_sessions', 'carried_modules',
        'hour_entries', 'hour_balances', 'module_hour_balances', 'correction_requests', 'leave_enrollments'] LOOP
        CALL show_in_scope(t, format(seen, 'seen_enrollments', t, 'enrollment_id'));
    END LOOP;
    CALL show_in_scope('leave_requests', format(seen, 'seen_leave', 'leave_requests', 'id'));
    CALL show_in_scope('leave_steps', format(seen, 'seen_leave', 'leave_steps', 'leave_request_id'));
    CALL show_in_scope('programs', format(seen, 'seen_programs', 'programs', 'id'));
    CALL show_in_scope('program_versions', format(seen, 'seen_programs', 'program_versions', 'program_id'));
    CALL show_in_scope('disciplines', format(seen, 'seen_versions', 'disciplines', 'program_version_id'));
    CALL show_in_scope('modules', format(seen, 'seen_versions', 'modules', 'program_version_id'));
    CALL show_in_scope('people', format(seen, 'seen_people', 'people', 'id'));
    FOREACH t IN ARRAY ARRAY['affiliations', 'instructor_profiles', 'instructor_disciplines', 'instructor_hours', 'instructor_exceptions'] LOOP
        CALL show_in_scope(t, format(seen, 'seen_people', t, 'person_id'));
    END LOOP;
    CALL show_in_scope('calendars', format(seen, 'seen_calendars', 'calendars', 'id'));
    CALL show_in_scope('calendar_days', format(seen, 'seen_calendars', 'calendar_days', 'calendar_id'));
    CALL show_in_scope('crew_shifts', format(seen, 'seen_calendars', 'crew_shifts', 'calendar_id'));
    CALL show_in_scope('rooms', '(SELECT scope_kind()) = ''everything''
        OR ((SELECT scope_kind()) IN (''provider'', ''adviser'', ''teacher'') AND provider_id IN (SELECT id FROM own_house))
        OR EXISTS (SELECT 1 FROM sessions x WHERE x.room_id = rooms.id)');
    CALL show_in_scope('imports', format(seen, 'seen_imports', 'imports', 'id'));
    CALL show_in_scope('import_effects', format(seen, 'seen_imports', 'import_effects', 'import_id'));
    CALL show_in_scope('feeds', '(SELECT scope_kind()) = ''everything''
        OR ((SELECT scope_kind()) = ''provider'' AND (provider_id IN (SELECT id FROM own_house) OR organization_id IN (SELECT id FROM own_house)))
        OR ((SELECT scope_kind()) IN (''teacher'', ''own'') AND person_id = (SELECT scope_person()) AND organization_id IN (SELECT id FROM own_house))');
    CALL show_in_scope('users', format(seen, 'seen_users', 'users', 'id'));
    CALL show_in_scope('role_grants', '(SELECT scope_kind()) = ''everything''
        OR ((SELECT scope_kind()) IS NOT NULL AND user_id = (SELECT scope_user()))
        OR ((SELECT scope_kind()) IN (''provider'', ''sponsor'') AND organization_id IN (SELECT id FROM own_house))');
    CALL show_in_scope('tokens', 'EXISTS (SELECT 1 FROM role_grants g WHERE g.id = tokens.role_grant_id)');
    CALL show_in_scope('invitations', 'EXISTS (SELECT 1 FROM role_grants g WHERE g.id = invitations.role_grant_id)');
    -- That a session's roll call was closed, and when, is explained to whoever it concerns; the journal itself is the provider's.
    CALL show_in_scope('journal_entries', '(SELECT scope_kind()) = ''everything''
        OR ((SELECT scope_kind()) IN (''provider'', ''adviser'', ''teacher'') AND (provider_id IN (SELECT id FROM own_house)
            OR EXISTS (SELECT 1 FROM seen_intakes s WHERE s.id = intake_id)))
        OR EXISTS (SELECT 1 FROM seen_sessions s WHERE s.id = subject_id)');
    CALL show_in_scope('journal_payloads', '(SELECT scope_kind()) IN (''everything'', ''provider'')
        AND EXISTS (SELECT 1 FROM journal_entries e WHERE e.id = entry_id)');
END $$;
DROP PROCEDURE show_in_scope(text, text);
