use super::*;
use crate::{
    id::Id,
    imports::model::{Counts, Known},
    intakes::{IntakeState, NewIntake},
    organizations::{Organization, OrganizationKind},
    people::{Match, Person},
    tabular,
};

fn at() -> Instant {
    Instant::from_unix_micros(0).unwrap()
}

fn organization(code: &str, name: &str, root: Option<&Organization>) -> Organization {
    let id = Id::generate();
    Organization {
        id,
        code: code.parse().unwrap(),
        name: name.parse().unwrap(),
        latin_name: None,
        kind: if root.is_some() { OrganizationKind::Unit } else { OrganizationKind::Enterprise },
        parent_id: root.map(|root| root.id),
        root_id: root.map_or(id, |root| root.id),
        version: 1,
        created_at: at(),
    }
}

fn frame() -> Frame {
    let (jisco, hbis) = (organization("JISCO", "酒钢", None), organization("HBIS", "河钢", None));
    let version = Id::generate();
    let discipline = |code: &str, name: &str| Discipline {
        id: Id::generate(),
        program_version_id: version,
        position: 1,
        code: code.parse().unwrap(),
        name: name.parse().unwrap(),
        latin_name: None,
    };
    let disciplines = vec![discipline("MET", "冶金工程"), discipline("MEC", "机械工程")];
    let cohort = |code: &str, of: &Discipline| CohortRow {
        id: Id::generate(),
        discipline_id: of.id,
        code: code.parse().unwrap(),
        name: format!("{code} 班").parse().unwrap(),
        adviser_id: None,
    };
    let new = serde_json::json!({ "program_version_id": version, "code": "I", "name": "I", "time_zone": "Asia/Shanghai", "opens_on": "2020-05-27",
        "closes_on": "2020-10-30", "mode": "live_online" });
    let new: NewIntake = serde_json::from_value(new).unwrap();
    let intake = Intake { state: IntakeState::Enrolling, ..new.planned(Id::generate(), at()) };
    let units = vec![organization("JISCO-IRON", "炼铁厂", Some(&jisco)), organization("HBIS-IRON", "炼铁厂", Some(&hbis))];
    Frame {
        cohorts: vec![cohort("MET-1", &disciplines[0]), cohort("MEC-1", &disciplines[1]), cohort("MEC-2", &disciplines[1])],
        directory: Directory::of([vec![jisco, hbis], units].concat()),
        disciplines,
        intake,
    }
}

fn table(rows: &str) -> Table {
    tabular::read(format!("姓名,工号,单位,专业,班级\n{rows}").as_bytes(), &tabular::Limits::default()).unwrap()
}

fn plans(rows: &str, frame: &Frame, facts: &Facts) -> Vec<RowPlan<Change>> {
    plan(read(&table(rows), frame).unwrap().0, frame, facts)
}

fn verdicts(plans: &[RowPlan<Change>]) -> Vec<Verdict> {
    plans.iter().map(|plan| plan.report.verdict).collect()
}

/// Whoever `number` of JISCO is.
fn known(frame: &Frame, number: &str, name: &str, editable: bool) -> Facts {
    let jisco = frame.directory.by_code("JISCO").unwrap().id;
    let number: Code = number.parse().unwrap();
    let person = Person {
        id: Id::generate(),
        provider_id: frame.intake.provider_id,
        name: name.parse().unwrap(),
        latin_name: None,
        phone: None,
        email: None,
        trainee: true,
        instructor: false,
        version: 1,
        created_at: at(),
        restricted_at: None,
    };
    let found = Match {
        organization_id: jisco,
        employee_number: number.clone(),
        affiliation_id: Id::generate(),
        unit_id: jisco,
        title: None,
        person,
    };
    Facts { registered: HashMap::from([((jisco, number), Known { found, editable })]), ..Facts::default() }
}

#[test]
fn a_new_person_gets_the_only_cohort_of_the_discipline() {
    let frame = frame();
    let plans = plans("张伟,0001,JISCO-IRON,MET,\n李娜,0002,酒钢,机械工程,\n王五,0003,酒钢,MEC,MEC-2 班", &frame, &Facts::default());
    assert_eq!(verdicts(&plans), [Verdict::Create, Verdict::Invalid, Verdict::Create]);
    assert_eq!(plans[1].report.reasons[0].code, "cohort_missing", "of two, one must be named");
    let cohorts: Vec<_> = plans.into_iter().filter_map(|plan| plan.change).map(|change| change.enrollment.unwrap().cohort).collect();
    assert_eq!(cohorts, [Some(frame.cohorts[0].id), Some(frame.cohorts[2].id)]);
}

