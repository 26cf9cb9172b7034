//! The files themselves: encodings, hostile ones, the verdicts that go back, templates.

use std::{
    io::{Cursor, Write},
    time::{Duration, Instant},
};

use muster::tabular::{Limits, Table, read};
use zip::{ZipWriter, write::SimpleFileOptions};

use super::{ROSTER, csv, import_roster, roster_path, said, verdicts};
use crate::support::{seed, spawn_app};

const ZHANG: &str = "张伟,Zhang Wei,0001,JISCO-IRON,MET,MET-1,13800000001";

fn table(bytes: &[u8]) -> Table {
    read(bytes, &Limits::default()).unwrap()
}

#[test]
fn chinese_spreadsheets_save_in_many_ways() {
    let app = spawn_app();
    let course = seed::course(&app);
    let text = String::from_utf8(csv(ROSTER, &[ZHANG, "李娜,Li Na,0002,IRON,冶金工程,MET-1 班,"])).unwrap();
    let tabs = text.replace(',', "\t");
    let utf_16: Vec<u8> = [0xFF, 0xFE].into_iter().chain(tabs.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let files = [
        ("utf-8 with a mark", format!("\u{FEFF}{text}").into_bytes()),
        ("semicolons", text.replace(',', ";").into_bytes()),
        ("utf-16 with tabs", utf_16),
        ("gb 18030", encoding_rs::GB18030.encode(&text).0.into_owned()),
    ];
    for (name, bytes) in files {
        let reply = course.coordinator.post_file(&format!("{}?dry_run=true", roster_path(&course)), "名单.csv", &bytes).expect(200);
        assert_eq!(verdicts(&reply), said(&[(2, "create", &[]), (3, "create", &[])]), "{name}");
        assert_eq!(reply.body["file_name"], "名单.csv");
    }
}

#[test]
fn a_hostile_or_broken_file_is_refused_quickly() {
    let app = spawn_app();
    let course = seed::course(&app);
    let mut corners = rust_xlsxwriter::Workbook::new();
    corners.add_worksheet().write_string(0, 0, "a").unwrap().write_string(1_048_575, 16_383, "b").unwrap();
    let mut bomb = ZipWriter::new(Cursor::new(Vec::new()));
    bomb.start_file("xl/worksheets/sheet1.xml", SimpleFileOptions::default()).unwrap();
    for _ in 0..100 {
        bomb.write_all(&vec![b' '; 1 << 20]).unwrap();
    }
    let files = [
        ("corners.xlsx", corners.save_to_buffer().unwrap(), "too_many_columns"),
        ("bomb.xlsx", bomb.finish().unwrap().into_inner(), "workbook_too_large"),
        ("wide.csv", b"a,".repeat(1_000_000), "too_many_columns"),
        ("long.csv", csv(ROSTER, &["x"; 20_001]), "too_many_rows"),
        ("unknown.csv", vec![b'a', b',', 0xFF, 0xFF, 0x80, b'\n'], "unknown_encoding"),
        ("empty.csv", Vec::new(), "file_empty"),
        ("picture.png", b"\x89PNG\r\n\x1a\n".to_vec(), "workbook_unreadable"),
    ];
    app.unchanged(|| {
        for (name, bytes, code) in files {
            let started = Instant::now();
            course.coordinator.post_file(&roster_path(&course), name, &bytes).expect(422).problem(code);
            assert!(started.elapsed() < Duration::from_secs(2), "{name}: {:?}", started.elapsed());
        }
    });
}

#[test]
fn the_verdicts_are_a_file_to_send_back() {
    let app = spawn_app();
    let course = seed::course(&app);
    let rows = [ZHANG, "王五,,0004,nowhere,MET,,"];
    let told = import_roster(&course, &course.coordinator, "?dry_run=true", &rows).expect(200);
    assert!(told.headers.get_all("vary").iter().any(|varies| varies == "accept"));
    let reply = import_roster(&course, &course.coordinator, "?dry_run=true&verdicts=xlsx", &rows).expect(200);
    assert!(reply.headers.get_all("vary").iter().any(|varies| varies == "accept"));
    assert_eq!(reply.header("content-type"), "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet");
    assert_eq!(reply.header("content-disposition"), "attachment; filename=\"verdicts.xlsx\"");
    let back = table(&reply.bytes);
    assert_eq!(back.header.cells[7..], ["结果 (verdict)", "原因 (reason)"]);
    assert_eq!(back.rows[0].cells[..8], ["张伟", "Zhang Wei", "0001", "JISCO-IRON", "MET", "MET-1", "13800000001", "新增 (create)"]);
    assert_eq!(back.rows[1].cells[7], "无效 (invalid)");
    assert!(back.rows[1].cells[8].contains("nowhere"), "{:?}", back.rows[1]);
    let accepting = course.coordinator.with_header("accept", "text/csv");
    let reply = import_roster(&course, &accepting, "?dry_run=true", &rows).expect(200);
    assert_eq!(reply.header("content-type"), "text/csv; charset=utf-8");
    assert_eq!(table(&reply.bytes), back);
    let workbook = course.coordinator.with_header("accept", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet");
    assert_eq!(table(&import_roster(&course, &workbook, "?dry_run=true", &rows).expect(200).bytes), back);
    // It can be sent again as it is; the two columns are told, and not read.
    let again = course.coordinator.post_file(&format!("{}?dry_run=true", roster_path(&course)), "a.csv", &reply.bytes).expect(200);
    assert_eq!(again.body["unknown_columns"], serde_json::json!(["结果 (verdict)", "原因 (reason)"]));
    assert_eq!(again.body["counts"]["create"], 1);
    // Of a commit too, also when it is replayed.
    let keyed = course.coordinator.idempotency_key("k");
    let first = import_roster(&course, &keyed, "?partial=true&verdicts=csv", &rows).expect(200);
    let second = app.unchanged(|| import_roster(&course, &keyed, "?partial=true&verdicts=csv", &rows).expect(200));
    assert_eq!(first.text, second.text);
}

#[test]
fn every_template_has_the_columns_that_are_read() {
    let app = spawn_app();
    let course = seed::course(&app);
    for kind in ["organizations", "instructors", "roster", "schedule", "holidays", "shifts"] {
        for format in ["csv", "xlsx"] {
            let reply = course.coordinator.get(&format!("/import-templates/{kind}?format={format}")).expect(200);
            assert!(reply.headers.get_all("vary").iter().any(|varies| varies == "accept"), "{kind} {format}");
            assert_eq!(reply.header("content-disposition"), format!("attachment; filename=\"template-{kind}.{format}\""));
            let header = table(&reply.bytes).header.cells;
            assert!(header.iter().all(|name| !name.is_ascii() && name.contains('(')), "{header:?}");
        }
    }
    course.coordinator.get("/import-templates/program").expect(404);
    course.coordinator.get("/import-templates/choir").expect(404);
    course.coordinator.get("/import-templates/roster?format=pdf").expect(400);
    app.anonymous().get("/import-templates/roster").expect(401);
    // A template that was filled in is taken.
    let empty = course.coordinator.get("/import-templates/roster?format=csv").expect(200);
    let filled = format!("{}张伟,,0001,JISCO,MET,,,,,\n", empty.text);
    let reply = course.coordinator.post_file(&roster_path(&course), "a.csv", filled.as_bytes()).expect(200);
    assert_eq!((verdicts(&reply), &reply.body["unknown_columns"]), (said(&[(2, "create", &[])]), &serde_json::json!([])));
    let untouched = course.coordinator.post_file(&roster_path(&course), "a.csv", empty.text.as_bytes()).expect(200);
    assert_eq!(untouched.body["outcome"], "nothing_new");
}
