//! The API document: complete, true of what is served, and equal to the committed `openapi.json`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use serde_json::{Value, json};

use super::source::{self, leading_name};
use crate::support::{spawn_app, variable};

const METHODS: &[&str] = &["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/// The document as the server makes it.
fn document() -> Value {
    serde_json::to_value(muster::app::document()).unwrap()
}

/// An operation of a document: path, method in lower case, and what is said of it.
fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in METHODS.iter().filter(|method| item.get(**method).is_some()) {
            operations.push((path.clone(), (*method).to_owned(), item[*method].clone()));
        }
    }
    operations
}

/// The document's paths with their methods in upper case.
fn documented() -> BTreeMap<String, BTreeSet<String>> {
    let mut paths: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (path, method, _) in operations(&document()) {
        paths.entry(path).or_default().insert(method.to_uppercase());
    }
    paths
}

#[test]
fn the_served_document_is_the_committed_one() {
    let app = spawn_app();
    let served = app.anonymous().get("/api/openapi.json").expect(200).body;
    assert_eq!(served, document());
    let path = source::root().join("openapi.json");
    if variable("UPDATE_OPENAPI").is_some() {
        fs::write(&path, format!("{served:#}\n")).unwrap();
    }
    let committed: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap_or_default()).unwrap_or_default();
    assert!(committed == served, "openapi.json is old; renew it with `cargo run -- openapi > openapi.json` and look at the difference");
}

#[test]
fn every_operation_is_described() {
    let mut missing = Vec::new();
    let mut ids: BTreeMap<String, usize> = BTreeMap::new();
    for (path, method, operation) in operations(&document()) {
        let mut need = |there: bool, what: &str| {
            if !there {
                missing.push(format!("{method} {path}: {what}"));
            }
        };
        let text = |value: &Value| value.as_str().is_some_and(|text| !text.trim().is_empty());
        need(text(&operation["operationId"]), "operationId");
        need(text(&operation["summary"]), "summary");
        need(operation["tags"].as_array().is_some_and(|tags| !tags.is_empty() && tags.iter().all(text)), "tags");
        for (status, response) in operation["responses"].as_object().unwrap() {
            need(text(&response["description"]), &format!("description of {status}"));
        }
        need(
            operation["responses"].as_object().is_some_and(|responses| responses.keys().any(|status| status.starts_with('2'))),
            "a success",
        );
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            need(text(&parameter["description"]), &format!("description of the parameter {}", parameter["name"]));
        }
        for (media_type, content) in operation["requestBody"]["content"].as_object().into_iter().flatten() {
            let example = content.get("example").is_some() || content.get("examples").is_some();
            // A file has no example that JSON could show.
            need(example || media_type.starts_with("multipart/"), &format!("an example of the {media_type} body"));
        }
        *ids.entry(operation["operationId"].to_string()).or_default() += 1;
    }
    assert!(missing.is_empty(), "the document lacks:\n  {}", missing.join("\n  "));
    let twice: Vec<_> = ids.iter().filter(|(_, uses)| **uses > 1).collect();
    assert!(twice.is_empty(), "operation ids used twice: {twice:?}");
}

