//! The requests about who is there, who is not, and why.

use serde_json::json;

use super::{Call, Thing, list, read, step, write};
use crate::contract::access_matrix::stage::Stage;

pub fn leave() -> Vec<Call> {
    vec![
        list("list_leave_requests", Thing::Intake, "/items", "id"),
        write("ask_leave", Thing::Intake, |stage, _| stage.a.leave("e1", &stage.code())).echo("/intake_id"),
        read("read_leave_request", Thing::Leave),
        step("transition_leave_request:endorse", Thing::Leave, Stage::leave),
        step("transition_leave_request:grant", Thing::Leave, Stage::leave),
        step("transition_leave_request:refuse", Thing::Leave, Stage::leave),
        step("transition_leave_request:withdraw", Thing::Leave, Stage::leave),
    ]
}

pub fn roll_calls() -> Vec<Call> {
    vec![
        Call { query: "?open=true&limit=500", ..list("list_roll_calls", Thing::Nothing, "/items", "session_id") },
        list("read_roll_call", Thing::Session, "/entries", "enrollment_id").echo("/session_id"),
        read("explain_roll_call", Thing::Session).echo("/session_id"),
        write("put_roll_call", Thing::Session, |stage, _| json!({ "entries": [{ "enrollment_id": stage.a.id("e1"), "code": "present" }] }))
            .fresh(Stage::called)
            .echo("/session_id"),
        step("transition_roll_call:submit", Thing::Session, Stage::called).echo("/session_id"),
        step("transition_roll_call:close", Thing::Session, Stage::called_and_held).echo("/session_id"),
        step("transition_roll_call:reopen", Thing::Session, Stage::closed).echo("/session_id"),
        write(
            "invite_guest",
            Thing::Session,
            |stage, _| json!({ "enrollment_id": stage.a.id("e5"), "missed_session_id": stage.a.id("joint") }),
        )
        .fresh(Stage::common)
        .echo("/session_id"),
        list("list_evidence", Thing::Session, "", "enrollment_id"),
        step("dismiss_guest", Thing::Session, Stage::visited).echo("/session_id"),
    ]
}

pub fn corrections() -> Vec<Call> {
    vec![
        list("list_correction_requests", Thing::Intake, "/items", "id"),
        write("ask_correction", Thing::Session, |stage, _| stage.a.correction("e1", "CANARY-A as agreed"))
            .fresh(Stage::closed)
            .echo("/session_id"),
        read("read_correction_request", Thing::Correction),
        step("transition_correction_request:accept", Thing::Correction, Stage::correction),
        step("transition_correction_request:refuse", Thing::Correction, Stage::correction),
        step("transition_correction_request:withdraw", Thing::Correction, Stage::correction),
    ]
}
