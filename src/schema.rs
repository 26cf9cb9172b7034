//! The tables as Diesel sees them: one schema for both databases.
//!
//! `Uid` and `Ts` are this crate's own SQL types (see [`crate::db::types`]), because an id is a `uuid` on Postgres and a 16-byte
//! blob on SQLite, and an instant is a `timestamptz` there and an integer of microseconds here.
//! `contract/migrations.rs` holds this file against both databases.

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::{Ts, Uid};

    organizations (id) {
        id -> Uid,
        code -> Text,
        name -> Text,
        latin_name -> Nullable<Text>,
        kind -> Text,
        parent_id -> Nullable<Uid>,
        root_id -> Uid,
        version -> Integer,
        created_at -> Ts,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Uid;

    organization_tree (ancestor_id, descendant_id) {
        ancestor_id -> Uid,
        descendant_id -> Uid,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::{Ts, Uid};

    people (id) {
        id -> Uid,
        provider_id -> Uid,
        name -> Text,
        latin_name -> Nullable<Text>,
        phone -> Nullable<Text>,
        email -> Nullable<Text>,
        trainee -> Bool,
        instructor -> Bool,
        version -> Integer,
        created_at -> Ts,
        restricted_at -> Nullable<Ts>,
        retained_until -> Nullable<Date>,
        erased_at -> Nullable<Ts>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::{Ts, Uid};

    identity_numbers (person_id, house_id) {
        person_id -> Uid,
        house_id -> Uid,
        sealed -> Binary,
        hash -> Binary,
        masked -> Text,
        recorded_at -> Ts,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Uid;

    affiliations (id) {
        id -> Uid,
        person_id -> Uid,
        organization_id -> Uid,
        unit_id -> Uid,
        kind -> Text,
        employee_number -> Nullable<Text>,
        title -> Nullable<Text>,
        from_date -> Nullable<Date>,
        until_date -> Nullable<Date>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Uid;

    instructor_profiles (person_id) {
        person_id -> Uid,
        time_zone -> Text,
        daily_minutes -> Nullable<Integer>,
        weekly_minutes -> Nullable<Integer>,
        version -> Integer,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Uid;

    instructor_disciplines (person_id, discipline) {
        person_id -> Uid,
        discipline -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Uid;

    instructor_hours (person_id, weekday, from_minute) {
        person_id -> Uid,
        weekday -> Integer,
        from_minute -> Integer,
        until_minute -> Integer,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Uid;

    instructor_exceptions (person_id, position) {
        person_id -> Uid,
        position -> Integer,
        from_date -> Date,
        until_date -> Date,
        from_minute -> Integer,
        until_minute -> Integer,
        available -> Bool,
        note -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::{Ts, Uid};

    users (id) {
        id -> Uid,
        name -> Text,
        person_id -> Nullable<Uid>,
        disabled_at -> Nullable<Ts>,
        created_at -> Ts,
        second_factor_at -> Nullable<Ts>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::{Ts, Uid};

    role_grants (id) {
        id -> Uid,
        user_id -> Uid,
        role -> Text,
        organization_id -> Nullable<Uid>,
        manages_access -> Bool,
        from_at -> Ts,
        until_at -> Nullable<Ts>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::{Ts, Uid};

    tokens (id) {
        id -> Uid,
        kind -> Text,
        role_grant_id -> Uid,
        name -> Text,
        prefix -> Text,
        hash -> Binary,
        read_only -> Bool,
        intake_id -> Nullable<Uid>,
        program_id -> Nullable<Uid>,
        expires_at -> Ts,
        idle_minutes -> Nullable<Integer>,
        last_used_at -> Nullable<Ts>,
        revoked_at -> Nullable<Ts>,
        created_at -> Ts,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::{Ts, Uid};

    idempotency_keys (token_id, operation, key) {
        token_id -> Uid,
        operation -> Text,
        key -> Text,
        request_hash -> Binary,
        status -> Integer,
        etag -> Nullable<Text>,
        location -> Nullable<Text>,
        body -> Text,
        created_at -> Ts,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::{Ts, Uid};

    programs (id) {
        id -> Uid,
        provider_id -> Uid,
        code -> Text,
        name -> Text,
        latin_name -> Nullable<Text>,
        version -> Integer,
        created_at -> Ts,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::{Ts, Uid};

    program_versions (id) {
        id -> Uid,
        program_id -> Uid,
        number -> Integer,
        state -> Text,
        total_minutes -> Integer,
        minutes_per_hour -> Integer,
        authorized_absence_counts -> Bool,
        minimum_attendance_percent -> Nullable<Integer>,
        version -> Integer,
        created_at -> Ts,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Uid;

    disciplines (id) {
        id -> Uid,
        program_version_id -> Uid,
        position -> Integer,
        code -> Text,
        name -> Text,
        latin_name -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Uid;

    modules (id) {
        id -> Uid,
        program_version_id -> Uid,
        discipline_id -> Nullable<Uid>,
        position -> Integer,
        code -> Text,
        name -> Text,
        latin_name -> Nullable<Text>,
        kind -> Text,
        planned_minutes -> Integer,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::{Ts, Uid};

    calendars (id) {
        id -> Uid,
        provider_id -> Uid,
        kind -> Text,
        organization_id -> Nullable<Uid>,
        code -> Text,
        name -> Text,
        time_zone -> Text,
        weekend_days -> Integer,
        version -> Integer,
        created_at -> Ts,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Uid;

    calendar_days (calendar_id, on_date) {
        calendar_id -> Uid,
        on_date -> Date,
        kind -> Text,
        name -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::{Ts, Uid};

    crew_shifts (calendar_id, crew, starts_at) {
        calendar_id -> Uid,
        crew -> Text,
        starts_at -> Ts,
        ends_at -> Ts,
        name -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::{Ts, Uid};

    intakes (id) {
        id -> Uid,
        program_version_id -> Uid,
        provider_id -> Uid,
        code -> Text,
        name -> Text,
        phase -> Nullable<Integer>,
        state -> Text,
        time_zone -> Text,
        opens_on -> Date,
        closes_on -> Date,
        mode -> Text,
        capacity -> Nullable<Integer>,
        waitlist -> Bool,
        offer_days -> Nullable<Integer>,
        roll_call_due_hours -> Nullable<Integer>,
        close_after_hours -> Nullable<Integer>,
        correction_days -> Nullable<Integer>,
        seats_taken -> Integer,
        predecessor_id -> Nullable<Uid>,
        holiday_calendar_id -> Nullable<Uid>,
        opening_approval_required -> Bool,
        opening_approved_at -> Nullable<Ts>,
        report_version -> BigInt,
        version -> Integer,
        created_at -> Ts,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Uid;

    intake_sponsors (intake_id, sponsor_id) {
        intake_id -> Uid,
        sponsor_id -> Uid,
        seats -> Nullable<Integer>,
        seats_taken -> Integer,
        report_version -> BigInt,
        version -> Integer,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::{Ts, Uid};

    amendments (id) {
        id -> Uid,
        intake_id -> Uid,
        program_version_id -> Uid,
        module_id -> Uid,
        delta_minutes -> Integer,
        reason -> Text,
        user_id -> Nullable<Uid>,
        created_at -> Ts,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::{Ts, Uid};

    cohorts (id) {
        id -> Uid,
        intake_id -> Uid,
        program_version_id -> Uid,
        discipline_id -> Uid,
        code -> Text,
        name -> Text,
        adviser_id -> Nullable<Uid>,
        version -> Integer,
        created_at -> Ts,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::{Ts, Uid};

    enrollments (id) {
        id -> Uid,
        intake_id -> Uid,
        program_version_id -> Uid,
        person_id -> Uid,
        discipline_id -> Uid,
        sponsor_id -> Uid,
        unit_id -> Uid,
        cohort_id -> Nullable<Uid>,
        payer_id -> Nullable<Uid>,
        funding -> Nullable<Text>,
        crew -> Nullable<Text>,
        state -> Text,
        withdrawal -> Nullable<Text>,
        replaces_id -> Nullable<Uid>,
        transferred_from_id -> Nullable<Uid>,
        priority -> Nullable<SmallInt>,
        position -> Nullable<Integer>,
        offer_expires_at -> Nullable<Ts>,
        cohort_from_at -> Nullable<Ts>,
        version -> Integer,
        created_at -> Ts,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::{Ts, Uid};

    enrollment_periods (id) {
        id -> Uid,
        enrollment_id -> Uid,
        cohort_id -> Nullable<Uid>,
        state -> Text,
        from_at -> Ts,
        until_at -> Nullable<Ts>,
        recorded_at -> Ts,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::{Ts, Uid};

    enrollment_steps (id) {
        id -> Uid,
        enrollment_id -> Uid,
        from_state -> Nullable<Text>,
        to_state -> Text,
        effective_at -> Ts,
        reason -> Nullable<Text>,
        user_id -> Nullable<Uid>,
        recorded_at -> Ts,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::{Ts, Uid};

    rooms (id) {
        id -> Uid,
        provider_id -> Uid,
        code -> Text,
        name -> Text,
        kind -> Text,
        link -> Nullable<Text>,
        capacity -> Nullable<Integer>,
        version -> Integer,
        created_at -> Ts,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::{Ts, Uid};

    series (id) {
        id -> Uid,
        intake_id -> Uid,
        code -> Text,
        made_from -> Text,
        created_at -> Ts,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::{Ts, Uid};

    sessions (id) {
        id -> Uid,
        intake_id -> Uid,
        series_id -> Nullable<Uid>,
        program_version_id -> Uid,
        module_id -> Uid,
        code -> Text,
        state -> Text,
        mode -> Text,
        starts_at -> Ts,
        ends_at -> Ts,
        break_minutes -> Integer,
        minutes -> Integer,
        length_minutes -> Nullable<Integer>,
        room_id -> Nullable<Uid>,
        place -> Nullable<Text>,
        held_starts_at -> Nullable<Ts>,
        held_ends_at -> Nullable<Ts>,
        held_break_minutes -> Nullable<Integer>,
        held_minutes -> Nullable<Integer>,
        difference_reason -> Nullable<Text>,
        cancel_reason -> Nullable<Text>,
        replaced_by_id -> Nullable<Uid>,
        sequence -> Integer,
        version -> Integer,
        created_at -> Ts,
        changed_at -> Ts,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Uid;

    session_cohorts (session_id, cohort_id) {
        session_id -> Uid,
        cohort_id -> Uid,
        intake_id -> Uid,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Uid;

    session_instructors (session_id, person_id) {
        session_id -> Uid,
        person_id -> Uid,
        lead -> Bool,
        title -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::{Ts, Uid};

    claims (kind, resource_id, session_id) {
        kind -> Text,
        resource_id -> Uid,
        session_id -> Uid,
        starts_at -> Ts,
        ends_at -> Ts,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::{Ts, Uid};

    claim_waivers (first_session_id, second_session_id) {
        first_session_id -> Uid,
        second_session_id -> Uid,
        reason -> Text,
        user_id -> Nullable<Uid>,
        created_at -> Ts,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::{Ts, Uid};

    roll_calls (session_id) {
        session_id -> Uid,
        intake_id -> Uid,
        state -> Text,
        closings -> Integer,
        posted_starts_at -> Nullable<Ts>,
        posted_ends_at -> Nullable<Ts>,
        posted_minutes -> Nullable<Integer>,
        submitted_at -> Nullable<Ts>,
        closed_at -> Nullable<Ts>,
        corrections_until -> Nullable<Ts>,
        reopen_reason -> Nullable<Text>,
        close_refused_code -> Nullable<Text>,
        close_refused_detail -> Nullable<Text>,
        close_refused_at -> Nullable<Ts>,
        version -> Integer,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::{Ts, Uid};

    guests (session_id, enrollment_id) {
        session_id -> Uid,
        enrollment_id -> Uid,
        missed_session_id -> Uid,
        intake_id -> Uid,
        note -> Nullable<Text>,
        user_id -> Nullable<Uid>,
        created_at -> Ts,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::{Ts, Uid};

    evidence (session_id, enrollment_id, joined_at, left_at, import_id) {
        session_id -> Uid,
        enrollment_id -> Uid,
        intake_id -> Uid,
        joined_at -> Ts,
        left_at -> Ts,
        import_id -> Uid,
        recorded_at -> Ts,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::{Ts, Uid};

    attendances (session_id, enrollment_id) {
        session_id -> Uid,
        enrollment_id -> Uid,
        code -> Text,
        minutes -> Nullable<Integer>,
        mode -> Nullable<Text>,
        note -> Nullable<Text>,
        segments -> Nullable<Text>,
        source -> Text,
        leave_minutes -> Nullable<Integer>,
        recorded_at -> Ts,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Uid;

    unsettled_sessions (intake_id, enrollment_id, session_id) {
        intake_id -> Uid,
        enrollment_id -> Uid,
        session_id -> Uid,
        kind -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::{Ts, Uid};

    carried_modules (enrollment_id, from_module_id) {
        enrollment_id -> Uid,
        from_enrollment_id -> Uid,
        from_module_id -> Uid,
        module_id -> Uid,
        planned_minutes -> Integer,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::{Ts, Uid};

    hour_entries (id) {
        id -> Uid,
        enrollment_id -> Uid,
        module_id -> Uid,
        session_id -> Nullable<Uid>,
        kind -> Text,
        minutes -> Integer,
        closing -> Nullable<Integer>,
        reverses_id -> Nullable<Uid>,
        origin_id -> Nullable<Uid>,
        made_up_in_id -> Nullable<Uid>,
        posting_id -> Uid,
        reason -> Nullable<Text>,
        user_id -> Nullable<Uid>,
        recorded_at -> Ts,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Uid;

    hour_balances (enrollment_id) {
        enrollment_id -> Uid,
        intake_id -> Uid,
        attended -> Integer,
        authorized_absence -> Integer,
        unauthorized_absence -> Integer,
        exempt -> Integer,
        make_up -> Integer,
        adjustment -> Integer,
        carried_in -> Integer,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Uid;

    module_hour_balances (enrollment_id, module_id) {
        enrollment_id -> Uid,
        module_id -> Uid,
        attended -> Integer,
        authorized_absence -> Integer,
        unauthorized_absence -> Integer,
        exempt -> Integer,
        make_up -> Integer,
        adjustment -> Integer,
        carried_in -> Integer,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::{Ts, Uid};

    journal_entries (seq) {
        seq -> BigInt,
        id -> Uid,
        recorded_at -> Ts,
        token_id -> Nullable<Uid>,
        user_id -> Nullable<Uid>,
        role -> Text,
        action -> Text,
        subject_kind -> Text,
        subject_id -> Uid,
        provider_id -> Nullable<Uid>,
        intake_id -> Nullable<Uid>,
        payload_digest -> Binary,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Uid;

    journal_payloads (entry_id) {
        entry_id -> Uid,
        salt -> Binary,
        body -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    journal_unsealed (seq) {
        seq -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::{Ts, Uid};

    journal_seals (position) {
        position -> BigInt,
        entry_id -> Uid,
        hash -> Binary,
        subject_id -> Uid,
        intake_id -> Nullable<Uid>,
        action -> Text,
        counts_from -> Ts,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Ts;

    journal_horizon (id) {
        id -> Integer,
        told_until -> Ts,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Uid;

    journal_audiences (organization_id, position) {
        organization_id -> Uid,
        position -> BigInt,
        action -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::{Ts, Uid};

    imports (id) {
        id -> Uid,
        kind -> Text,
        provider_id -> Nullable<Uid>,
        intake_id -> Nullable<Uid>,
        session_id -> Nullable<Uid>,
        file_name -> Text,
        file_sha256 -> Binary,
        state -> Text,
        rows -> Integer,
        user_id -> Nullable<Uid>,
        created_at -> Ts,
        undone_at -> Nullable<Ts>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Uid;

    import_effects (import_id, position) {
        import_id -> Uid,
        position -> Integer,
        subject_kind -> Text,
        subject_id -> Uid,
        created -> Bool,
        version -> Integer,
        before_values -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::{Ts, Uid};

    session_changes (id) {
        id -> Uid,
        session_id -> Uid,
        intake_id -> Uid,
        kind -> Text,
        before_values -> Text,
        after_values -> Nullable<Text>,
        successor -> Nullable<Text>,
        reason -> Text,
        user_id -> Nullable<Uid>,
        created_at -> Ts,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::{Ts, Uid};

    session_change_audience (kind, resource_id, change_id, starts_at) {
        kind -> Text,
        resource_id -> Uid,
        change_id -> Uid,
        starts_at -> Ts,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::{Ts, Uid};

    feeds (id) {
        id -> Uid,
        provider_id -> Uid,
        organization_id -> Uid,
        kind -> Text,
        person_id -> Nullable<Uid>,
        cohort_id -> Nullable<Uid>,
        room_id -> Nullable<Uid>,
        intake_id -> Nullable<Uid>,
        prefix -> Text,
        secret_hash -> Binary,
        role -> Text,
        user_id -> Nullable<Uid>,
        created_at -> Ts,
        last_used_at -> Nullable<Ts>,
        revoked_at -> Nullable<Ts>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::{Ts, Uid};

    leave_requests (id) {
        id -> Uid,
        intake_id -> Uid,
        kind -> Text,
        sponsor_id -> Nullable<Uid>,
        crew -> Nullable<Text>,
        starts_at -> Ts,
        ends_at -> Ts,
        reason -> Text,
        state -> Text,
        user_id -> Nullable<Uid>,
        version -> Integer,
        created_at -> Ts,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Uid;

    leave_enrollments (leave_request_id, enrollment_id) {
        leave_request_id -> Uid,
        enrollment_id -> Uid,
        intake_id -> Uid,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::{Ts, Uid};

    leave_steps (leave_request_id, to_state) {
        leave_request_id -> Uid,
        to_state -> Text,
        from_state -> Nullable<Text>,
        reason -> Nullable<Text>,
        role -> Text,
        user_id -> Nullable<Uid>,
        recorded_at -> Ts,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::{Ts, Uid};

    disclosures (id) {
        id -> Uid,
        organization_id -> Uid,
        recipient_id -> Uid,
        from_at -> Ts,
        until_at -> Nullable<Ts>,
        reason -> Text,
        user_id -> Nullable<Uid>,
        created_at -> Ts,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Uid;

    unit_quotas (intake_id, unit_id) {
        intake_id -> Uid,
        unit_id -> Uid,
        seats -> Nullable<Integer>,
        seats_taken -> Integer,
        version -> Integer,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::{Ts, Uid};

    correction_requests (id) {
        id -> Uid,
        session_id -> Uid,
        enrollment_id -> Uid,
        intake_id -> Uid,
        code -> Text,
        minutes -> Nullable<Integer>,
        segments -> Nullable<Text>,
        statement -> Text,
        state -> Text,
        role -> Text,
        user_id -> Nullable<Uid>,
        decided_by -> Nullable<Uid>,
        decided_at -> Nullable<Ts>,
        reason -> Nullable<Text>,
        version -> Integer,
        created_at -> Ts,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::{Ts, Uid};

    passwords (user_id) {
        user_id -> Uid,
        hash -> Text,
        changed_at -> Ts,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::{Ts, Uid};

    invitations (id) {
        id -> Uid,
        role_grant_id -> Uid,
        inviter_grant_id -> Nullable<Uid>,
        hash -> Binary,
        expires_at -> Ts,
        created_at -> Ts,
        accepted_at -> Nullable<Ts>,
        withdrawn_at -> Nullable<Ts>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::{Ts, Uid};

    sign_in_attempts (id) {
        id -> Uid,
        account -> Binary,
        address -> Binary,
        attempted_at -> Ts,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::{Ts, Uid};

    second_factors (user_id) {
        user_id -> Uid,
        sealed -> Binary,
        created_at -> Ts,
        last_step -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::{Ts, Uid};

    recovery_codes (user_id, hash) {
        user_id -> Uid,
        hash -> Binary,
        used_at -> Nullable<Ts>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::{Ts, Uid};

    sign_in_codes (id) {
        id -> Uid,
        role_grant_id -> Uid,
        giver_grant_id -> Nullable<Uid>,
        hash -> Text,
        expires_at -> Ts,
        created_at -> Ts,
        used_at -> Nullable<Ts>,
        withdrawn_at -> Nullable<Ts>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::{Ts, Uid};

    erasures (id) {
        id -> Uid,
        person_id -> Uid,
        created_at -> Ts,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Uid;

    erased_payloads (entry_id) {
        entry_id -> Uid,
        erasure_id -> Uid,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Uid;

    erased_imports (import_id) {
        import_id -> Uid,
        erasure_id -> Uid,
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    organizations,
    organization_tree,
    people,
    identity_numbers,
    affiliations,
    instructor_profiles,
    instructor_disciplines,
    instructor_hours,
    instructor_exceptions,
    users,
    role_grants,
    tokens,
    idempotency_keys,
    programs,
    program_versions,
    disciplines,
    modules,
    calendars,
    calendar_days,
    crew_shifts,
    intakes,
    intake_sponsors,
    amendments,
    cohorts,
    enrollments,
    enrollment_periods,
    enrollment_steps,
    rooms,
    series,
    sessions,
    session_cohorts,
    session_instructors,
    claims,
    claim_waivers,
    roll_calls,
    attendances,
    evidence,
    guests,
    unsettled_sessions,
    carried_modules,
    hour_entries,
    hour_balances,
    module_hour_balances,
    journal_entries,
    journal_payloads,
    journal_unsealed,
    journal_seals,
    journal_horizon,
    journal_audiences,
    imports,
    import_effects,
    session_changes,
    session_change_audience,
    feeds,
    leave_requests,
    leave_enrollments,
    leave_steps,
    unit_quotas,
    correction_requests,
    passwords,
    second_factors,
    recovery_codes,
    sign_in_codes,
    invitations,
    sign_in_attempts,
    disclosures,
    erasures,
    erased_payloads,
    erased_imports,
);

// A report sums the minutes of sessions for each of their cohorts.
diesel::allow_columns_to_appear_in_same_group_by_clause!(session_cohorts::cohort_id, sessions::module_id);
diesel::allow_columns_to_appear_in_same_group_by_clause!(sessions::state, roll_calls::state);
