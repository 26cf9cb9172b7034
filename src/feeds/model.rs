//! What a feed is, as stored and sent, and what is told in one.

use diesel::{Identifiable, Insertable, Queryable, Selectable};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    access::{Role, UserId},
    clock::Instant,
    db::types::text_enum,
    id::Id,
    intakes::{CohortId, IntakeId, SessionMode},
    organizations::OrganizationId,
    people::PersonId,
    rooms::RoomId,
    schedule::SessionId,
    schema::feeds,
    text::{Code, Link, Name, Note, Place},
    zone::Zone,
};

pub type FeedId = Id<Feed>;
pub type SubjectId = Id<Subject>;

text_enum! {
    /// Whose schedule a feed shows.
    pub enum FeedKind {
        Instructor => "instructor",
        Trainee => "trainee",
        Cohort => "cohort",
        Room => "room",
        Intake => "intake",
    }
}

/// Whose schedule a feed shows, and which one's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    Instructor(PersonId),
    Trainee(PersonId),
    Cohort(CohortId),
    Room(RoomId),
    Intake(IntakeId),
}

/// A feed as stored: never its secret, only the SHA-256 of it.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable, Identifiable)]
#[diesel(table_name = feeds, treat_none_as_default_value = false)]
pub(super) struct FeedRow {
    pub(super) id: FeedId,
    pub(super) provider_id: OrganizationId,
    /// Where its maker has the role.
    pub(super) organization_id: OrganizationId,
    pub(super) kind: FeedKind,
    pub(super) person_id: Option<PersonId>,
    pub(super) cohort_id: Option<CohortId>,
    pub(super) room_id: Option<RoomId>,
    pub(super) intake_id: Option<IntakeId>,
    pub(super) prefix: String,
    pub(super) secret_hash: Vec<u8>,
    pub(super) role: Role,
    pub(super) user_id: Option<UserId>,
    pub(super) created_at: Instant,
    pub(super) last_used_at: Option<Instant>,
    pub(super) revoked_at: Option<Instant>,
}

impl FeedRow {
    /// None for a row that names nothing, which the database refuses.
    pub(super) fn subject(&self) -> Option<Subject> {
        match self.kind {
            FeedKind::Instructor => self.person_id.map(Subject::Instructor),
            FeedKind::Trainee => self.person_id.map(Subject::Trainee),
            FeedKind::Cohort => self.cohort_id.map(Subject::Cohort),
            FeedKind::Room => self.room_id.map(Subject::Room),
            FeedKind::Intake => self.intake_id.map(Subject::Intake),
        }
    }

    fn subject_id(&self) -> Option<SubjectId> {
        let person = self.person_id.map(PersonId::cast);
        person.or(self.cohort_id.map(CohortId::cast)).or(self.room_id.map(RoomId::cast)).or(self.intake_id.map(IntakeId::cast))
    }
}

/// A schedule to subscribe to. Its address was told once, when it was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Feed {
    pub id: FeedId,
    /// Whose coordinators can revoke it: of a person's own, whoever recorded the person; of all others, whose sessions it shows.
    pub provider_id: OrganizationId,
    pub kind: FeedKind,
    /// The person, cohort, room or intake.
    pub subject_id: Option<SubjectId>,
    /// What it is called now.
    pub subject_name: Option<Name>,
    /// How the secret in its address begins; what people recognize it by.
    #[schema(example = "muster_1a2b3c4d5e")]
    pub prefix: String,
    /// In which role it was made. A person's own is good for as long as the role is.
    pub role: Role,
    /// The user who made it. One that a coordinator made is the provider's and outlives the coordinator's role.
    #[schema(example = "coordinator@USTB")]
    pub made_by: Option<Name>,
    pub created_at: Instant,
    /// When it was last read, to within five minutes; null if never.
    pub last_used_at: Option<Instant>,
    /// Since when it answers 404; null while it is good.
    pub revoked_at: Option<Instant>,
}

impl Feed {
    pub(super) fn of(row: FeedRow, made_by: Option<Name>, subject_name: Option<Name>) -> Self {
        let subject_id = row.subject_id();
        let FeedRow { id, provider_id, kind, prefix, role, created_at, last_used_at, revoked_at, .. } = row;
        Self { id, provider_id, kind, subject_id, subject_name, prefix, role, made_by, created_at, last_used_at, revoked_at }
    }
}

/// A feed that was just made.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct IssuedFeed {
    #[serde(flatten)]
    pub(super) feed: Feed,
    /// Where the calendar is read. It is stored nowhere: null when the request is answered again to the same `Idempotency-Key`.
    #[schema(
        example = "https://muster.example.org/api/v1/schedules/muster_0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef.ics"
    )]
    pub(super) address: Option<String>,
    /// The same address, which a calendar program opens to subscribe.
    #[schema(
        example = "webcal://muster.example.org/api/v1/schedules/muster_0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef.ics"
    )]
    pub(super) webcal_address: Option<String>,
}

/// A feed to be made.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewFeed {
    pub kind: FeedKind,
    /// The person, cohort, room or intake.
    pub subject_id: SubjectId,
}

impl NewFeed {
    pub(super) fn subject(&self) -> Subject {
        match self.kind {
            FeedKind::Instructor => Subject::Instructor(self.subject_id.cast()),
            FeedKind::Trainee => Subject::Trainee(self.subject_id.cast()),
            FeedKind::Cohort => Subject::Cohort(self.subject_id.cast()),
            FeedKind::Room => Subject::Room(self.subject_id.cast()),
            FeedKind::Intake => Subject::Intake(self.subject_id.cast()),
        }
    }
}

/// A session as a calendar shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Event {
    pub(super) id: SessionId,
    pub(super) code: Code,
    pub(super) module: Name,
    pub(super) intake: Name,
    pub(super) zone: Zone,
    /// As held, once it is.
    pub(super) starts_at: Instant,
    pub(super) ends_at: Instant,
    pub(super) mode: SessionMode,
    /// Of a recorded session the length.
    pub(super) minutes: i32,
    /// Why it does not take place; none while it does.
    pub(super) cancelled: Option<Note>,
    pub(super) cohorts: Vec<Name>,
    /// The lead first.
    pub(super) instructors: Vec<Name>,
    pub(super) room: Option<Name>,
    pub(super) place: Option<Place>,
    /// Where one joins.
    pub(super) link: Option<Link>,
    pub(super) sequence: i32,
    pub(super) created_at: Instant,
    pub(super) changed_at: Instant,
}

/// All that a calendar is made of, so that its tag can be made of the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Calendar {
    pub(super) name: Name,
    /// By start.
    pub(super) events: Vec<Event>,
}
