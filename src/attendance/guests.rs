//! Guests of a session: trainees of the intake who do not owe it and make up another one there; pure.

use std::collections::{BTreeMap, BTreeSet};

use diesel::{Insertable, Queryable, Selectable};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    access::UserId,
    clock::Instant,
    enrollments::{EnrollmentId, Expected},
    intakes::IntakeId,
    leave::GrantedLeave,
    schedule::SessionId,
    schema::guests,
    text::{Code, Note},
};

/// A guest as stored. It is never altered.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = guests, treat_none_as_default_value = false)]
pub(super) struct Guest {
    pub(super) session_id: SessionId,
    pub(super) enrollment_id: EnrollmentId,
    pub(super) missed_session_id: SessionId,
    #[serde(skip)]
    pub(super) intake_id: IntakeId,
    pub(super) note: Option<Note>,
    pub(super) user_id: Option<UserId>,
    pub(super) created_at: Instant,
}

/// A guest to be invited.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewGuest {
    pub(super) enrollment_id: EnrollmentId,
    /// The session that is made up: one of the same module that the enrollment owes, missed already or about to be.
    pub(super) missed_session_id: SessionId,
    #[serde(default)]
    #[schema(example = "on shift that night; comes with crew 乙")]
    pub(super) note: Option<Note>,
}

/// The session that a guest makes up, and why here.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Serialize, ToSchema)]
pub struct MakesUp {
    pub id: SessionId,
    #[schema(example = "MET-01")]
    pub code: Code,
    /// What was said when the guest was invited.
    pub note: Option<Note>,
}

/// Somebody who is called in a session.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) person: Expected,
    /// None of whoever owes the session.
    pub(super) makes_up: Option<MakesUp>,
    /// Granted leave that touches the session, by its start.
    pub(super) leave: Vec<GrantedLeave>,
}

impl Member {
    pub(super) fn is_guest(&self) -> bool {
        self.makes_up.is_some()
    }

    /// Those who owe a session, and its guests, with their leave. Whoever came to owe it after having been invited is no guest any more.
    pub(super) fn all(
        owing: Vec<Expected>,
        guests: Vec<(Expected, MakesUp)>,
        mut leave: BTreeMap<EnrollmentId, Vec<GrantedLeave>>,
    ) -> Vec<Self> {
        let ids: BTreeSet<EnrollmentId> = owing.iter().map(|person| person.enrollment_id).collect();
        let guests = guests.into_iter().filter(|(person, _)| !ids.contains(&person.enrollment_id));
        let called = owing.into_iter().map(|person| (person, None)).chain(guests.map(|(person, makes_up)| (person, Some(makes_up))));
        let member = |(person, makes_up): (Expected, Option<MakesUp>)| {
            let leave = leave.remove(&person.enrollment_id).unwrap_or_default();
            Self { person, makes_up, leave }
        };
        called.map(member).collect()
    }
}

/// The guests among these people, each with what is made up; whoever is not enrolled (any more) is none.
pub(super) fn paired(people: Vec<Expected>, makes_up: Vec<(EnrollmentId, MakesUp)>) -> Vec<(Expected, MakesUp)> {
    let mut makes_up: BTreeMap<EnrollmentId, MakesUp> = makes_up.into_iter().collect();
    people.into_iter().filter_map(|person| makes_up.remove(&person.enrollment_id).map(|missed| (person, missed))).collect()
}
