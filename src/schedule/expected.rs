//! Who is expected in sessions, as one of a cohort or as a guest, and who is in two of them at once; pure.

use std::collections::{BTreeMap, HashMap};

use diesel::Queryable;

use super::{advice::Crewed, candidates::Candidate, model::SessionId};
use crate::{
    clock::Instant,
    intakes::{CohortId, IntakeId},
    organizations::OrganizationId,
    people::PersonId,
    text::Code,
};

/// Somebody enrolled from then on, until the other instant if it is known.
#[derive(Clone, Copy, Debug, Queryable)]
pub(super) struct Enrolled {
    pub(super) person_id: PersonId,
    pub(super) intake_id: IntakeId,
    /// None outside every cohort.
    pub(super) cohort_id: Option<CohortId>,
    pub(super) from: Instant,
    pub(super) until: Option<Instant>,
}

impl Enrolled {
    /// Whether that is so when a session begins.
    pub(super) fn covers(&self, start: Instant) -> bool {
        self.from <= start && self.until.is_none_or(|until| start < until)
    }

    /// Whether a session of these cohorts that begins then is owed (DOMAIN 2.6).
    pub(super) fn owes(&self, cohorts: &[CohortId], start: Instant) -> bool {
        self.covers(start) && self.cohort_id.is_some_and(|cohort| cohorts.contains(&cohort))
    }
}

/// Somebody who was invited to a session, by one of the times of the enrollment.
#[derive(Clone, Debug, Queryable)]
pub(super) struct Guest {
    pub(super) enrolled: Enrolled,
    pub(super) makes_up: SessionId,
    sponsor_id: OrganizationId,
    crew: Option<Code>,
}

impl Guest {
    pub(super) fn crewed(&self) -> Option<Crewed> {
        Some(Crewed { enrolled: self.enrolled, crew: (self.sponsor_id, self.crew.clone()?) })
    }
}

/// Who was invited to sessions that stand.
pub(super) struct Invited(HashMap<SessionId, Vec<Guest>>);

impl Invited {
    pub(super) fn of(invited: Vec<(SessionId, Guest)>) -> Self {
        let mut of_session: HashMap<SessionId, Vec<Guest>> = HashMap::new();
        for (session, guest) in invited {
            of_session.entry(session).or_default().push(guest);
        }
        Self(of_session)
    }

    /// When and in which cohorts they are enrolled in the intake of the sessions.
    pub(super) fn placements(&self) -> impl Iterator<Item = Enrolled> {
        self.0.values().flatten().map(|guest| guest.enrolled)
    }

    fn enrolled_at<'a>(&'a self, one: &'a Candidate) -> impl Iterator<Item = &'a Guest> {
        let invited = one.stored.and_then(|id| self.0.get(&id)).into_iter().flatten();
        invited.filter(|guest| guest.enrolled.covers(one.plan.starts_at))
    }

    /// The guests of a session as it is proposed: who is enrolled when it begins and does not owe it.
    pub(super) fn guests<'a>(&'a self, one: &'a Candidate) -> impl Iterator<Item = &'a Guest> {
        self.enrolled_at(one).filter(|guest| !guest.enrolled.owes(&one.plan.cohort_ids, one.plan.starts_at))
    }

    /// Those who would come to owe it, and so are guests no more.
    pub(super) fn owing<'a>(&'a self, one: &'a Candidate) -> impl Iterator<Item = &'a Guest> {
        self.enrolled_at(one).filter(|guest| guest.enrolled.owes(&one.plan.cohort_ids, one.plan.starts_at))
    }
}

/// Somebody in a session, from its start until just before its end.
#[derive(Clone, Copy, Debug, Queryable)]
pub(super) struct Stay {
    pub(super) person_id: PersonId,
    pub(super) intake_id: IntakeId,
    /// By the id under which it is stored, if it is.
    pub(super) session_id: SessionId,
    pub(super) starts_at: Instant,
    pub(super) ends_at: Instant,
    /// Of a guest: the session that is made up there.
    pub(super) makes_up: Option<SessionId>,
}

impl Stay {
    fn is_as_guest(&self) -> bool {
        self.makes_up.is_some()
    }

