//! Until when somebody is retained, and what stands in the way of an erasure.

use muster::{
    access::Credentials,
    retention::{self, Standing},
};
use serde_json::json;

use super::{FUTURE, PAST, erase, erased, restrict, restrict_because};
use crate::support::{App, seed, seed::Course, seed::Enrolled, spawn_app};

/// Somebody who took part and has withdrawn.
fn former(app: &App) -> (Course, Enrolled) {
    let course = seed::course(app);
    let member = seed::enrolled(&course, 1).remove(0);
    withdraw(&course, &member);
    (course, member)
}

fn withdraw(course: &Course, member: &Enrolled) {
    course.coordinator.post(&format!("/enrollments/{}/withdraw", member.id), json!({ "reason": "moved away" })).expect(200);
}

fn code(result: Result<impl Sized, muster::error::Error>) -> &'static str {
    result.map(|_| "it worked").unwrap_or_else(|error| error.code())
}

fn due(app: &App) -> Vec<String> {
    app.db.read_blocking(&Credentials::Operator, retention::due).unwrap().iter().map(ToString::to_string).collect()
}

/// The day `days` from now where a clock is so many hours ahead of Greenwich.
fn day(hours: i64, days: i64) -> String {
    let at = muster::clock::now().plus(chrono::TimeDelta::hours(hours)).plus(chrono::TimeDelta::days(days));
    at.utc().date_naive().to_string()
}

#[test]
fn the_first_time_restricts_and_the_same_again_only_says_until_when() {
    let app = spawn_app();
    let (_, member) = former(&app);
    let Standing::Restricted(first) = restrict(&app, &member.trainee, FUTURE).unwrap() else { panic!("not restricted") };
    assert_eq!(first.retained_until.to_string(), FUTURE);
    let again = app.unchanged(|| restrict(&app, &member.trainee, FUTURE).unwrap());
    assert_eq!(again, Standing::Waiting(first));
    app.unchanged(|| assert_eq!(code(erase(&app, &member.trainee)), "person_retained"));
    assert_eq!(due(&app), [""; 0]);
}

#[test]
fn the_day_is_moved_either_way_and_the_journal_knows() {
    let app = spawn_app();
    let (_, member) = former(&app);
    for until in [FUTURE, "2198-01-01", "2199-01-01"] {
        assert!(matches!(restrict(&app, &member.trainee, until), Ok(Standing::Restricted(_))), "{until}");
    }
    assert!(matches!(restrict(&app, &member.trainee, PAST), Ok(Standing::Due(_))));
    let audit = app.auditor().get(&format!("/audit?subject_id={}&action=person.restricted", member.trainee)).expect(200);
    let told: Vec<_> = audit.items().iter().map(|entry| (&entry["from"]["retained_until"], &entry["to"]["retained_until"])).collect();
    let days = [None, Some(FUTURE), Some("2198-01-01"), Some("2199-01-01"), Some(PAST)].map(|day| json!(day));
    assert_eq!(told, days.windows(2).map(|pair| (&pair[0], &pair[1])).collect::<Vec<_>>());
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn the_day_begins_where_the_latest_intake_of_the_house_is() {
    let app = spawn_app();
    let (_, member) = former(&app);
    // Shanghai is eight hours ahead of Greenwich, the whole year.
    assert!(matches!(restrict(&app, &member.trainee, &day(8, 1)), Ok(Standing::Restricted(_))));
    assert_eq!(due(&app), [""; 0]);
    assert!(matches!(restrict(&app, &member.trainee, &day(8, 0)), Ok(Standing::Due(_))));
    assert_eq!(due(&app), std::slice::from_ref(&member.trainee));
    // So is no place of a house that has no intake.
    let house = seed::organization(&app, "NEU", "东北大学", "university", None);
    let trainee = seed::trainee(&app.coordinator_of(&house), &house, "0001");
    assert!(matches!(restrict(&app, &trainee, &day(0, 1)), Ok(Standing::Restricted(_))));
    assert!(matches!(restrict(&app, &trainee, &day(0, 0)), Ok(Standing::Due(_))));
}

#[test]
fn everybody_whose_day_has_come_is_due_until_they_are_erased() {
    let app = spawn_app();
    let course = seed::course(&app);
    let members = seed::enrolled(&course, 3);
    for (member, until) in members.iter().zip([PAST, FUTURE, "2019-01-01"]) {
        withdraw(&course, member);
        restrict(&app, &member.trainee, until).unwrap();
    }
    assert_eq!(due(&app), [members[2].trainee.clone(), members[0].trainee.clone()]);
    for person in due(&app) {
        erase(&app, &person).unwrap();
    }
    assert_eq!(due(&app), [""; 0]);
    let name = |one: &Enrolled| course.coordinator.get(&format!("/trainees/{}", one.trainee)).expect(200).text_at("/name");
    let erased: Vec<bool> = members.iter().map(|one| name(one) == "已删除").collect();
    assert_eq!(erased, [true, false, true]);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn whoever_is_still_there_is_refused_with_where() {
    let app = spawn_app();
    let course = seed::course(&app);
    let member = seed::enrolled(&course, 1).remove(0);
    seed::published_session(&course, "MET-1", &seed::morning(1));
    seed::session(&course, "MET-2", &seed::morning(2));
    app.unchanged(|| {
        let refused = restrict(&app, &member.trainee, PAST).unwrap_err();
        assert_eq!((refused.code(), refused.to_string().as_str()), ("person_in_use", "the person is enrolled in HONGXING-3"));
        let refused = restrict(&app, &course.instructor, PAST).unwrap_err();
        assert_eq!(refused.to_string(), "the person is still to teach MET-1, MET-2");
    });
    withdraw(&course, &member);
    restrict(&app, &member.trainee, PAST).unwrap();
}

#[test]
fn nobody_is_erased_who_was_not_restricted_or_twice() {
    let app = spawn_app();
    let (_, member) = former(&app);
    app.unchanged(|| {
        assert_eq!(code(erase(&app, &member.trainee)), "person_not_restricted");
        assert_eq!(code(restrict(&app, &app.absent_id(), PAST)), "not_found");
        assert_eq!(code(restrict(&app, &member.trainee, "0020-01-01")), "invalid");
    });
    erased(&app, &member.trainee);
    app.unchanged(|| {
        assert_eq!(code(erase(&app, &member.trainee)), "person_erased");
        assert_eq!(code(restrict(&app, &member.trainee, FUTURE)), "person_erased");
    });
}

#[test]
fn a_reason_that_tells_who_it_is_is_refused_for_it_stays() {
    let app = spawn_app();
    let course = seed::course(&app);
    let body = json!({ "name": "欧阳旭", "phone": "+86 937 5550101", "affiliation": { "organization_id": course.sponsor.id, "employee_number": "0061234" } });
    let person = course.coordinator.post("/trainees", body).expect(201).id();
    for reason in ["欧阳旭 asked", "asked from +86 937 5550101", "No. 0061234", &format!("see {person}")] {
        app.unchanged(|| assert_eq!(code(restrict_because(&app, &person, PAST, reason)), "invalid", "{reason}"));
    }
    restrict_because(&app, &person, PAST, "asked by letter 10061234").unwrap();
}
