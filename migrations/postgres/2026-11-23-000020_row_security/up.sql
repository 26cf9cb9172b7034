-- A second wall around what is read: a read transaction takes a role that owns nothing, and says whose scope it reads in. Without a scope
-- it is shown no row of any table. Within one it is shown what concerns the house, and whatever is a partner's, a trainee's or a user's own;
-- what a role may see of that is narrower and the policy's business. Writes, sealing and `muster verify` run as the owner.
--
-- There is a reader for each kind of scope, for Postgres plans the policies of the role that asks and of no other: one reader with one
-- policy for every kind costs several times as much to plan as most reads do to run.
DO $$
DECLARE
    reader text;
BEGIN
    FOREACH reader IN ARRAY ARRAY['muster_reader_all', 'muster_reader_house', 'muster_reader_sponsored', 'muster_reader_own'] LOOP
        -- Roles are the server's: other databases and schemas may have made them, or be about to.
        BEGIN
            IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = reader) THEN
                EXECUTE format('CREATE ROLE %I NOLOGIN', reader);
            END IF;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
        END;
        -- Since version 16 whoever makes a role may give it away, and not yet take it.
        IF NOT pg_has_role(current_user, reader, CASE WHEN current_setting('server_version_num')::int < 160000 THEN 'MEMBER' ELSE 'SET' END) THEN
            EXECUTE format('GRANT %I TO %I', reader, current_user);
        END IF;
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', current_schema(), reader);
    END LOOP;
END $$;

