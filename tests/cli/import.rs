use std::path::{Path, PathBuf};

use serde_json::json;

use crate::support::Home;

fn example(name: &str) -> String {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/jisco").join(name);
    path.to_str().unwrap().to_owned()
}

/// A database with the organizations and the program of the reference course.
fn home() -> Home {
    let home = Home::migrated();
    home.run(&["import", "organizations", &example("organizations.csv")]).with(0);
    home.run(&["import", "program", &example("program.json")]).with(0);
    home
}

#[test]
fn the_reference_course_is_imported_in_five_commands_and_again_in_none() {
    let home = home();
    let rest = [
        (["import", "instructors", &example("instructors.xlsx"), "--organization", "USTB", "--partial"], "32 create", "32 unchanged"),
        (["import", "roster", &example("roster.xlsx"), "--intake", "HONGXING-3", "--partial"], "244 create", "244 already_enrolled"),
        (["import", "schedule", &example("schedule.xlsx"), "--intake", "HONGXING-3", "--publish"], "134 create", "134 unchanged"),
    ];
    for (command, first, second) in &rest {
        let (dry, wet, again) = (home.run(&[&command[..], &["--dry-run"]].concat()), home.run(command), home.run(command));
        assert!(dry.stdout.contains(first) && dry.stdout.contains("nothing was written"), "{dry:?}");
        assert!(wet.stdout.contains(first) && wet.stdout.contains("(import "), "{wet:?}");
        assert!(again.stdout.contains(second) && again.stdout.contains("says nothing new"), "{again:?}");
        // No bar where nobody sees it.
        assert_eq!((wet.stderr.as_str(), [dry.code, wet.code, again.code]), ("", [Some(0); 3]));
    }
    home.run(&["verify"]).with(0);
}