    /// Whether the other one of the same person is at the same time. Whoever makes a session up is not in that one; and that a cohort is in
    /// two sessions is told of the cohort.
    fn clashes_with(&self, other: &Self) -> bool {
        let overlap = other.starts_at < self.ends_at && self.starts_at < other.ends_at;
        let is_made_up = self.makes_up == Some(other.session_id) || other.makes_up == Some(self.session_id);
        let is_of_cohorts = self.intake_id == other.intake_id && !self.is_as_guest() && !other.is_as_guest();
        overlap && self.session_id != other.session_id && !is_made_up && !is_of_cohorts
    }
}

/// Who is in two sessions at once, each with whether as a guest in one of them.
pub(super) type InBoth = BTreeMap<PersonId, bool>;

/// Who would be in a proposed session, told by its place, and in another one at the same time; with when that one is.
pub(super) fn in_two_sessions(
    proposed: impl Iterator<Item = (usize, Stay)>,
    others: &[Stay],
) -> BTreeMap<(usize, SessionId), ((Instant, Instant), InBoth)> {
    let mut of_person: HashMap<PersonId, Vec<&Stay>> = HashMap::new();
    for other in others {
        of_person.entry(other.person_id).or_default().push(other);
    }
    let mut found: BTreeMap<(usize, SessionId), ((Instant, Instant), InBoth)> = BTreeMap::new();
    for (index, one) in proposed {
        let others = of_person.get(&one.person_id).into_iter().flatten();
        for other in others.filter(|other| one.clashes_with(other)) {
            let times = (other.starts_at, other.ends_at);
            let (_, people) = found.entry((index, other.session_id)).or_insert_with(|| (times, InBoth::new()));
            *people.entry(one.person_id).or_default() |= one.is_as_guest() || other.is_as_guest();
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::id::Id;

    fn id<T>(number: u128) -> Id<T> {
        Id::from_uuid(uuid::Uuid::from_u128(number))
    }

    fn instant(minute: i64) -> Instant {
        Instant::from_unix_micros(minute * 60_000_000).unwrap()
    }

    /// A few people in a few sessions of two intakes, each session at one time.
    fn some_stays() -> impl Strategy<Value = Vec<Stay>> {
        let times = proptest::collection::vec((0_i64..12, 1_i64..6), 6);
        let one = (0_u128..3, 0_usize..6, proptest::option::of(0_usize..6));
        (times, proptest::collection::vec(one, 0..25)).prop_map(|(times, rows)| {
            let stay = |(person, session, makes_up): (u128, usize, Option<usize>)| {
                let (start, length) = times[session];
                Stay {
                    person_id: id(person),
                    intake_id: id(u128::from(session % 2 == 0)),
                    session_id: id(session as u128),
                    starts_at: instant(start),
                    ends_at: instant(start + length),
                    makes_up: makes_up.filter(|missed| *missed != session).map(|missed| id(missed as u128)),
                }
            };
            rows.into_iter().map(stay).collect()
        })
    }

    proptest! {
        #[test]
        fn who_is_in_two_sessions_is_who_comparing_all_pairs_finds(proposed in some_stays(), others in some_stays()) {
            let mut expected: BTreeMap<(usize, SessionId, PersonId), bool> = BTreeMap::new();
            for (index, one) in proposed.iter().enumerate() {
                for other in &others {
                    let minutes = |stay: &Stay| stay.starts_at.unix_micros() / 60_000_000..stay.ends_at.unix_micros() / 60_000_000;
                    let meet = minutes(one).any(|minute| minutes(other).contains(&minute));
                    let is_the_miss = [(one, other), (other, one)].iter().any(|(a, b)| a.makes_up == Some(b.session_id));
                    let as_guest = one.makes_up.or(other.makes_up).is_some();
                    let same = (one.person_id, one.session_id) == (other.person_id, other.session_id);
                    let counts = as_guest || one.intake_id != other.intake_id;
                    if one.person_id == other.person_id && meet && !is_the_miss && !same && counts {
                        *expected.entry((index, other.session_id, one.person_id)).or_default() |= as_guest;
                    }
                }
            }
            let found = in_two_sessions(proposed.into_iter().enumerate(), &others);
            let people = |((index, session), (_, people)): ((usize, SessionId), ((Instant, Instant), InBoth))| {
                people.into_iter().map(move |(person, as_guest)| ((index, session, person), as_guest)).collect::<Vec<_>>()
            };
            prop_assert_eq!(found.into_iter().flat_map(people).collect::<BTreeMap<_, _>>(), expected);
        }
    }
}
