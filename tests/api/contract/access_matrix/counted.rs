//! Sums and counts are of the rows that the caller sees, and of no others.

use muster::access::Role;
use serde_json::{Value, json};

use super::stage::Stage;
use crate::support::TokenOptions;

/// The fields of a part of a report that its totals have too.
const SUMMED: [&str; 6] =
    ["plan_minutes", "expected_minutes", "present_minutes", "authorized_absence_minutes", "unauthorized_absence_minutes", "exempt_minutes"];

fn sum(rows: &Value, field: &str) -> i64 {
    rows.as_array().unwrap().iter().map(|row| row[field].as_i64().unwrap()).sum()
}

/// Of the one session that was held, 40 minutes: e1 was there for 20, e2 not at all, e3 for 20 and then excused.
#[test]
fn a_report_counts_whom_its_reader_sees() {
    let stage = Stage::set();
    let partner = |unit| stage.client_of(Role::Partner, unit, None, TokenOptions::default());
    // Heads, enrollments, expected, present, authorized, unauthorized.
    let counted = [
        ("coordinator", stage.clients["coordinator"].clone(), [5, 3, 120, 40, 20, 60]),
        ("auditor", stage.clients["auditor"].clone(), [5, 3, 120, 40, 20, 60]),
        ("partner", partner("s1"), [3, 2, 80, 20, 0, 60]),
        ("partner at a plant", partner("s1p1"), [2, 1, 40, 20, 0, 20]),
        ("the other partner", partner("s2"), [2, 1, 40, 20, 20, 0]),
        ("partner at a plant that sends nobody", partner("s2p2"), [0, 0, 0, 0, 0, 0]),
    ];
    for (who, client, expected) in counted {
        for by in ["", "?by=discipline", "?by=module", "?by=cohort", "?by=unit"] {
            let report = client.get(&format!("/intakes/{}/progress{by}", stage.a.id("i1"))).expect(200).body;
            let totals = &report["totals"];
            let fields = ["heads", "enrollments", "expected_minutes", "present_minutes", "authorized_absence_minutes"];
            let found: Vec<&Value> = fields.iter().chain(&["unauthorized_absence_minutes"]).map(|field| &totals[*field]).collect();
            assert_eq!(json!(found), json!(expected), "{who} {by}");
            for field in SUMMED {
                assert_eq!(totals[field], sum(&report["rows"], field), "{who} {by}: {field}");
                if !by.is_empty() {
                    assert_eq!(totals[field], sum(&report["split"], field), "{who} {by}: {field}");
                }
            }
        }
    }
}

#[test]
fn an_enrollments_hours_are_its_own() {
    let stage = Stage::set();
    // Attended, authorized, unauthorized.
    for (enrollment, expected) in [("e1", [20, 0, 20]), ("e2", [0, 0, 40]), ("e3", [20, 20, 0]), ("e4", [0, 0, 0])] {
        let path = format!("/enrollments/{}", stage.a.id(enrollment));
        let hours = stage.clients["coordinator"].get(&format!("{path}/hours")).expect(200).body;
        let progress = stage.clients["coordinator"].get(&format!("{path}/progress")).expect(200).body;
        for (kind, minutes) in ["attended", "authorized_absence", "unauthorized_absence"].iter().zip(expected) {
            let entries = hours["items"].as_array().unwrap().iter().filter(|entry| entry["kind"] == *kind);
            assert_eq!(entries.map(|entry| entry["minutes"].as_i64().unwrap()).sum::<i64>(), minutes, "{enrollment} {kind}");
            assert_eq!(hours["balance"][format!("{kind}_minutes")], minutes, "{enrollment} {kind}");
            let of_row = if *kind == "attended" { "present_minutes".to_owned() } else { format!("{kind}_minutes") };
            assert_eq!(progress[&of_row], minutes, "{enrollment} {kind}");
            assert_eq!(sum(&progress["modules"], &of_row), minutes, "{enrollment} {kind}");
        }
    }
}