#[test]
fn a_row_at_fault_is_told_in_the_text_the_exit_code_and_the_file_that_goes_back() {
    let home = home();
    let rows = "姓名,工号,单位,专业\n张伟,0001,JISCO-IRON,MET\n王五,0002,nowhere,MET\n";
    std::fs::write(home.path("list.csv"), rows).unwrap();
    let command = ["import", "roster", "list.csv", "--intake", "HONGXING-3"];
    let with = |more: &[&'static str]| home.run(&[&command[..], more].concat());
    let refused = with(&["--verdicts", "back.csv"]).with(1);
    assert!(refused.stdout.contains("row 3 (0002): invalid: organization: no organization"), "{refused:?}");
    assert!(refused.stderr.contains("nothing was written"), "{refused:?}");
    assert!(std::fs::read_to_string(home.path("back.csv")).unwrap().contains("无效 (invalid)"));
    let json = with(&["--json"]).with(1).json();
    assert_eq!((&json["outcome"], &json["counts"]["invalid"], &json["import_id"]), (&json!("refused"), &json!(1), &json!(null)));
    assert_eq!(with(&["--dry-run", "--json"]).with(3).json()["rows"], json["rows"]);
    assert_eq!(with(&["--partial", "--json"]).with(3).json()["committed"], true);
    assert_eq!(with(&["--json"]).with(1).json()["counts"]["already_enrolled"], 1);
    let nothing_left = with(&["--partial"]).with(3);
    assert!(nothing_left.stdout.contains("faults in 1 of 2 rows; nothing was written"), "{nothing_left:?}");
    std::fs::write(home.path("list.csv"), "姓名,工号,单位,专业\n王五,0002,nowhere,MET\n赵六,0003,nowhere,MET\n").unwrap();
    let faults_only = with(&["--partial"]).with(1);
    assert!(faults_only.stdout.contains("refused list.csv: 2 invalid; faults in 2 of 2 rows"), "{faults_only:?}");
    assert!(
        faults_only.stdout.contains("row 2 (0002): invalid") && faults_only.stdout.contains("row 3 (0003): invalid"),
        "{faults_only:?}"
    );
    assert!(!faults_only.stderr.contains("--partial"), "{faults_only:?}");
}

#[test]
fn a_file_that_cannot_be_taken_says_why() {
    let home = home();
    let code = |args: &[&str]| home.run(&[args, &["--json"]].concat()).with(1).json()["error"]["code"].as_str().unwrap().to_owned();
    std::fs::write(home.path("list.csv"), "姓名\n张伟\n").unwrap();
    std::fs::write(home.path("broken.xlsx"), "PK\u{3}\u{4}").unwrap();
    std::fs::write(home.path("broken.json"), "{").unwrap();
    assert_eq!(code(&["import", "roster", "list.csv", "--intake", "HONGXING-3"]), "columns_missing");
    assert_eq!(code(&["import", "roster", "broken.xlsx", "--intake", "HONGXING-3"]), "workbook_unreadable");
    assert_eq!(code(&["import", "roster", "nowhere.csv", "--intake", "HONGXING-3"]), "io");
    assert_eq!(code(&["import", "roster", "list.csv", "--intake", "NOWHERE"]), "unknown_intake");
    assert_eq!(code(&["import", "instructors", "list.csv", "--organization", "NOWHERE"]), "unknown_organization");
    assert_eq!(code(&["import", "program", "broken.json"]), "json_malformed");
    std::fs::write(home.path("near.csv"), "姓名,工号,单位,专业,emial,备注\n张伟,0001,JISCO,MET,a@b.cn,x\n").unwrap();
    for dry_run in [&["--dry-run"][..], &[]] {
        let near = home.run(&[&["import", "roster", "near.csv", "--intake", "HONGXING-3"], dry_run].concat()).with(1);
        let said = "muster: the file has columns that are called nearly like known ones: email: the column E is headed `emial`: \
            correct it if it is meant, or call it otherwise if it is not\n";
        assert_eq!((near.stderr.as_str(), near.stdout.as_str()), (said, ""));
    }
    std::fs::write(home.path("list.json"), "[]").unwrap();
    let said = |name: &str| home.run(&["import", "program", name]).with(1).stderr;
    assert!(said("broken.json").starts_with("muster: broken.json is not valid JSON: "), "{}", said("broken.json"));
    assert_eq!(said("list.json"), "muster: list.json must be an object\n");
    let missing = home.run(&["import", "roster", "list.csv", "--intake", "HONGXING-3"]).with(1);
    assert!(["employee_number", "organization", "discipline", "工号"].iter().all(|name| missing.stderr.contains(name)), "{missing:?}");
}

#[test]
fn an_import_is_listed_and_taken_back() {
    let home = home();
    std::fs::write(home.path("list.csv"), "姓名,工号,单位,专业\n张伟,0001,JISCO-IRON,MET\n").unwrap();
    let import = ["import", "roster", "list.csv", "--intake", "HONGXING-3", "--json"];
    let id = home.run(&import).with(0).json()["import_id"].as_str().unwrap().to_owned();
    let listed = home.run(&["import", "list", "--intake", "HONGXING-3", "--kind", "roster", "--json"]).with(0).json();
    assert_eq!((listed["items"].as_array().unwrap().len(), &listed["items"][0]["id"]), (1, &json!(id)));
    let all = home.run(&["import", "list"]).with(0).stdout;
    assert!(all.lines().count() == 3 && all.contains("  organizations  committed  "), "{all}");
    let undone = home.run(&["import", "undo", &id, "--reason", "the wrong list", "--json"]).with(0).json();
    assert_eq!((&undone["id"], &undone["state"]), (&json!(id), &json!("undone")));
    let again = home.run(&["import", "undo", &id]).with(1);
    assert!(again.stderr.contains("undone already") && again.stdout.is_empty(), "{again:?}");
    assert!(home.run(&["import", "list"]).with(0).stdout.contains("  roster  undone  1 row  list.csv"));
    let absent = "01930000-0000-7000-8000-000000000001";
    assert_eq!(home.run(&["import", "undo", absent, "--json"]).with(1).json()["error"]["code"], "not_found");
    home.run(&["import", "undo", "list.csv"]).with(2);
    // It is as if it had never been.
    assert_eq!(home.run(&import).with(0).json()["counts"]["create"], 1);
    home.run(&["verify"]).with(0);
}

#[test]
fn an_undo_that_moves_published_sessions_asks_for_a_reason() {
    let home = home();
    let import = |times: &str, more: &[&'static str]| {
        std::fs::write(home.path("june.csv"), format!("课次,课程,班级,日期,开始,结束\nA,MET-01,MET-1,2020-06-01,{times}\n")).unwrap();
        let command = ["import", "schedule", "june.csv", "--intake", "HONGXING-3", "--publish", "--json"];
        home.run(&[&command[..], more].concat()).with(0).json()["import_id"].as_str().unwrap().to_owned()
    };
    import("8:00,9:00", &[]);
    let moved = import("10:00,11:00", &["--reason", "the hall is closed"]);
    let asked = home.run(&["import", "undo", &moved]).with(1);
    assert!(asked.stderr.contains("say with --reason why they change back"), "{asked:?}");
    home.run(&["import", "undo", &moved, "--reason", "it is open after all"]).with(0);
    home.run(&["verify"]).with(0);
}

#[test]
fn a_calendar_begins_with_its_first_file_and_an_intake_keeps_it() {
    let home = home();
    let holidays = example("holidays.csv");
    let import = ["import", "holidays", &holidays, "--calendar", "CN-2020"];
    let unknown = home.run(&import).with(1);
    assert!(unknown.stderr.contains("--organization and --time-zone begin one"), "{unknown:?}");
    home.run(&[&import[..], &["--organization", "USTB"]].concat()).with(2);
    let begin = ["--organization", "USTB", "--time-zone", "Asia/Shanghai", "--weekend-days", "saturday,sunday", "--intake", "HONGXING-3"];
    let wrong = home.run(&[&import[..], &begin, &["--sponsor", "JISCO"]].concat()).with(1);
    assert!(wrong.stderr.contains("only shifts are a sponsor's"), "{wrong:?}");
    let begin = [&import[..], &begin].concat();
    for (more, ending) in [(&["--dry-run"][..], "nothing was written"), (&[], "(import ")] {
        let said = home.run(&[&begin[..], more].concat()).with(0).stdout;
        assert!(said.contains("21 create") && said.contains(ending), "{said}");
        let begins = if more.is_empty() { "the calendar CN-2020 begins with this file" } else { "there is no calendar CN-2020 yet" };
        assert!(said.contains(begins), "{said}");
        assert!(said.contains("the intake HONGXING-3 keeps the days off of CN-2020"), "{said}");
    }
    assert!(home.run(&begin).with(0).stdout.contains("says nothing new: 21 unchanged"));
    for (flag, said, is) in [
        ("--time-zone", "Europe/Berlin", "CN-2020 is in Asia/Shanghai"),
        ("--weekend-days", "sunday", "CN-2020 takes off of each week: saturday, sunday"),
        ("--name", "Holidays", "CN-2020 is called CN-2020"),
        ("--sponsor", "JISCO", "CN-2020 is of no sponsor"),
    ] {
        let other = home.run(&[&import[..], &[flag, said]].concat()).with(1);
        assert!(other.stderr.contains(is), "{other:?}");
    }
    // What is refused begins nothing.
    std::fs::write(home.path("rota.csv"), "班组,日期,开始,结束\n甲,2020-06-01,8:00,\n").unwrap();
    let rota = ["import", "shifts", "rota.csv", "--calendar", "ROTA", "--organization", "USTB", "--time-zone", "Asia/Shanghai"];
    let with = |more: &[&'static str]| home.run(&[&rota[..], more].concat());
    assert!(with(&[]).with(1).stderr.contains("say whose crews work these shifts"));
    with(&["--sponsor", "JISCO"]).with(1);
    std::fs::write(
        home.path("rota.csv"),
        "班组,日期,开始,结束\n甲,2020-06-01,8:00,16:00\n甲,2020-06-02,8:00,16:00\n甲,2020-06-03,8:00,16:00\n",
    )
    .unwrap();
    assert!(with(&["--sponsor", "JISCO"]).with(0).stdout.contains("begins with this file"));
    std::fs::write(home.path("rota.csv"), "班组,日期,开始,结束\n甲,2020-06-01,8:00,16:00\n甲,2020-06-03,8:00,16:00\n").unwrap();
    for more in [&["--sponsor", "USTB"][..], &["--sponsor", "USTB", "--dry-run"]] {
        assert!(with(more).with(1).stderr.contains("ROTA is of JISCO"));
    }
    let taken_out = with(&["--dry-run"]).with(0).stdout;
    assert!(taken_out.contains("row 2 (甲): update: shift: 2020-06-02 08:00+08:00 to 2020-06-02 16:00+08:00 → –"), "{taken_out}");
    assert!(taken_out.starts_with("dry run of rota.csv: 1 update, 1 unchanged, 1 removed;"), "{taken_out}");
    // A dry run says of each row what would change; the file that is taken is counted.
    std::fs::write(home.path("rota.csv"), "班组,日期,开始,结束\n甲,2020-06-01,8:00,17:00\n").unwrap();
    let longer = with(&["--dry-run"]).with(0).stdout;
    assert!(longer.contains("row 2 (甲): update: ") && longer.contains("2020-06-01 17:00+08:00"), "{longer}");
    let taken = with(&[]).with(0).stdout;
    assert!(taken.ends_with("nobody of the sponsor is enrolled in these crews: 甲\n") && taken.lines().count() == 2, "{taken}");
    for more in [&["--intake", "HONGXING-3", "--dry-run"][..], &["--intake", "HONGXING-3"]] {
        assert!(with(more).with(1).stderr.contains("an intake keeps a calendar of holidays"));
    }
    let imports = home.run(&["import", "list"]).with(0).stdout;
    let kept = imports.lines().find(|line| line.contains("holidays")).unwrap().split_whitespace().next().unwrap();
    let undone = home.run(&["import", "undo", kept]).with(0).stdout;
    assert!(!undone.contains("CN-2020 stays"), "{undone}");
    assert!(home.run(&import).with(1).stderr.contains("there is no calendar `CN-2020`"));
    home.run(&["verify"]).with(0);
}

#[test]
fn evidence_is_of_a_session_by_its_code_in_an_intake() {
    let home = home();
    for command in [
        ["import", "instructors", &example("instructors.xlsx"), "--organization", "USTB", "--partial"],
        ["import", "roster", &example("roster.xlsx"), "--intake", "HONGXING-3", "--partial"],
        ["import", "schedule", &example("schedule.xlsx"), "--intake", "HONGXING-3", "--publish"],
    ] {
        home.run(&command).with(0);
    }
    std::fs::write(home.path("meeting.csv"), "姓名,入会时间,退会时间\n无名,2020-05-28 09:00:00,2020-05-28 10:00:00\n").unwrap();
    let with = |more: &[&'static str]| home.run(&[&["import", "evidence", "meeting.csv", "--dry-run"], more].concat());
    let told = with(&["--intake", "HONGXING-3", "--session", "MET-01-1"]).with(3);
    assert!(told.stdout.contains("dry run of meeting.csv") && told.stdout.contains("row 2"), "{told:?}");
    let unknown = with(&["--intake", "HONGXING-3", "--session", "NONE-01"]).with(1);
    assert!(unknown.stderr.contains("has no session `NONE-01`"), "{unknown:?}");
    let unnamed = with(&["--session", "MET-01-1"]).with(1);
    assert!(unnamed.stderr.contains("needs --intake too"), "{unnamed:?}");
}
