//! The scopes as SQL: which intakes, cohorts and sessions are somebody's. Every list and every look-up is held to one of them.

use diesel::{prelude::*, query_source::Alias};

use crate::{
    clock::Instant,
    organizations::{OrganizationId, below},
    people::PersonId,
    schedule::SessionState,
    schema::{
        cohorts, disclosures, enrollments, intake_sponsors, intakes, organization_tree, organizations, session_instructors, sessions,
        unit_quotas,
    },
};

/// The ids of the intakes that `provider` and its units give; what every scope below is held to, so that a role at one provider opens
/// nothing at another.
#[diesel::dsl::auto_type]
pub fn provided(provider: OrganizationId) -> _ {
    let house: below = below(provider);
    intakes::table.filter(intakes::provider_id.eq_any(house)).select(intakes::id)
}

// The tree once more: a query that has it in it cannot have it in a part of itself.
diesel::alias! {
    pub const RECIPIENTS: Alias<Recipients> = organization_tree as recipients;
}

/// The ids of the organizations whose people are disclosed to `partner`, or to a unit below it, at that instant.
#[diesel::dsl::auto_type]
pub fn disclosed_to(partner: OrganizationId, at: Instant) -> _ {
    let tree: Alias<Recipients> = RECIPIENTS;
    let house = tree.filter(tree.field(organization_tree::ancestor_id).eq(partner)).select(tree.field(organization_tree::descendant_id));
    let until = disclosures::until_at.assume_not_null();
    disclosures::table
        .filter(disclosures::recipient_id.eq_any(house))
        .filter(disclosures::from_at.le(at))
        .filter(disclosures::until_at.is_null().or(until.gt(at)))
        .select(disclosures::organization_id)
}

/// The ids of the organizations whose people a partner there is shown: its own house, and what is disclosed to it. Whoever writes is held to
/// [`below`] instead.
#[diesel::dsl::auto_type]
pub fn shown_to(partner: OrganizationId, at: Instant) -> _ {
    let tree: Alias<Recipients> = RECIPIENTS;
    let (above, below) = (tree.field(organization_tree::ancestor_id), tree.field(organization_tree::descendant_id));
    let own = tree.filter(above.eq(partner)).filter(below.eq(partner)).select(below);
    let disclosed: disclosed_to = disclosed_to(partner, at);
    organization_tree::table
        .filter(organization_tree::ancestor_id.eq_any(own.union_all(disclosed)))
        .select(organization_tree::descendant_id)
}

/// The ids of the intakes in which somebody is enrolled whom a partner is shown.
#[diesel::dsl::auto_type]
pub fn shown_in(partner: OrganizationId, at: Instant) -> _ {
    let shown: shown_to = shown_to(partner, at);
    enrollments::table.filter(enrollments::unit_id.eq_any(shown)).select(enrollments::intake_id)
}

/// Whether an intake, named by a column, is one that a partner is shown: one that its house has to do with ([`sponsored`]), or in which
/// somebody is enrolled who is disclosed to it.
macro_rules! shown {
    ($intake:expr, $partner:expr, $at:expr) => {
        $intake
            .eq_any($crate::access::shown_in($partner, $at))
            .or($intake.eq_any($crate::access::promised($partner)))
            .or($intake.eq_any($crate::access::promised_to_units($partner)))
    };
}
pub(crate) use shown;

/// Whether an intake, named by a column, is one that a sponsor or one of its plants has to do with: somebody from there or below is
/// enrolled in it, or it has a quota for the sponsor or a unit there, which may look before its first nomination. A macro, because a query that has
/// `intakes` in it cannot be a part of one over `intakes`.
macro_rules! sponsored {
    ($intake:expr, $organization:expr) => {
        $intake
            .eq_any($crate::access::enrolled_from($organization))
            .or($intake.eq_any($crate::access::promised($organization)))
            .or($intake.eq_any($crate::access::promised_to_units($organization)))
    };
}
pub(crate) use sponsored;

/// The ids of the intakes in which somebody of `organization` or its units is enrolled.
#[diesel::dsl::auto_type]
pub fn enrolled_from(organization: OrganizationId) -> _ {
    let house: below = below(organization);
    enrollments::table.filter(enrollments::unit_id.eq_any(house)).select(enrollments::intake_id)
}

/// The ids of the intakes with a quota for the sponsor that `organization` is or belongs to. A row without seats says only that
/// somebody of the sponsor is enrolled, maybe at another plant.
#[diesel::dsl::auto_type]
pub fn promised(organization: OrganizationId) -> _ {
    intake_sponsors::table
        .inner_join(organizations::table.on(organizations::root_id.eq(intake_sponsors::sponsor_id)))
        .filter(organizations::id.eq(organization))
        .filter(intake_sponsors::seats.is_not_null())
        .select(intake_sponsors::intake_id)
}

/// The ids of the intakes with a quota for `organization` as a unit, or for one above or below it.
#[diesel::dsl::auto_type]
pub fn promised_to_units(organization: OrganizationId) -> _ {
    let house: below = below(organization);
    let above = organization_tree::table.filter(organization_tree::descendant_id.eq(organization)).select(organization_tree::ancestor_id);
    unit_quotas::table
        .filter(unit_quotas::unit_id.eq_any(house).or(unit_quotas::unit_id.eq_any(above)))
        .filter(unit_quotas::seats.is_not_null())
        .select(unit_quotas::intake_id)
}

/// The ids of the cohorts that `person` looks after for `provider`.
#[diesel::dsl::auto_type]
pub fn advised(person: PersonId, provider: OrganizationId) -> _ {
    let own: provided = provided(provider);
    cohorts::table.filter(cohorts::adviser_id.eq(person)).filter(cohorts::intake_id.eq_any(own)).select(cohorts::id)
}

/// The ids of the sessions that `person` teaches for `provider`; drafts are not announced yet.
#[diesel::dsl::auto_type]
pub fn taught(person: PersonId, provider: OrganizationId) -> _ {
    let own: provided = provided(provider);
    let draft: SessionState = SessionState::Draft;
    sessions::table
        .filter(
            sessions::id.eq_any(
                session_instructors::table.filter(session_instructors::person_id.eq(person)).select(session_instructors::session_id),
            ),
        )
        .filter(sessions::state.ne(draft))
        .filter(sessions::intake_id.eq_any(own))
        .select(sessions::id)
}
