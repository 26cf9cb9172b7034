//! What a test finds when it begins. Each function makes one thing through the API, as the role that would make it.
//!
//! To add a thing: a struct with the ids that tests name, and a function `thing(&app, …) -> Thing` that posts and expects 201.

use serde_json::json;

use super::App;

pub use super::course::*;

/// A university that teaches, with two campuses.
#[derive(Clone, Debug)]
pub struct Provider {
    pub id: String,
    pub units: Vec<String>,
}

/// An enterprise that sends trainees, with two plants.
#[derive(Clone, Debug)]
pub struct Sponsor {
    pub id: String,
    pub plants: Vec<String>,
}

/// The provider of the reference course. Once for each app, which keeps it as [`App::provider`].
pub fn provider(app: &App) -> Provider {
    let id = organization(app, "USTB", "北京科技大学", "university", None);
    let units = ["METALLURGY", "MATERIALS"].map(|unit| organization(app, &format!("USTB-{unit}"), unit, "unit", Some(&id)));
    Provider { id, units: units.to_vec() }
}

/// An enterprise whose code and whose plants' codes begin with `code`.
pub fn sponsor(app: &App, code: &str) -> Sponsor {
    let id = organization(app, code, &format!("{code} 集团"), "enterprise", None);
    let plants = ["IRON", "STEEL"].map(|plant| organization(app, &format!("{code}-{plant}"), plant, "unit", Some(&id)));
    Sponsor { id, plants: plants.to_vec() }
}

/// One organization, or with a parent one unit; its id.
pub fn organization(app: &App, code: &str, name: &str, kind: &str, parent: Option<&str>) -> String {
    let body = json!({ "code": code, "name": name, "kind": kind, "parent_id": parent });
    app.administrator().post("/organizations", body).expect(201).id()
}

/// A person of the provider without any affiliation, written past the API; enough to hold a role.
pub fn bare_person(app: &App) -> String {
    let id = app.absent_id();
    let (key, provider, now) = (app.hex(&id), app.hex(&app.provider().id), app.instant("2020-05-01T00:00:00Z"));
    let (yes, no) = (app.truth(true), app.truth(false));
    app.sql(&format!(
        "INSERT INTO people (id, provider_id, name, trainee, instructor, version, created_at) VALUES ({key}, {provider}, '无名', {yes}, {no}, 1, {now})"
    ))
    .unwrap();
    id
}
