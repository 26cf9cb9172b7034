//! What a coordinator can send about people.

use serde_json::{Value, json};

use super::Operation;
use crate::support::{seed, seed::Course};

pub(super) fn operations(course: &Course, newcomer: &str, member: &seed::Enrolled) -> Vec<Operation> {
    let operation = |method, path: String, body: Value| Operation { method, path, body };
    let person = json!({ "name": "新人", "latin_name": "Xin Ren", "phone": "1", "email": "a@example.org",
        "affiliation": { "organization_id": course.sponsor.id, "employee_number": "X-1" } });
    let number = json!({ "identity_number": "11010519491231002X", "reason": "mistyped" });
    vec![
        operation("POST", "/trainees".to_owned(), person.clone()),
        operation("POST", "/instructors".to_owned(), person),
        operation("PATCH", format!("/trainees/{newcomer}"), json!({ "name": "改名", "phone": "2" })),
        operation("PATCH", format!("/instructors/{}", course.instructor), json!({ "name": "改名", "email": null })),
        operation("POST", format!("/people/{newcomer}/identity-number"), number.clone()),
        operation("POST", format!("/people/{}/identity-number/open", member.trainee), json!({ "reason": "the ministry asks" })),
        operation("POST", "/people/find".to_owned(), json!({ "identity_number": number["identity_number"] })),
    ]
}
