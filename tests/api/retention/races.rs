//! Somebody is restricted while others begin something with them: one of both comes first, and the other sees it.

use std::sync::Barrier;

use serde_json::json;

use super::{PAST, erase, restrict};
use crate::support::{rounds, seed, spawn_app};

#[test]
fn whoever_is_enrolled_while_they_are_restricted_is_one_or_the_other() {
    let app = spawn_app();
    let course = seed::course(&app);
    for _ in 0..rounds() {
        let person = seed::recruit(&course);
        let barrier = Barrier::new(2);
        let (restricted, enrolled) = std::thread::scope(|scope| {
            let enroll = scope.spawn(|| {
                barrier.wait();
                course.coordinator.post(&format!("/intakes/{}/enrollments", course.intake), seed::enrollment_body(&course, &person))
            });
            barrier.wait();
            (restrict(&app, &person, PAST), enroll.join().unwrap())
        });
        match restricted {
            Ok(_) => {
                enrolled.expect(409).problem("person_restricted");
                erase(&app, &person).unwrap();
            }
            Err(error) => {
                assert_eq!(error.code(), "person_in_use");
                let id = enrolled.expect(201).id();
                course.coordinator.post(&format!("/enrollments/{id}/withdraw"), json!({ "reason": "moved away" })).expect(200);
            }
        }
    }
    assert_eq!(app.findings(), Vec::<String>::new());
}