#[test]
fn what_is_refused_without_if_match_says_that_it_needs_it() {
    let mut wrong = Vec::new();
    for (path, method, operation) in operations(&document()) {
        if operation["responses"].get("428").is_none() {
            continue;
        }
        let needed = operation["parameters"].as_array().unwrap().iter().find(|one| one["name"] == "If-Match");
        let is_told = |one: &Value| one["required"] == true || one["description"].as_str().unwrap().contains("not needed for the first");
        if !needed.is_some_and(is_told) {
            wrong.push(format!("{method} {path}"));
        }
    }
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn no_post_passes_over_an_if_match_that_it_does_not_compare() {
    let app = spawn_app();
    let (admin, absent) = (app.administrator(), app.absent_id());
    for (path, ..) in operations(&document()).iter().filter(|(_, method, _)| method == "post") {
        let path: Vec<&str> = path.split('/').map(|part| if part.starts_with('{') { &absent } else { part }).collect();
        let path = path.join("/");
        app.unchanged(|| admin.if_match("\"v1\"").post(&path, json!({})).expect(400).problem("if_match_unsupported"));
    }
    // What exists is there in some state.
    admin.if_match("*").post("/organizations", json!({ "code": "X", "name": "X", "kind": "college" })).expect(201);
}

#[test]
fn every_reference_of_the_document_leads_somewhere() {
    fn references<'a>(value: &'a Value, found: &mut BTreeSet<&'a str>) {
        match value {
            Value::Object(fields) => {
                found.extend(fields.get("$ref").and_then(Value::as_str));
                fields.values().for_each(|value| references(value, found));
            }
            Value::Array(items) => items.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }
    let document = document();
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    let lost: Vec<_> = found.iter().filter(|reference| document.pointer(reference.trim_start_matches('#')).is_none()).collect();
    assert!(lost.is_empty(), "{lost:?}");
}

#[test]
fn an_example_is_what_the_operation_accepts() {
    // Every object that a request names has to know its fields: unknown ones are refused, so an example with one would fail.
    let document = document();
    let mut wrong = Vec::new();
    for (path, method, operation) in operations(&document) {
        let content = &operation["requestBody"]["content"]["application/json"];
        let Some(reference) = content["schema"]["$ref"].as_str() else { continue };
        let schema = document.pointer(reference.trim_start_matches('#')).unwrap();
        let (Some(properties), Some(example)) = (schema["properties"].as_object(), content["example"].as_object()) else { continue };
        let unknown = example.keys().filter(|field| !properties.contains_key(*field));
        wrong.extend(unknown.map(|field| format!("{method} {path}: `{field}` is unknown")));
        let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let absent = required.filter(|field| !example.contains_key(*field));
        wrong.extend(absent.map(|field| format!("{method} {path}: `{field}` is missing")));
    }
    assert!(wrong.is_empty(), "examples that would be refused:\n  {}", wrong.join("\n  "));
}

/// Every `at("…").get(..).post(..)` below `/api/v1` in the source, as path and methods.
fn routed() -> BTreeMap<String, BTreeSet<String>> {
    let mut routes: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for file in source::crate_files().iter().filter(|file| file.room().is_some_and(|room| !["http", "web"].contains(&room))) {
        let code = file.code();
        for (at, _) in code.match_indices("at(\"/") {
            let (path, mut rest) = code[at + 4..].split_once("\")").unwrap();
            let methods = routes.entry(format!("/api/v1{path}")).or_default();
            while let Some(call) = rest.trim_start().strip_prefix('.') {
                let name = leading_name(call);
                if !METHODS.contains(&name) {
                    break;
                }
                assert!(methods.insert(name.to_uppercase()), "{path} has two handlers for {name}");
                rest = call.split_once(')').unwrap().1;
            }
        }
    }
    routes
}

#[test]
fn every_route_is_in_the_document_and_the_other_way_round() {
    assert_eq!(routed(), documented());
}

#[test]
fn every_documented_path_is_served_with_its_methods_and_no_others() {
    let app = spawn_app();
    let client = app.administrator();
    for (path, methods) in documented() {
        let mut parts: Vec<&str> = path.split('/').collect();
        let absent = app.absent_id();
        for part in parts.iter_mut().filter(|part| part.starts_with('{')) {
            *part = &absent;
        }
        let reply = client.send("PROPFIND", &parts.join("/"), None).expect(405).problem("method_not_allowed");
        let mut allowed: BTreeSet<String> = reply.header("allow").split(", ").map(ToOwned::to_owned).collect();
        assert_eq!(allowed.remove("HEAD"), methods.contains("GET"), "{path}: HEAD goes with GET");
        assert_eq!(allowed, methods, "{path}");
    }
}

#[test]
fn the_pages_of_the_document_need_no_other_host() {
    let app = spawn_app();
    let page = app.anonymous().get("/api/docs/").expect(200);
    assert!(page.header("content-type").starts_with("text/html"));
    let sources: Vec<&str> = ["src=\"", "href=\""].iter().flat_map(|start| page.text.split(start).skip(1)).collect();
    assert!(sources.iter().all(|source| !source.starts_with("http") && !source.starts_with("//")), "{}", page.text);
    app.anonymous().get("/api/docs/rapidoc-min.js").expect(200);
}
