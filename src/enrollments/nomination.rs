//! Whom a sponsor sends: somebody who is known, or somebody new; pure.

use serde::Deserialize;
use utoipa::ToSchema;

use super::model::{EnrollmentState, NewEnrollment};
use crate::{
    clock::Instant,
    error::Error,
    intakes::CohortId,
    organizations::OrganizationId,
    people::{AffiliationKind, NewAffiliation, NewPerson, PersonId},
    programs::DisciplineId,
    text::{Code, Email, Name, Note, Phone, Title},
};

/// Somebody of the sponsor whom the provider may not know yet. An employee number that is known names the person who has it, if the name
/// is theirs.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Nominee {
    #[schema(example = "欧阳旭")]
    name: Name,
    #[serde(default)]
    #[schema(example = "Ouyang Xu")]
    latin_name: Option<Name>,
    #[serde(default)]
    phone: Option<Phone>,
    #[serde(default)]
    email: Option<Email>,
    #[serde(default)]
    #[schema(example = "0061234")]
    employee_number: Option<Code>,
    #[serde(default)]
    title: Option<Title>,
}

impl Nominee {
    /// The person to be recorded, on the staff of the unit that sends them.
    fn of(self, unit_id: OrganizationId) -> NewPerson {
        let Self { name, latin_name, phone, email, employee_number, title } = self;
        let (kind, from_date, until_date) = (AffiliationKind::Staff, None, None);
        let affiliation = NewAffiliation { organization_id: unit_id, kind, employee_number, title, from_date, until_date };
        NewPerson { provider_id: None, name, latin_name, phone, email, affiliation: Some(affiliation) }
    }
}

/// Somebody else of the same unit, who takes over a place.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Replacement {
    /// Somebody whom the caller sees.
    #[serde(default)]
    pub(super) trainee_id: Option<PersonId>,
    /// Or somebody new.
    #[serde(default)]
    pub(super) trainee: Option<Nominee>,
    pub(super) reason: Note,
    /// From when on the place is theirs; now unless said. Not before the present state began, but for whoever has not been enrolled so far. Not said
    /// of a place that is to begin on a day to come: it is theirs from then on.
    #[serde(default)]
    pub(super) effective_at: Option<Instant>,
}

/// Who is to have a place.
#[derive(Clone, Debug)]
pub(super) enum Whom {
    Known(PersonId),
    New(Box<NewPerson>),
}

impl Whom {
    /// Whom a body means that names somebody known or describes somebody new of a unit.
    ///
    /// # Errors
    /// 422 if it does both or neither.
    pub(super) fn meant(trainee_id: Option<PersonId>, trainee: Option<Nominee>, unit_id: OrganizationId) -> Result<Self, Error> {
        match (trainee_id, trainee) {
            (Some(id), None) => Ok(Self::Known(id)),
            (None, Some(nominee)) => Ok(Self::New(Box::new(nominee.of(unit_id)))),
            (None, None) => {
                Err(Error::invalid("/trainee_id", "missing_field", "say who it is by `trainee_id`, or by `trainee` who is new"))
            }
            (Some(_), Some(_)) => Err(Error::invalid("/trainee_id", "named_twice", "say `trainee_id` or `trainee`, not both")),
        }
    }
}

/// A nomination to be made: whom a sponsor would send to an intake.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Nomination {
    /// Somebody whom the caller sees.
    #[serde(default)]
    pub(super) trainee_id: Option<PersonId>,
    /// Or somebody new, whom the provider of the intake gets to know by this.
    #[serde(default)]
    pub(super) trainee: Option<Nominee>,
    pub(super) discipline_id: DisciplineId,
    #[serde(default)]
    pub(super) cohort_id: Option<CohortId>,
    /// The sponsor, or the unit of the sponsor to which the trainee belongs now; of a partner its own or one below.
    pub(super) unit_id: OrganizationId,
    #[serde(default)]
    pub(super) payer_id: Option<OrganizationId>,
    #[serde(default)]
    pub(super) funding: Option<Name>,
    #[serde(default)]
    pub(super) crew: Option<Code>,
}

impl Nomination {
    pub(super) fn enrollment_of(self, trainee_id: PersonId) -> NewEnrollment {
        let Self { discipline_id, cohort_id, unit_id, payer_id, funding, crew, .. } = self;
        let state = EnrollmentState::Nominated;
        NewEnrollment { trainee_id, discipline_id, cohort_id, unit_id, payer_id, funding, crew, state, from: None }
    }
}
