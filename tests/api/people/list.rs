use serde_json::json;

use crate::support::{Client, seed, spawn_app};

fn names(client: &Client, query: &str) -> Vec<String> {
    client.get(&format!("/trainees{query}")).expect(200).column("name")
}

#[test]
fn people_are_found_by_part_of_a_name_or_by_number() {
    let app = spawn_app();
    let sponsor = seed::sponsor(&app, "JISCO");
    let coordinator = app.coordinator();
    for (name, latin, number) in [("欧阳旭", "Ouyang Xu", "0001"), ("欧阳修", "Ouyang Xiu", "0002"), ("李 100%", "Li_Bai", "0003")] {
        let post = json!({ "organization_id": sponsor.plants[0], "employee_number": number });
        coordinator.post("/trainees", json!({ "name": name, "latin_name": latin, "affiliation": post })).expect(201);
    }
    assert_eq!(names(&coordinator, "?q=%E6%AC%A7%E9%98%B3"), ["欧阳旭", "欧阳修"]);
    assert_eq!(names(&coordinator, "?q=OUYANG"), ["欧阳旭", "欧阳修"]);
    assert_eq!(names(&coordinator, "?q=Xiu"), ["欧阳修"]);
    // Wildcards stand for themselves.
    assert_eq!(names(&coordinator, "?q=%25"), ["李 100%"]);
    assert_eq!(names(&coordinator, "?q=_"), ["李 100%"]);
    assert_eq!(names(&coordinator, "?employee_number=0002"), ["欧阳修"]);
    assert_eq!(names(&coordinator, "?employee_number=0002&q=Xu"), Vec::<String>::new());
    assert_eq!(names(&coordinator, "?q=").len(), 3);
    assert_eq!(names(&coordinator, "?limit=2"), ["欧阳旭", "欧阳修"]);
    coordinator.get(&format!("/trainees?q={}", "a".repeat(300))).expect(400).problem("q_malformed");
    coordinator.get("/trainees?name=x").expect(400);
    let next = coordinator.get("/trainees?limit=2&q=").expect(200).text_at("/next");
    assert_eq!(names(&coordinator, &format!("?limit=2&cursor={next}")), ["李 100%"]);
}

#[test]
fn a_coordinator_sees_whom_the_own_provider_recorded_or_enrolled() {
    let app = spawn_app();
    let sponsor = seed::sponsor(&app, "JISCO");
    let ours = app.coordinator();
    let provider = seed::organization(&app, "NEU", "东北大学", "university", None);
    let theirs = app.coordinator_of(&provider);
    seed::trainee(&ours, &sponsor.id, "0001");
    seed::trainee(&theirs, &sponsor.id, "0002");
    assert_eq!(names(&ours, ""), ["学员 0001"]);
    assert_eq!(names(&theirs, ""), ["学员 0002"]);
    assert_eq!(names(&app.administrator(), ""), ["学员 0001", "学员 0002"]);
    assert_eq!(names(&theirs, "?employee_number=0001"), Vec::<String>::new());
}
