//! Every step of the life cycle from every state: `POST /enrollments/{id}/{step}`.

use std::collections::BTreeMap;

use muster::enrollments::{EnrollmentState, LIFE_CYCLE};
use serde_json::{Value, json};

use crate::support::{App, Reply, seed, seed::Course, spawn_app};

/// Nobody asks for these: an offer lapses by itself, and all that is open ends when its intake is cancelled.
const BY_THEMSELVES: [&str; 2] = ["lapse", "end with the intake"];

/// The legal steps that are refused all the same, for a reason of their own: whoever waits here waits for a seat of a unit that has none.
const GUARDED: [(EnrollmentState, &str, &str); 2] =
    [(EnrollmentState::Waitlisted, "approve", "unit_quota_full"), (EnrollmentState::Waitlisted, "offer", "unit_quota_full")];

/// Where people are enrolled, and where else they may go.
struct Places {
    course: Course,
    next_intake: String,
    other_cohort: String,
}

fn places(app: &App) -> Places {
    let course = seed::course(app);
    let next_intake = seed::intake(&course.coordinator, &course.program.version, "HONGXING-4");
    seed::cohort(&course.coordinator, &next_intake, &course.program.metallurgy, "MET-1");
    let other_cohort = seed::cohort(&course.coordinator, &course.intake, &course.program.metallurgy, "MET-2");
    let settings = json!({ "waitlist": true, "offer_days": 7 });
    course.coordinator.if_match("*").patch(&format!("/intakes/{}", course.intake), settings).expect(200);
    let none = format!("/intakes/{}/seat-quotas/{}", course.intake, course.sponsor.plants[1]);
    course.coordinator.if_none_match("*").put(&none, json!({ "seats": 0 })).expect(200);
    Places { course, next_intake, other_cohort }
}

impl Places {
    fn take(&self, id: &str, verb: &str) -> Reply {
        let body = match verb {
            "waitlist" => json!({ "priority": 1, "reason": "no seat yet" }),
            "replace" => json!({ "trainee": seed::nomination_body(&self.course)["trainee"], "reason": "needed at the plant" }),
            "transfer" => json!({ "intake_id": self.next_intake, "reason": "another shift" }),
            "move" => json!({ "cohort_id": self.other_cohort, "reason": "another shift" }),
            _ => json!({ "reason": "as decided" }),
        };
        self.course.coordinator.post(&format!("/enrollments/{id}/{verb}"), body)
    }

    /// An enrollment of somebody new that stands there.
    fn at(&self, state: EnrollmentState) -> String {
        use EnrollmentState as S;
        let (begin, step) = match state {
            S::Nominated | S::Applied | S::Approved | S::Enrolled => (state, None),
            S::Waitlisted => (S::Nominated, Some("waitlist")),
            S::Offered => (S::Nominated, Some("offer")),
            S::Rejected => (S::Nominated, Some("reject")),
            S::Suspended => (S::Enrolled, Some("suspend")),
            S::Completed => (S::Enrolled, Some("complete")),
            S::Failed => (S::Enrolled, Some("fail")),
            S::Withdrawn => (S::Enrolled, Some("withdraw")),
            S::Transferred => (S::Enrolled, Some("transfer")),
        };
        let unit = &self.course.sponsor.plants[usize::from(state == S::Waitlisted)];
        let mut body = seed::enrollment_body(&self.course, &seed::recruit_of(&self.course, unit));
        (body["state"], body["unit_id"]) = (json!(begin), json!(unit));
        let id = self.course.coordinator.post(&format!("/intakes/{}/enrollments", self.course.intake), body).expect(201).id();
        if let Some(step) = step {
            assert!(self.take(&id, step).status < 300, "{step}");
        }
        assert_eq!(self.stands(&id), json!(state));
        id
    }

    fn stands(&self, id: &str) -> Value {
        self.course.coordinator.get(&format!("/enrollments/{id}")).expect(200).body["state"].clone()
    }
}

#[test]
fn what_is_legal_is_done_or_refused_for_a_named_reason_and_what_is_not_changes_nothing() {
    let app = spawn_app();
    let places = places(&app);
    let mut verbs: Vec<&str> = LIFE_CYCLE.steps.iter().map(|step| step.verb).filter(|verb| !BY_THEMSELVES.contains(verb)).collect();
    verbs.dedup();
    let mut refused = Vec::new();
    for state in EnrollmentState::ALL.iter().copied() {
        let legal: BTreeMap<&str, EnrollmentState> =
            LIFE_CYCLE.steps.iter().filter(|step| step.from.contains(&state)).map(|step| (step.verb, step.to)).collect();
        let id = places.at(state);
        for verb in verbs.iter().copied().filter(|verb| !legal.contains_key(verb)) {
            app.unchanged(|| places.take(&id, verb).expect(409).problem("illegal_transition"));
        }
        assert_eq!(places.stands(&id), json!(state));
        for (verb, to) in legal.into_iter().filter(|(verb, _)| !BY_THEMSELVES.contains(verb)) {
            let id = places.at(state);
            match GUARDED.iter().find(|(from, guarded, _)| (*from, *guarded) == (state, verb)) {
                Some((.., code)) => {
                    app.unchanged(|| places.take(&id, verb).expect(409).problem(code));
                    refused.push((state, verb));
                }
                None => {
                    let taken = places.take(&id, verb);
                    assert!(taken.status < 300, "{verb} from {state}: {}", taken.text);
                    // Where there is room, nobody waits: the seat is offered at once.
                    let stands = if verb == "waitlist" { EnrollmentState::Offered } else { to };
                    assert_eq!(places.stands(&id), json!(stands), "{verb} from {state}");
                }
            }
        }
    }
    assert_eq!(refused.len(), GUARDED.len());
    assert_eq!(app.findings(), Vec::<String>::new());
}
