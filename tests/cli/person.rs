use serde_json::{Value, json};

use crate::support::Home;

/// Somebody whom a coordinator has recorded, by the id.
fn recorded(home: &Home, name: &str) -> String {
    let token = home.token(&["--role", "coordinator", "--organization", "USTB"]);
    let server = home.serve();
    server.post("/api/v1/trainees", &token, json!({ "name": name, "phone": "+86 931 5550101" }))["id"].as_str().unwrap().to_owned()
}

fn erase(home: &Home, args: &[&str], code: i32) -> Value {
    home.run(&[&["--json", "person", "erase"], args].concat()).with(code).json()
}

#[test]
fn a_person_is_restricted_first_and_erased_from_the_day_on() {
    let home = Home::migrated();
    home.organization("USTB");
    let person = recorded(&home, "金丝雀学员");
    let until = |day: &str, code| erase(&home, &[&person, "--retain-until", day, "--reason", "asked for in writing"], code);
    let restricted = until("2199-12-31", 0);
    assert_eq!((&restricted["state"], &restricted["person"]["retained_until"]), (&json!("restricted"), &json!("2199-12-31")));
    let listed = home.run(&["person", "list", "--restricted"]).with(0);
    assert!(listed.stdout.starts_with(&format!("{person}  2199-12-31  ")) && listed.stdout.contains("金丝雀学员"), "{listed:?}");
    let waiting = until("2199-12-31", 1);
    assert_eq!(waiting["error"]["code"], "person_retained");
    assert!(waiting["error"]["message"].as_str().unwrap().contains("until 2199-12-31"), "{waiting}");
    assert_eq!(erase(&home, &["--due"], 0)["items"], json!([]));
    let erased = until("2020-01-01", 0);
    assert_eq!((&erased["state"], &erased["erased"]["person_id"]), (&json!("erased"), &json!(person)));
    assert_eq!(until("2020-01-01", 1)["error"]["code"], "person_erased");
    assert_eq!(home.run(&["person", "list", "--restricted"]).with(0).stdout.trim(), "");
    home.run(&["verify"]).with(0);
    // Nor is anything left in what the file has free, or in its log.
    for file in ["muster.db", "muster.db-wal"] {
        let bytes = std::fs::read(home.path(file)).unwrap_or_default();
        for text in ["金丝雀学员", "5550101"] {
            assert!(!bytes.windows(text.len()).any(|window| window == text.as_bytes()), "{text} is in {file}");
        }
    }
}

#[test]
fn what_is_not_meant_is_refused_by_name() {
    let home = Home::migrated();
    home.organization("USTB");
    let nobody = "01930000-0000-7000-8000-000000000001";
    let unknown = erase(&home, &[nobody, "--retain-until", "2020-01-01", "--reason", "asked for in writing"], 1);
    assert_eq!(unknown["error"]["code"], "not_found");
    for args in [&[nobody][..], &[nobody, "--due"], &["--due", "--reason", "x"], &[nobody, "--retain-until", "2020-01-01"], &[]] {
        home.run(&[&["person", "erase"], args].concat()).with(2);
    }
    home.run(&["person", "list"]).with(2);
}
