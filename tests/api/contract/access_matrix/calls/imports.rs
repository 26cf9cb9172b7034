//! The requests about files.

use serde_json::json;

use super::{super::stage::Stage, Call, Thing, list, read, step, upload};

pub(super) fn imports() -> Vec<Call> {
    vec![
        upload("import_organizations_file", Thing::Nothing, |stage, _| {
            json!(format!("code,name,kind\n{},CANARY-A imported,association", stage.code()))
        }),
        Call {
            query: "?organization_id={id}",
            ..upload("import_instructors_file", Thing::Provider, |stage, _| {
                json!(format!("name,employee_number\nCANARY-A imported,{}", stage.code()))
            })
        },
        upload("import_roster_file", Thing::Intake, |stage, _| json!(stage.roster())),
        upload("import_schedule_file", Thing::Intake, |stage, _| {
            let session = stage.new_session();
            let (date, start) = session["starts_at"].as_str().unwrap().split_at(10);
            let (start, end) = (start.get(1..6).unwrap(), session["ends_at"].as_str().unwrap().get(11..16).unwrap());
            let row = format!("{},CANARY-A-M1,CANARY-A-c1,{date},{start},{end}", session["code"].as_str().unwrap());
            json!(format!("code,module,cohorts,date,start,end\n{row}"))
        }),
        upload("import_holidays_file", Thing::Calendar, |stage, _| json!(format!("date,kind,name\n2021-01-01,holiday,{}", stage.code()))),
        upload("import_shifts_file", Thing::Rota, |stage, _| {
            json!(format!("crew,date,start,end\n{},2021-01-01,08:00,16:00", stage.code()))
        }),
        upload("import_evidence_file", Thing::Session, |_, _| {
            json!("employee_number,joined_at,left_at\nCANARY-A1-t1,2020-06-01 08:00:00,2020-06-01 09:00:00")
        })
        .fresh(Stage::session),
        list("list_imports", Thing::Nothing, "/items", "id"),
        read("read_import", Thing::Import),
        step("undo_import", Thing::Import, Stage::import),
        // Headers to fill in, the same for everybody.
        Call { query: "?format=csv", ..read("read_import_template", Thing::Nothing) },
    ]
}