#[test]
fn a_name_that_two_units_have_is_not_guessed() {
    let frame = frame();
    let plans = plans("张伟,0001,炼铁厂,MET,", &frame, &Facts::default());
    assert_eq!((plans[0].report.row, plans[0].report.reasons[0].code.as_str()), (2, "organization_ambiguous"));
    assert_eq!(plans[0].report.key.as_deref(), Some("0001"));
}

#[test]
fn the_same_number_twice_is_told_with_the_first_row() {
    let frame = frame();
    let plans = plans("张伟,0001,JISCO,MET,\n\n张伟,0001,JISCO-IRON,MET,\n张伟,0001,HBIS,MET,", &frame, &Facts::default());
    assert_eq!(verdicts(&plans), [Verdict::Create, Verdict::DuplicateInFile, Verdict::Create]);
    assert_eq!(plans[1].report.row, 4);
    assert!(plans[1].report.reasons[0].detail.contains("row 2"));
}

#[test]
fn who_is_known_is_kept_corrected_or_doubted() {
    let frame = frame();
    let row = "张伟,0001,JISCO,MET,";
    let facts = known(&frame, "0001", "张伟", true);
    let plan = plans(row, &frame, &facts).remove(0);
    assert!(plan.report.verdict == Verdict::Create && plan.report.what.is_empty());
    assert!(matches!(plan.change.unwrap().person, Whom::Known(_)));
    let corrected = plans(row, &frame, &known(&frame, "0001", "张玮", true)).remove(0);
    assert_eq!(corrected.report.what, [super::super::RowChange::new("name", Some("张玮"), Some("张伟"))]);
    for (name, editable) in [("王芳", true), ("张伟", false)] {
        let doubted = plans(row, &frame, &known(&frame, "0001", name, editable)).remove(0);
        assert_eq!(doubted.report.verdict, Verdict::NeedsReview);
        assert!(doubted.change.is_none());
        assert_eq!(doubted.report.reasons[0].detail.contains(name), editable, "{:?}", doubted.report);
    }
}

#[test]
fn seats_are_given_to_the_first_rows() {
    let frame = frame();
    let jisco = frame.directory.by_code("JISCO").unwrap().id;
    let seats = Seats { capacity: Some(3), quotas: HashMap::from([(jisco, 1)]) };
    let facts = Facts { seats, ..Facts::default() };
    let rows: String = (0..3).map(|n| format!("甲,J{n},JISCO,MET,\n乙,H{n},HBIS,MET,\n")).collect();
    let reports: Vec<_> = plans(&rows, &frame, &facts).into_iter().map(|plan| plan.report).collect();
    let codes: Vec<&str> = reports.iter().map(|report| report.reasons.first().map_or("", |reason| reason.code.as_str())).collect();
    assert_eq!(codes, ["", "", "quota_full", "", "capacity_full", "capacity_full"]);
    assert_eq!(Counts::of(&reports, 0).told(), "3 create, 3 invalid");
}

#[test]
fn missing_columns_are_told_with_the_headers_that_would_do() {
    let table = tabular::read("姓名\n张伟".as_bytes(), &tabular::Limits::default()).unwrap();
    let Err(Error::Rejected { code, faults, .. }) = read(&table, &frame()) else { panic!("taken") };
    assert_eq!((code, faults.len()), ("columns_missing", 3));
    assert!(faults.iter().all(|fault| fault.pointer.starts_with("/columns/")));
    assert!(faults[0].detail.contains("工号"));
}

#[test]
fn two_numbers_of_one_person_are_one_row_too_many() {
    let frame = frame();
    let mut facts = known(&frame, "0001", "张伟", true);
    let (hbis, number) = (frame.directory.by_code("HBIS").unwrap().id, "9001".parse().unwrap());
    let other = facts.registered.values().next().unwrap().clone();
    facts.registered.insert((hbis, number), other);
    let plans = plans("张伟,0001,JISCO,MET,\n张伟,9001,HBIS,MET,", &frame, &facts);
    assert_eq!(verdicts(&plans), [Verdict::Create, Verdict::DuplicateInFile]);
    assert!(plans[1].report.reasons[0].detail.contains("row 2"));
}
