use super::*;
use crate::{
    intakes::{IntakeState, NewIntake},
    programs::ModuleKind,
    rooms::RoomKind,
    tabular,
};

fn at(text: &str) -> Instant {
    chrono::DateTime::parse_from_rfc3339(text).unwrap().to_utc().into()
}

fn frame() -> Frame {
    let version = Id::generate();
    let module = |code: &str, name: &str| Module {
        id: Id::generate(),
        program_version_id: version,
        discipline_id: None,
        position: 1,
        code: code.parse().unwrap(),
        name: name.parse().unwrap(),
        latin_name: None,
        kind: ModuleKind::Theory,
        planned_minutes: 900,
    };
    let cohort = |code: &str, name: &str| CohortRow {
        id: Id::generate(),
        discipline_id: Id::generate(),
        code: code.parse().unwrap(),
        name: name.parse().unwrap(),
        adviser_id: None,
    };
    let room = |code: &str| Room {
        id: Id::generate(),
        provider_id: Id::generate(),
        code: code.parse().unwrap(),
        name: code.parse().unwrap(),
        kind: RoomKind::OnSite,
        link: None,
        capacity: None,
        version: 1,
        created_at: at("2020-05-01T00:00:00Z"),
    };
    let new = serde_json::json!({ "program_version_id": version, "code": "I", "name": "I", "time_zone": "Europe/Berlin", "opens_on": "2020-05-27",
        "closes_on": "2020-10-30", "mode": "live_online" });
    let new: NewIntake = serde_json::from_value(new).unwrap();
    let intake = Intake { state: IntakeState::Enrolling, ..new.planned(Id::generate(), at("2020-05-01T00:00:00Z")) };
    Frame {
        intake,
        modules: vec![module("COM-01", "安全生产"), module("COM-02", "安全 生产")],
        rooms: ["A-301", "A-302"].map(room).to_vec(),
        cohorts: vec![cohort("MET-1", "冶金班"), cohort("MEC-1", "机械班"), cohort("X", "一、二班")],
    }
}

fn rows(text: &str, frame: &Frame) -> Entries<Row> {
    let header = "课次,课程,班级,授课教师,日期,开始,结束,休息,方式,地点,时长,room";
    let table = tabular::read(format!("{header}\n{text}").as_bytes(), &tabular::Limits::default()).unwrap();
    read(&table, frame).unwrap().0
}

fn one(text: &str, frame: &Frame) -> Row {
    rows(text, frame).remove(0).unwrap_or_else(|(_, _, reasons)| panic!("{reasons:?}")).value
}

fn codes(text: &str, frame: &Frame) -> Vec<String> {
    rows(text, frame).remove(0).err().map(|(_, _, reasons)| reasons.into_iter().map(|reason| reason.code).collect()).unwrap_or_default()
}

const ROW: &str = "A,COM-01,MET-1,P1,2020-06-01,8:00,9:40,10,面授,101";

/// The session of `row` as it is stored after it was imported.
fn stored(frame: &Frame, row: &Row, facts: &Facts, state: SessionState) -> Stored {
    let new = new_session(row.clone(), facts);
    Stored {
        cohorts: new.cohort_ids.clone(),
        instructors: new.instructor_ids.clone(),
        row: SessionRow {
            id: Id::generate(),
            intake_id: frame.intake.id,
            series_id: None,
            program_version_id: frame.intake.program_version_id,
            module_id: new.module_id,
            code: new.code,
            state,
            mode: new.mode.unwrap_or(frame.intake.mode),
            starts_at: row.starts_at,
            ends_at: row.ends_at,
            break_minutes: new.break_minutes,
            minutes: 90,
            length_minutes: new.length_minutes,
            room_id: new.room_id,
            place: new.place,
            held_starts_at: None,
            held_ends_at: None,
            held_break_minutes: None,
            held_minutes: None,
            difference_reason: None,
            cancel_reason: None,
            replaced_by_id: None,
            sequence: 0,
            version: 1,
            created_at: at("2020-05-01T00:00:00Z"),
            changed_at: at("2020-05-01T00:00:00Z"),
        },
    }
}

