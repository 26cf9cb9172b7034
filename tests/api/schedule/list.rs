use serde_json::json;

use crate::support::{Client, seed, spawn_app};

fn codes(client: &Client, path: &str) -> Vec<String> {
    client.get(path).expect(200).column("code")
}

#[test]
fn sessions_are_listed_by_start_and_filtered() {
    let app = spawn_app();
    let course = seed::course(&app);
    let mut mechanics = seed::session_body(&course, "M-1", &seed::morning(2));
    mechanics["cohort_ids"] = json!([course.mechanics]);
    mechanics["module_id"] = json!(course.program.mechanics_module);
    seed::published_session(&course, "P-3", &seed::morning(3));
    seed::held_session(&course, "H-1", &seed::morning(1));
    seed::session(&course, "D-4", &seed::morning(4));
    seed::session_as(&course, mechanics);
    let path = format!("/intakes/{}/sessions", course.intake);
    let client = &course.coordinator;
    assert_eq!(codes(client, &path), ["H-1", "M-1", "P-3", "D-4"]);
    assert_eq!(codes(client, &format!("{path}?state=published")), ["P-3"]);
    assert_eq!(codes(client, &format!("{path}?code=M-1")), ["M-1"]);
    assert_eq!(codes(client, &format!("{path}?code=M-1&state=published")), Vec::<String>::new());
    assert_eq!(codes(client, &format!("{path}?cohort_id={}", course.mechanics)), ["M-1"]);
    assert_eq!(codes(client, &format!("{path}?from={}&until={}", seed::morning(2), seed::morning(4))), ["M-1", "P-3"]);
    let page = client.get(&format!("{path}?limit=2")).expect(200);
    assert_eq!(page.column("code"), ["H-1", "M-1"]);
    let cursor = page.text_at("/next");
    assert_eq!(codes(client, &format!("{path}?limit=2&cursor={cursor}")), ["P-3", "D-4"]);
    for query in ["state=gone", "from=yesterday", "cursor=x", "limit=0", "colour=red"] {
        assert_eq!(client.get(&format!("{path}?{query}")).status, 400, "{query}");
    }
}

#[test]
fn drafts_are_the_providers_own_business() {
    let app = spawn_app();
    let course = seed::course(&app);
    let member = seed::enrolled(&course, 1).remove(0);
    let draft = seed::session(&course, "D-1", &seed::morning(1));
    let published = seed::published_session(&course, "P-1", &seed::morning(2));
    let path = format!("/intakes/{}/sessions", course.intake);
    for client in [app.partner(&course.sponsor.id), app.trainee(&member.trainee), app.instructor(&course.instructor)] {
        assert_eq!(codes(&client, &path), ["P-1"]);
        client.get(&format!("/sessions/{draft}")).expect(404).problem("not_found");
        client.get(&format!("/sessions/{published}")).expect(200);
    }
    assert_eq!(codes(&app.auditor(), &path), ["D-1", "P-1"]);
    // Who teaches or learns elsewhere sees nothing of it.
    let mechanic = seed::enrolled_at(&course, &course.sponsor.id, (&course.program.mechanics, &course.mechanics), 1).remove(0);
    assert_eq!(codes(&app.trainee(&mechanic.trainee), &path), Vec::<String>::new());
    app.instructor(&seed::instructor(&app, &course.coordinator, "P-9")).get(&path).expect(404);
}
