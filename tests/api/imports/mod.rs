//! `POST …/import`, `/imports` and `/import-templates`.

mod calendars;
mod conflicts;
mod evidence;
mod files;
mod instructors;
mod jisco;
mod list;
mod organizations;
mod permissions;
mod roster;
mod schedule;
mod undo;

use serde_json::Value;

use crate::support::{Client, Reply, seed::Course};

/// A file of the reference course.
fn example(name: &str) -> Vec<u8> {
    std::fs::read(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/jisco").join(name)).unwrap()
}

/// CSV in UTF-8.
fn csv(header: &str, rows: &[&str]) -> Vec<u8> {
    let mut text = header.to_owned();
    for row in rows {
        text.push('\n');
        text.push_str(row);
    }
    text.into_bytes()
}

const ROSTER: &str = "姓名,拼音,工号,单位,专业,班级,手机";

fn roster_path(course: &Course) -> String {
    format!("/intakes/{}/enrollments/import", course.intake)
}

/// Imports rows of a roster, in the columns of [`ROSTER`].
fn import_roster(course: &Course, client: &Client, query: &str, rows: &[&str]) -> Reply {
    client.post_file(&format!("{}{query}", roster_path(course)), "roster.csv", &csv(ROSTER, rows))
}

const SCHEDULE: &str = "课次,课程,班级,授课教师,日期,开始,结束,休息,方式,地点,时长,教室编号";

fn schedule_path(course: &Course) -> String {
    format!("/intakes/{}/sessions/import", course.intake)
}

/// Imports rows of a schedule, in the columns of [`SCHEDULE`].
fn import_schedule(course: &Course, client: &Client, query: &str, rows: &[&str]) -> Reply {
    client.post_file(&format!("{}{query}", schedule_path(course)), "schedule.csv", &csv(SCHEDULE, rows))
}

/// Row, verdict and the codes of the reasons.
fn verdicts(reply: &Reply) -> Vec<(u64, String, Vec<String>)> {
    let verdict = |row: &Value| {
        let codes = row["reasons"].as_array().unwrap().iter().map(|reason| reason["code"].as_str().unwrap().to_owned()).collect();
        (row["row"].as_u64().unwrap(), row["verdict"].as_str().unwrap().to_owned(), codes)
    };
    reply.body["rows"].as_array().unwrap_or_else(|| panic!("no report: {}", reply.text)).iter().map(verdict).collect()
}

/// As [`verdicts`], for comparing.
fn said(rows: &[(u64, &str, &[&str])]) -> Vec<(u64, String, Vec<String>)> {
    rows.iter().map(|(row, verdict, codes)| (*row, (*verdict).to_owned(), codes.iter().map(|&code| code.to_owned()).collect())).collect()
}

/// The faults of a problem: pointer and code.
fn faults(reply: &Reply) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    reply.body["errors"].as_array().unwrap().iter().map(|fault| (text(&fault["pointer"]), text(&fault["code"]))).collect()
}

/// What changes in a row of a report.
fn changes(reply: &Reply, index: usize) -> Vec<(String, Option<String>, Option<String>)> {
    let text = |value: &Value| value.as_str().map(ToOwned::to_owned);
    let what = reply.body["rows"][index]["what"].as_array().unwrap();
    what.iter().map(|change| (text(&change["field"]).unwrap(), text(&change["from"]), text(&change["to"]))).collect()
}
