use serde_json::{Value, json};

use super::{path, taught};
use crate::support::spawn_app;

#[test]
fn the_csv_says_what_the_json_says() {
    let app = spawn_app();
    let taught = taught(&app);
    let path = path(&taught.course);
    for client in [taught.course.coordinator.clone(), app.partner(&taught.other.id)] {
        let json = client.get(&path).expect(200).body;
        let csv = client.with_header("accept", "text/csv").get(&path).expect(200);
        assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
        assert!(csv.headers.get_all("vary").iter().any(|varies| varies == "accept"), "{:?}", csv.headers);
        assert_eq!(csv.header("content-disposition"), format!("attachment; filename=\"progress-{}.csv\"", taught.course.intake));
        let text = csv.text.strip_prefix('\u{feff}').expect("a byte order mark, for spreadsheets");
        let mut reader = ::csv::Reader::from_reader(text.as_bytes());
        let header: Vec<String> = reader.headers().unwrap().iter().map(ToOwned::to_owned).collect();
        let records: Vec<::csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        let (last, rows) = records.split_last().unwrap();
        let expected = json["rows"].as_array().unwrap();
        assert_eq!(rows.len(), expected.len());
        for (record, row) in rows.iter().zip(expected) {
            for field in row.as_object().unwrap().keys() {
                assert!(header.contains(field), "each field of a row is a column: {field}");
            }
            for (field, cell) in header.iter().zip(record) {
                // What the report says of the intake stands on each line.
                let value = row.get(field).or_else(|| json.get(field).filter(|_| field != "as_of"));
                let Some(value) = value else { continue };
                assert_eq!(cell, said(value), "{field}");
            }
        }
        assert_eq!(&last[0], "total");
        let totals = json["totals"].as_object().unwrap();
        assert!(totals.keys().all(|field| header.contains(field)), "each field of the totals is a column: {totals:?}");
        for (field, cell) in header.iter().zip(last).skip(1) {
            let value = totals.get(field).or_else(|| json.get(field)).unwrap_or(&Value::Null);
            match field.as_str() {
                "as_of" => {}
                "name" => assert_eq!(cell, "", "a trainee's, not the intake's"),
                "intake" => assert_eq!(cell, said(&json["code"])),
                _ => assert_eq!(cell, said(value), "{field}"),
            }
        }
        let counts = ["heads", "enrollments", "completed", "completion"].map(|field| header.iter().position(|name| name == field).unwrap());
        assert!(rows.iter().all(|record| counts.iter().all(|column| record[*column].is_empty())), "one is not many");
        let intake = header.iter().position(|name| name == "intake").unwrap();
        assert!(rows.iter().all(|record| record[intake] == said(&json["code"])));
    }
}

fn said(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[test]
fn a_line_tells_namesakes_apart_and_says_as_of_when() {
    let app = spawn_app();
    let taught = taught(&app);
    let path = path(&taught.course);
    let csv = taught.course.coordinator.with_header("accept", "text/csv");
    let first = csv.get(&path).expect(200);
    let mut reader = ::csv::Reader::from_reader(first.text.trim_start_matches('\u{feff}').as_bytes());
    let header = reader.headers().unwrap().clone();
    let record = reader.records().map(Result::unwrap).find(|record| record[0] == taught.anna.id).unwrap();
    let cell = |name: &str| record[header.iter().position(|field| field == name).unwrap()].to_owned();
    let labels = ["discipline", "sponsor", "unit", "cohort"].map(cell);
    assert_eq!(labels, ["MET", "JISCO 集团", "IRON", "MET-1"]);
    let trainee = taught.course.coordinator.get(&format!("/trainees/{}", taught.anna.trainee)).expect(200);
    assert_eq!(cell("employee_number"), trainee.text_at("/affiliations/0/employee_number"));
    assert_eq!(cell("as_of").len(), "2026-11-20T12:00:00.000000Z".len());
    // A new name of the plant is another table, and no other report in JSON.
    let json = taught.course.coordinator.get(&path).etag();
    let plant = format!("/organizations/{}", taught.course.sponsor.plants[0]);
    app.administrator().if_match("*").patch(&plant, json!({ "name": "炼铁厂" })).expect(200);
    let second = csv.if_none_match(&first.etag()).get(&path).expect(200);
    assert!(second.text.contains("炼铁厂"));
    csv.if_none_match(&second.etag()).get(&path).expect(304);
    let mut known = second.etag();
    for change in ["cohorts SET code = code || 'X'", "affiliations SET employee_number = employee_number || 'X'"] {
        app.sql(&format!("UPDATE {change}")).unwrap();
        let other = csv.if_none_match(&known).get(&path).expect(200);
        known = other.etag();
    }
    taught.course.coordinator.if_none_match(&json).get(&path).expect(304);
}

#[test]
fn a_table_has_no_split() {
    let app = spawn_app();
    let taught = taught(&app);
    let split = format!("{}?by=module", path(&taught.course));
    let accepting = |accept: &str| taught.course.coordinator.with_header("accept", accept).get(&split);
    let refused = accepting("text/csv").expect(406);
    assert_eq!(refused.text_at("/detail"), "a table has no split: leave out `by`, or accept application/json");
    refused.problem("not_acceptable");
    // Who looks for the table in the address is told where it is asked for.
    let asked = taught.course.coordinator.get(&format!("{}?format=csv&by=colour", path(&taught.course))).expect(400);
    assert!(asked.text_at("/detail").ends_with("is asked for by the header Accept"), "{asked:?}");
    // Who would rather have a table, but takes JSON too, is given that.
    assert_eq!(accepting("text/csv, application/json").expect(200).header("content-type"), "application/json");
}

#[test]
fn a_plant_is_shown_no_employee_number_of_another() {
    // As in the list of trainees: a post is shown to whoever it is at, and to those above.
    let app = spawn_app();
    let taught = taught(&app);
    let (path, sponsor) = (path(&taught.course), &taught.course.sponsor);
    let (anna, moved) = (app.hex(&taught.anna.trainee), app.hex(&sponsor.plants[1]));
    app.sql(&format!("UPDATE affiliations SET unit_id = {moved}, employee_number = 'MOVED' WHERE person_id = {anna}")).unwrap();
    for (client, shown) in
        [(taught.course.coordinator.clone(), true), (app.partner(&sponsor.id), true), (app.partner(&sponsor.plants[0]), false)]
    {
        let csv = client.with_header("accept", "text/csv").get(&path).expect(200);
        assert!(csv.text.contains(&taught.anna.id));
        assert_eq!((csv.text.contains("MOVED"), client.get("/trainees").expect(200).text.contains("MOVED")), (shown, shown));
    }
}
