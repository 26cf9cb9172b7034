//! The steps of enrollments: the database takes those of the life cycle and no others.

use std::collections::BTreeSet;

use muster::enrollments::{EnrollmentState, LIFE_CYCLE};

use crate::support::{App, seed, spawn_app};

/// What stands beside a state, as columns of an update.
fn beside(app: &App, from: Option<EnrollmentState>, to: EnrollmentState) -> String {
    use EnrollmentState as S;
    let withdrawal = if to == S::Withdrawn { "'left'" } else { "NULL" };
    let offer = if to == S::Offered { app.instant("2020-06-01T00:00:00Z") } else { "NULL".to_owned() };
    let place = if to == S::Waitlisted && from != Some(S::Waitlisted) { ", priority = 0, position = 7" } else { "" };
    format!("state = '{to}', withdrawal = {withdrawal}, offer_expires_at = {offer}{place}")
}

#[test]
fn the_database_knows_the_steps_of_the_life_cycle_and_no_others() {
    let app = spawn_app();
    let course = seed::course(&app);
    let newcomer = seed::recruit(&course);
    let known = seed::enrolled(&course, 1).remove(0);
    let (id, person, known) = (app.hex(&app.absent_id()), app.hex(&newcomer), app.hex(&known.id));
    let same = "intake_id, program_version_id, discipline_id, sponsor_id, unit_id, cohort_id, version, created_at";
    let mut legal = BTreeSet::new();
    for step in LIFE_CYCLE.steps {
        legal.extend(step.from.iter().map(|from| (*from, step.to)).filter(|(from, to)| from != to));
    }
    let mut taken = BTreeSet::new();
    for from in EnrollmentState::ALL.iter().copied() {
        // An enrollment that begins in any state at all, by way of one that may have been.
        let values = beside(&app, None, from);
        let columns: Vec<(&str, &str)> = values.split(", ").filter_map(|pair| pair.split_once(" = ")).collect();
        let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
        let texts: Vec<&str> = columns.iter().map(|(_, text)| *text).collect();
        let insert = format!(
            "INSERT INTO enrollments (id, person_id, {}, {same}) SELECT {id}, {person}, {}, {same} FROM enrollments WHERE id = {known}",
            names.join(", "),
            texts.join(", ")
        );
        for to in EnrollmentState::ALL.iter().copied().filter(|to| *to != from) {
            // Nothing of it stays: the last statement is refused, unless the one before was.
            let step = format!("UPDATE enrollments SET {} WHERE id = {id}", beside(&app, Some(from), to));
            let message = app.refusal(&format!("{insert}; {step}; UPDATE enrollments SET version = 0 WHERE id = {id}"));
            if !message.contains("muster:illegal_transition") {
                assert!(message.contains("version"), "{from} to {to}: {message}");
                taken.insert((from, to));
            }
        }
    }
    assert_eq!(taken, legal);
    let decided = [EnrollmentState::Completed, EnrollmentState::Withdrawn, EnrollmentState::Rejected, EnrollmentState::Transferred];
    assert!(taken.iter().all(|(from, _)| !decided.contains(from)));
}