-- What a read transaction has said of itself: the kind of its scope, and of whom. Settings are anybody's to make and the roles are the server's,
-- so that a scope is one only for whoever connected as the owner of these tables: a role of another installation is shown nothing.
DO $$
BEGIN
    EXECUTE format('CREATE FUNCTION scope_kind() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS $f$
        SELECT CASE WHEN pg_has_role(session_user, %L, ''MEMBER'') THEN nullif(current_setting(''muster.scope'', true), '''') END $f$', current_user);
END $$;
CREATE FUNCTION scope_organization() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE AS
    $$ SELECT CASE WHEN scope_kind() IS NOT NULL THEN nullif(current_setting('muster.organization', true), '')::uuid END $$;
CREATE FUNCTION scope_person() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE AS
    $$ SELECT CASE WHEN scope_kind() IS NOT NULL THEN nullif(current_setting('muster.person', true), '')::uuid END $$;
CREATE FUNCTION scope_user() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE AS
    $$ SELECT CASE WHEN scope_kind() IS NOT NULL THEN nullif(current_setting('muster.user', true), '')::uuid END $$;

-- What each reader is shown, as ids. A view is read with its owner's rights, so that a policy may look at what it is about.

-- The house: whoever works for a provider.
CREATE VIEW house AS SELECT descendant_id AS id FROM organization_tree
    WHERE ancestor_id = (SELECT scope_organization()) AND (SELECT scope_kind()) IN ('provider', 'adviser', 'teacher');
CREATE VIEW house_intakes AS SELECT i.id FROM intakes i WHERE i.provider_id IN (SELECT id FROM house);
CREATE VIEW house_enrollments AS SELECT e.id, e.person_id FROM enrollments e JOIN intakes i ON i.id = e.intake_id
    WHERE i.provider_id IN (SELECT id FROM house);
CREATE VIEW house_sessions AS SELECT x.id FROM sessions x JOIN intakes i ON i.id = x.intake_id WHERE i.provider_id IN (SELECT id FROM house);
CREATE VIEW house_programs AS SELECT p.id FROM programs p WHERE p.provider_id IN (SELECT id FROM house);
CREATE VIEW house_versions AS SELECT v.id FROM program_versions v JOIN programs p ON p.id = v.program_id
    WHERE p.provider_id IN (SELECT id FROM house);
CREATE VIEW house_people AS SELECT p.id FROM people p WHERE
    p.provider_id IN (SELECT id FROM house) OR p.id = (SELECT scope_person())
    OR EXISTS (SELECT 1 FROM house_enrollments e WHERE e.person_id = p.id)
    OR EXISTS (SELECT 1 FROM session_instructors t JOIN house_sessions s ON s.id = t.session_id WHERE t.person_id = p.id);
CREATE VIEW house_calendars AS SELECT c.id FROM calendars c WHERE c.provider_id IN (SELECT id FROM house);
CREATE VIEW house_leave AS SELECT l.id FROM leave_requests l JOIN intakes i ON i.id = l.intake_id WHERE i.provider_id IN (SELECT id FROM house);
CREATE VIEW house_imports AS SELECT m.id FROM imports m WHERE m.provider_id IN (SELECT id FROM house) OR m.user_id = (SELECT scope_user());

-- A sponsor's partner: whom it sends, what they are taught, and by whom.
CREATE VIEW sponsored AS SELECT descendant_id AS id FROM organization_tree
    WHERE ancestor_id = (SELECT scope_organization()) AND (SELECT scope_kind()) = 'sponsor';
CREATE VIEW sponsored_intakes AS
    SELECT e.intake_id AS id FROM enrollments e WHERE e.unit_id IN (SELECT id FROM sponsored)
    UNION ALL SELECT s.intake_id FROM intake_sponsors s JOIN organizations o ON o.root_id = s.sponsor_id
        WHERE s.seats IS NOT NULL AND o.id IN (SELECT id FROM sponsored) AND o.id = (SELECT scope_organization())
    UNION ALL SELECT q.intake_id FROM unit_quotas q WHERE q.seats IS NOT NULL AND (SELECT scope_kind()) = 'sponsor'
        AND (q.unit_id IN (SELECT id FROM sponsored)
            OR q.unit_id IN (SELECT ancestor_id FROM organization_tree WHERE descendant_id = (SELECT scope_organization())));
CREATE VIEW sponsored_enrollments AS SELECT e.id, e.person_id FROM enrollments e WHERE e.unit_id IN (SELECT id FROM sponsored);
CREATE VIEW sponsored_sessions AS SELECT x.id FROM sessions x WHERE EXISTS (SELECT 1 FROM sponsored_intakes s WHERE s.id = x.intake_id);
CREATE VIEW sponsored_programs AS SELECT p.id FROM programs p WHERE EXISTS (SELECT 1 FROM program_versions v
    JOIN intakes i ON i.program_version_id = v.id WHERE v.program_id = p.id AND EXISTS (SELECT 1 FROM sponsored_intakes s WHERE s.id = i.id));
CREATE VIEW sponsored_versions AS SELECT v.id FROM program_versions v WHERE EXISTS (SELECT 1 FROM sponsored_programs s WHERE s.id = v.program_id);
CREATE VIEW sponsored_people AS SELECT p.id FROM people p WHERE p.id = (SELECT scope_person())
    OR EXISTS (SELECT 1 FROM sponsored_enrollments e WHERE e.person_id = p.id)
    OR EXISTS (SELECT 1 FROM session_instructors t JOIN sponsored_sessions s ON s.id = t.session_id WHERE t.person_id = p.id);
CREATE VIEW sponsored_leave AS SELECT m.leave_request_id AS id FROM leave_enrollments m
    WHERE EXISTS (SELECT 1 FROM sponsored_enrollments e WHERE e.id = m.enrollment_id);

-- A trainee: the own enrollments with one provider, what is taught in their intakes, and by whom.
CREATE VIEW own AS SELECT descendant_id AS id FROM organization_tree
    WHERE ancestor_id = (SELECT scope_organization()) AND (SELECT scope_kind()) = 'own';
CREATE VIEW own_intakes AS SELECT i.id FROM intakes i WHERE i.provider_id IN (SELECT id FROM own);
CREATE VIEW own_enrollments AS SELECT e.id, e.person_id FROM enrollments e JOIN intakes i ON i.id = e.intake_id
    WHERE e.person_id = (SELECT scope_person()) AND i.provider_id IN (SELECT id FROM own);
CREATE VIEW own_sessions AS SELECT x.id FROM sessions x JOIN intakes i ON i.id = x.intake_id WHERE i.provider_id IN (SELECT id FROM own);
CREATE VIEW own_programs AS SELECT p.id FROM programs p WHERE p.provider_id IN (SELECT id FROM own);
CREATE VIEW own_versions AS SELECT v.id FROM program_versions v JOIN programs p ON p.id = v.program_id WHERE p.provider_id IN (SELECT id FROM own);
CREATE VIEW own_people AS SELECT p.id FROM people p WHERE p.id = (SELECT scope_person())
    OR EXISTS (SELECT 1 FROM session_instructors t JOIN own_sessions s ON s.id = t.session_id WHERE t.person_id = p.id);
CREATE VIEW own_leave AS SELECT m.leave_request_id AS id FROM leave_enrollments m
    WHERE EXISTS (SELECT 1 FROM own_enrollments e WHERE e.id = m.enrollment_id);

-- The own user, and to whoever works there those who hold or held a role in the own house or above it: they are named where they did something.
CREATE VIEW seen_users AS SELECT scope_user() AS id
    UNION ALL SELECT g.user_id FROM role_grants g WHERE (SELECT scope_kind()) IN ('provider', 'adviser', 'teacher', 'sponsor')
        AND (g.organization_id IN (SELECT id FROM house) OR g.organization_id IN (SELECT id FROM sponsored)
            OR g.organization_id IN (SELECT ancestor_id FROM organization_tree WHERE descendant_id = (SELECT scope_organization())));

-- Every table with who is shown its rows. A table that is named in none of these lists is shown to nobody.
CREATE PROCEDURE show_in_scope(scope text, shown text, which text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('GRANT SELECT ON %I TO %I', shown, 'muster_reader_' || scope);
    EXECUTE format('CREATE POLICY %I ON %I FOR SELECT TO %I USING (%s)', scope, shown, 'muster_reader_' || scope, which);
END $$;
DO $$
DECLARE
    t text;
    scope text;
    somebody CONSTANT text := '(SELECT scope_kind()) IS NOT NULL';
    seen CONSTANT text := 'EXISTS (SELECT 1 FROM %I s WHERE s.id = %I.%I)';
BEGIN
    FOR t IN SELECT c.relname FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r'
        AND c.relname <> '__diesel_schema_migrations' LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        IF t NOT IN ('idempotency_keys', 'passwords', 'sign_in_attempts') THEN
            CALL show_in_scope('all', t, '(SELECT scope_kind()) = ''everything''');
        END IF;
    END LOOP;
    FOREACH scope IN ARRAY ARRAY['house', 'sponsored', 'own'] LOOP
        FOR t IN SELECT c.relname FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'v'
            AND (c.relname = scope OR c.relname LIKE scope || '\_%' OR c.relname = 'seen_users') LOOP
            EXECUTE format('GRANT SELECT ON %I TO %I', t, 'muster_reader_' || scope);
        END LOOP;
        -- The directory of organizations, and where the journal stands.
        FOREACH t IN ARRAY ARRAY['organizations', 'organization_tree', 'journal_horizon', 'journal_seals', 'journal_audiences', 'journal_unsealed'] LOOP
            CALL show_in_scope(scope, t, somebody);
        END LOOP;
        CALL show_in_scope(scope, 'intakes', format(seen, scope || '_intakes', 'intakes', 'id'));
        FOREACH t IN ARRAY ARRAY['amendments', 'cohorts', 'sessions', 'series', 'roll_calls', 'session_cohorts', 'session_changes'] LOOP
            CALL show_in_scope(scope, t, format(seen, scope || '_intakes', t, 'intake_id'));
        END LOOP;
        FOREACH t IN ARRAY ARRAY['session_instructors', 'claims'] LOOP
            CALL show_in_scope(scope, t, format(seen, scope || '_sessions', t, 'session_id'));
        END LOOP;
        CALL show_in_scope(scope, 'claim_waivers', format(seen, scope || '_sessions', 'claim_waivers', 'first_session_id')
            || ' OR ' || format(seen, scope || '_sessions', 'claim_waivers', 'second_session_id'));
        CALL show_in_scope(scope, 'session_change_audience',
            'EXISTS (SELECT 1 FROM session_changes c WHERE c.id = session_change_audience.change_id)');
        CALL show_in_scope(scope, 'enrollments', format(seen, scope || '_enrollments', 'enrollments', 'id'));
        FOREACH t IN ARRAY ARRAY['enrollment_periods', 'enrollment_steps', 'attendances', 'guests', 'evidence', 'unsettled_sessions',
            'carried_modules', 'hour_entries', 'hour_balances', 'module_hour_balances', 'correction_requests', 'leave_enrollments'] LOOP
            CALL show_in_scope(scope, t, format(seen, scope || '_enrollments', t, 'enrollment_id'));
        END LOOP;
        CALL show_in_scope(scope, 'leave_requests', format(seen, scope || '_leave', 'leave_requests', 'id'));
        CALL show_in_scope(scope, 'leave_steps', format(seen, scope || '_leave', 'leave_steps', 'leave_request_id'));
        CALL show_in_scope(scope, 'programs', format(seen, scope || '_programs', 'programs', 'id'));
        CALL show_in_scope(scope, 'program_versions', format(seen, scope || '_programs', 'program_versions', 'program_id'));
        FOREACH t IN ARRAY ARRAY['disciplines', 'modules'] LOOP
            CALL show_in_scope(scope, t, format(seen, scope || '_versions', t, 'program_version_id'));
        END LOOP;
        CALL show_in_scope(scope, 'people', format(seen, scope || '_people', 'people', 'id'));
        FOREACH t IN ARRAY ARRAY['affiliations', 'instructor_profiles', 'instructor_disciplines', 'instructor_hours', 'instructor_exceptions'] LOOP
            CALL show_in_scope(scope, t, format(seen, scope || '_people', t, 'person_id'));
        END LOOP;
        CALL show_in_scope(scope, 'users', format(seen, 'seen_users', 'users', 'id'));
        CALL show_in_scope(scope, 'tokens', 'EXISTS (SELECT 1 FROM role_grants g WHERE g.id = tokens.role_grant_id)');
        CALL show_in_scope(scope, 'invitations', 'EXISTS (SELECT 1 FROM role_grants g WHERE g.id = invitations.role_grant_id)');
    END LOOP;

    FOREACH t IN ARRAY ARRAY['intake_sponsors', 'unit_quotas'] LOOP
        CALL show_in_scope('house', t, format(seen, 'house_intakes', t, 'intake_id'));
        CALL show_in_scope('own', t, format(seen, 'own_intakes', t, 'intake_id'));
    END LOOP;
    -- The seats of one sponsor are not another's business.
    CALL show_in_scope('sponsored', 'intake_sponsors', format(seen, 'sponsored_intakes', 'intake_sponsors', 'intake_id')
        || ' AND sponsor_id IN (SELECT root_id FROM organizations WHERE id = (SELECT scope_organization()))');
    CALL show_in_scope('sponsored', 'unit_quotas', format(seen, 'sponsored_intakes', 'unit_quotas', 'intake_id')
        || ' AND (unit_id IN (SELECT id FROM sponsored)
            OR unit_id IN (SELECT ancestor_id FROM organization_tree WHERE descendant_id = (SELECT scope_organization())))');

    CALL show_in_scope('house', 'calendars', format(seen, 'house_calendars', 'calendars', 'id'));
    FOREACH t IN ARRAY ARRAY['calendar_days', 'crew_shifts'] LOOP
        CALL show_in_scope('house', t, format(seen, 'house_calendars', t, 'calendar_id'));
    END LOOP;
    CALL show_in_scope('house', 'imports', format(seen, 'house_imports', 'imports', 'id'));
    CALL show_in_scope('house', 'import_effects', format(seen, 'house_imports', 'import_effects', 'import_id'));
    FOREACH t IN ARRAY ARRAY['calendars', 'calendar_days', 'crew_shifts', 'imports', 'import_effects'] LOOP
        CALL show_in_scope('sponsored', t, 'false');
        CALL show_in_scope('own', t, 'false');
    END LOOP;

    CALL show_in_scope('house', 'rooms', 'provider_id IN (SELECT id FROM house) OR EXISTS (SELECT 1 FROM sessions x WHERE x.room_id = rooms.id)');
    FOREACH scope IN ARRAY ARRAY['sponsored', 'own'] LOOP
        CALL show_in_scope(scope, 'rooms', 'EXISTS (SELECT 1 FROM sessions x WHERE x.room_id = rooms.id)');
    END LOOP;

    CALL show_in_scope('house', 'feeds', 'CASE (SELECT scope_kind())
        WHEN ''provider'' THEN provider_id IN (SELECT id FROM house) OR organization_id IN (SELECT id FROM house)
        WHEN ''teacher'' THEN person_id = (SELECT scope_person()) AND organization_id IN (SELECT id FROM house) END');
    CALL show_in_scope('sponsored', 'feeds', 'false');
    CALL show_in_scope('own', 'feeds', 'person_id = (SELECT scope_person()) AND organization_id IN (SELECT id FROM own)');

    CALL show_in_scope('house', 'role_grants', 'user_id = (SELECT scope_user())
        OR ((SELECT scope_kind()) = ''provider'' AND organization_id IN (SELECT id FROM house))');
    CALL show_in_scope('sponsored', 'role_grants', 'user_id = (SELECT scope_user()) OR organization_id IN (SELECT id FROM sponsored)');
    CALL show_in_scope('own', 'role_grants', 'user_id = (SELECT scope_user())');

    -- That a session's roll call was closed, and when, is explained to whoever it concerns; the journal itself is the provider's.
    CALL show_in_scope('house', 'journal_entries', 'provider_id IN (SELECT id FROM house) OR '
        || format(seen, 'house_intakes', 'journal_entries', 'intake_id') || ' OR ' || format(seen, 'house_sessions', 'journal_entries', 'subject_id'));
    CALL show_in_scope('house', 'journal_payloads', '(SELECT scope_kind()) = ''provider''
        AND EXISTS (SELECT 1 FROM journal_entries e WHERE e.id = entry_id)');
    FOREACH scope IN ARRAY ARRAY['sponsored', 'own'] LOOP
        CALL show_in_scope(scope, 'journal_entries', format(seen, scope || '_sessions', 'journal_entries', 'subject_id'));
        CALL show_in_scope(scope, 'journal_payloads', 'false');
    END LOOP;
END $$;
DROP PROCEDURE show_in_scope(text, text, text);