/// What becomes of `text`, a reason given, beside the session of [`ROW`] in that state; the fields that change or the code of the fault.
fn beside(text: &str, state: SessionState, publish: bool) -> (Verdict, Vec<String>) {
    taken(text, state, &Options { publish, reason: Some("as agreed".parse().unwrap()), ..Options::default() })
}

fn taken(text: &str, state: SessionState, options: &Options) -> (Verdict, Vec<String>) {
    let frame = frame();
    let mut facts = Facts::default();
    facts.instructors.extend(["P1", "P2"].map(|number| (number.parse().unwrap(), Id::generate())));
    let first = stored(&frame, &one(ROW, &frame), &facts, state);
    facts.sessions.insert(first.row.code.clone(), first);
    let report = plan(rows(text, &frame), &frame, &facts, options).remove(0).report;
    let told = report.what.into_iter().map(|change| change.field).chain(report.reasons.into_iter().map(|reason| reason.code));
    (report.verdict, told.collect())
}

#[test]
fn cells_are_read_in_local_time() {
    let frame = frame();
    let row = one("A,COM-01,MET-1；机械班,P1、P2 P1,2020-06-01,8:00,9：40,10分钟,线上直播,", &frame);
    assert_eq!((row.starts_at, row.ends_at), (at("2020-06-01T06:00:00Z"), at("2020-06-01T07:40:00Z")));
    assert_eq!((row.break_minutes, row.mode), (Some(10), Some(SessionMode::LiveOnline)));
    assert_eq!(row.cohorts.len(), 2);
    assert_eq!(row.instructors.iter().map(Code::as_str).collect::<Vec<_>>(), ["P1", "P2"]);
    // In full where a time of day does not say it: the second half past two, and the morning after.
    let row = one("A,COM-01,MET-1,,2020-10-25,2020-10-25T02:30:00+01:00,2020-10-26 01:00,,,", &frame);
    assert_eq!((row.starts_at, row.ends_at), (at("2020-10-25T01:30:00Z"), at("2020-10-26T00:00:00Z")));
    // A name may hold what separates names.
    assert_eq!(one("A,COM-01,一、二班,,2020-06-01,8:00,9:00,,,", &frame).cohorts, [frame.cohorts[2].id]);
}

#[test]
fn what_cannot_be_meant_is_not_guessed() {
    let frame = frame();
    assert_eq!(codes("A,安全生产,MET-1,,2020-06-01,8:00,9:00,,,", &frame), ["module_ambiguous"]);
    assert_eq!(codes("A,COM-01,MET-1;MET-9,,2020-06-01,8:00,9:00,,,", &frame), ["unknown_cohort"]);
    assert_eq!(codes("A,COM-01,MET-1,,2020-06-01,2020-06-02T08:00,9:00,,,", &frame), ["date_differs"]);
    // The clocks go back over half past two, and forward over it.
    assert_eq!(codes("A,COM-01,MET-1,,2020-10-25,2:30,4:00,,,", &frame), ["local_time_ambiguous"]);
    assert_eq!(codes("A,COM-01,MET-1,,2020-03-29,2:30,4:00,,,", &frame), ["local_time_missing"]);
}

#[test]
fn a_room_is_named_by_its_code_and_left_by_what_comes_to_be_recorded() {
    let (frame, facts) = (frame(), Facts::default());
    let row = one("A,COM-01,MET-1,,2020-06-01,8:00,9:00,,,,,A-301", &frame);
    assert_eq!(row.room, Some(frame.rooms[0].id));
    let stored = stored(&frame, &row, &facts, SessionState::Published);
    let patch = |text: &str| differences(&one(text, &frame), &stored, &frame, &facts).0.room_id;
    assert_eq!(patch("A,COM-01,MET-1,,2020-06-01,8:00,9:00,,,,,"), None);
    assert_eq!(patch("A,COM-01,MET-1,,2020-06-01,8:00,9:00,,,,,A-302"), Some(Some(frame.rooms[1].id)));
    assert_eq!(patch("A,COM-01,MET-1,,2020-06-01,8:00,9:00,,录播,,45,"), Some(None));
    assert_eq!(codes("A,COM-01,MET-1,,2020-06-01,8:00,9:00,,,,,A-303", &frame), ["unknown_room"]);
}

