//! The users of the demo: one for each role, with a token each.

use chrono::TimeDelta;
use serde::Serialize;

use super::super::Failure;
use crate::{
    access::{self, Actor, Credentials, NewRoleGrant, NewToken, NewUser, Role, Secret},
    clock::Instant,
    db::{Conn, Db},
    enrollments::{self, EnrollmentFilter},
    error::Error,
    intakes::{self, CohortPatch, IntakeId},
    organizations::{self, OrganizationId},
    people::PersonId,
    schedule,
    text::Code,
};

/// A token for each role. The other partner sponsors nobody in the intake.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Tokens {
    pub(super) administrator: Secret,
    pub(super) coordinator: Secret,
    pub(super) class_adviser: Secret,
    pub(super) instructor: Secret,
    pub(super) partner: Secret,
    pub(super) other_partner: Secret,
    pub(super) trainee: Secret,
    pub(super) auditor: Secret,
    #[serde(skip)]
    own_enrollment: enrollments::EnrollmentId,
}

impl Tokens {
    /// Each role with its token and an address worth a look.
    pub(super) fn uses(&self, intake: IntakeId) -> [(&'static str, &Secret, String); 8] {
        let of_intake = |rest: &str| format!("/api/v1/intakes/{intake}/{rest}");
        [
            ("administrator: the organizations", &self.administrator, "/api/v1/organizations".to_owned()),
            ("coordinator: the progress of the intake", &self.coordinator, of_intake("progress")),
            ("class adviser: the roster of the own cohort", &self.class_adviser, of_intake("enrollments")),
            ("instructor: the sessions taught", &self.instructor, of_intake("sessions")),
            ("partner: the progress of its own people", &self.partner, of_intake("progress")),
            ("other partner: sponsors nobody in it, so it is not there", &self.other_partner, of_intake("progress")),
            ("trainee: the own hours", &self.trainee, format!("/api/v1/enrollments/{}/hours", self.own_enrollment)),
            ("auditor: the journal", &self.auditor, format!("/api/v1/audit?intake_id={intake}")),
        ]
    }
}

/// Makes the users and their tokens. The instructor leads the first session, the trainee is the first enrolled, and whoever leads the last
/// session advises the trainee's cohort.
pub(super) fn tokens(db: &Db, intake: IntakeId) -> Result<Tokens, Failure> {
    let tokens = db.write_blocking(Credentials::Operator, move |conn, actor, now| {
        let [provider, sponsor, other] = ["USTB", "JISCO", "HBIS"].map(|code| organization(conn, actor, code));
        let (provider, sponsor, other) = (provider?, sponsor?, other?);
        let (instructor, adviser) = instructors(conn, intake)?;
        let first = enrollments::list(conn, actor, intake, EnrollmentFilter::default(), None, 1)?.pop().ok_or(Error::NotFound)?;
        let trainee = first.enrollment;
        let patch = CohortPatch { adviser_id: Some(Some(adviser)), ..CohortPatch::default() };
        intakes::update_cohort(conn, actor, None, trainee.cohort_id.ok_or(Error::NotFound)?, patch)?;
        let mut token = |role: Role, name: &str, organization: Option<OrganizationId>, person: Option<PersonId>| {
            make(conn, actor, now, (role, name), organization, person)
        };
        Ok(Tokens {
            administrator: token(Role::Administrator, "demo administrator", None, None)?,
            coordinator: token(Role::Coordinator, "demo coordinator", Some(provider), None)?,
            class_adviser: token(Role::ClassAdviser, "demo class adviser", Some(provider), Some(adviser))?,
            instructor: token(Role::Instructor, "demo instructor", Some(provider), Some(instructor))?,
            partner: token(Role::Partner, "demo partner", Some(sponsor), None)?,
            other_partner: token(Role::Partner, "demo other partner", Some(other), None)?,
            trainee: token(Role::Trainee, "demo trainee", Some(provider), Some(trainee.person_id))?,
            auditor: token(Role::Auditor, "demo auditor", Some(provider), None)?,
            own_enrollment: trainee.id,
        })
    })?;
    Ok(tokens)
}

fn organization(conn: &mut Conn, actor: &Actor, code: &str) -> Result<OrganizationId, Error> {
    let code: Code = code.parse().map_err(Error::internal)?;
    Ok(organizations::by_code(conn, actor, &code)?.ok_or(Error::NotFound)?.id)
}

/// Who leads the first session and who the last.
fn instructors(conn: &mut Conn, intake: IntakeId) -> Result<(PersonId, PersonId), Error> {
    let mut sessions = schedule::of_intake(conn, intake)?;
    sessions.sort_by_key(|(session, _, _)| session.starts_at);
    let mut leads = sessions.iter().filter_map(|(_, _, instructors)| instructors.first().copied());
    let first = leads.next().ok_or(Error::NotFound)?;
    Ok((first, leads.next_back().unwrap_or(first)))
}

fn make(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    (role, name): (Role, &str),
    organization: Option<OrganizationId>,
    person_id: Option<PersonId>,
) -> Result<Secret, Error> {
    let name: crate::text::Name = name.parse().map_err(Error::internal)?;
    let user = access::create_user(conn, actor, now, NewUser { name: name.clone(), person_id })?;
    let grant = access::grant_role(conn, actor, now, user.id, NewRoleGrant::lasting(role, organization))?;
    let expires_at = now.plus(TimeDelta::days(30));
    let new = NewToken { role_grant_id: grant.id, name, read_only: false, intake_id: None, program_id: None, expires_at };
    Ok(access::issue_token(conn, actor, now, new)?.token)
}