#[test]
fn what_is_no_longer_recorded_loses_its_length() {
    let (frame, facts) = (frame(), Facts::default());
    let row = one("A,COM-01,MET-1,,2020-06-01,8:00,2020-06-30 18:00,,录播,,45", &frame);
    assert_eq!((row.length_minutes, row.ends_at), (Some(45), at("2020-06-30T16:00:00Z")));
    let stored = stored(&frame, &row, &facts, SessionState::Draft);
    let patch = |text: &str| differences(&one(text, &frame), &stored, &frame, &facts).0.length_minutes;
    assert_eq!(patch("A,COM-01,MET-1,,2020-06-01,8:00,2020-06-30 18:00,,,,"), None);
    assert_eq!(patch("A,COM-01,MET-1,,2020-06-01,8:00,2020-06-30 18:00,,,,60"), Some(Some(60)));
    assert_eq!(patch("A,COM-01,MET-1,,2020-06-01,8:00,9:40,,面授,,"), Some(None));
}

#[test]
fn a_session_that_is_there_is_compared() {
    use SessionState as S;
    let told = |fields: &[&str]| fields.iter().map(|&field| field.to_owned()).collect::<Vec<_>>();
    let emptied = "A,COM-01,MET-1,,2020-06-01,8:00,9:40,,,";
    for state in [S::Draft, S::Published, S::Held, S::Cancelled] {
        // Whoever sends it is told that it does not take place.
        let warned = if state == S::Cancelled { told(&["session_cancelled"]) } else { vec![] };
        assert_eq!(beside(ROW, state, false), (Verdict::Unchanged, warned.clone()), "{state}");
        assert_eq!(beside(emptied, state, false), (Verdict::Unchanged, warned), "{state}");
    }
    let moved = "A,COM-01,MEC-1;MET-1,P2,2020-06-02,8:00,9:40,0,录播,102";
    let fields = told(&["start", "end", "break", "mode", "place", "cohorts", "instructors"]);
    assert_eq!(beside(moved, S::Draft, false), (Verdict::Update, fields.clone()));
    assert_eq!(beside(moved, S::Published, false), (Verdict::Update, fields));
    let unexplained = |state| taken(moved, state, &Options::default());
    assert_eq!(unexplained(S::Published), (Verdict::Invalid, told(&["reason_missing"])));
    assert_eq!((unexplained(S::Draft).0, unexplained(S::Held).1), (Verdict::Update, told(&["session_held"])));
    assert_eq!(taken(ROW, S::Published, &Options::default()), (Verdict::Unchanged, vec![]));
    assert_eq!(beside(moved, S::Held, false), (Verdict::Invalid, told(&["session_held"])));
    assert_eq!(beside(moved, S::Cancelled, false), (Verdict::Invalid, told(&["session_cancelled"])));
    let another = "A,COM-02,MET-1,P1,2020-06-01,8:00,9:40,10,面授,101";
    assert_eq!(beside(another, S::Draft, false), (Verdict::Update, told(&["module"])));
    assert_eq!(beside(another, S::Published, false), (Verdict::Invalid, told(&["session_published"])));
    assert_eq!(beside(ROW, S::Draft, true), (Verdict::Update, told(&["state"])));
    assert_eq!(beside(ROW, S::Published, true), (Verdict::Unchanged, vec![]));
    let recorded = "A,COM-01,MET-1,P1,2020-06-01,8:00,2020-06-30 18:00,0,录播,101,45分钟";
    assert_eq!(beside(recorded, S::Published, false), (Verdict::Update, told(&["end", "break", "mode", "length"])));
    assert_eq!(beside("B,COM-01,MET-1,P3,2020-06-01,8:00,9:40,,,", S::Draft, true), (Verdict::Invalid, told(&["unknown_instructor"])));
}
