//! Mass assignment: what is told of a thing is not set by sending it along.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Operation, for_each_operation};

/// The schema of that name, or the one within.
fn schema<'a>(document: &'a Value, named: &'a Value) -> &'a Value {
    match named["$ref"].as_str() {
        Some(reference) => document.pointer(reference.trim_start_matches('#')).unwrap(),
        None => named,
    }
}

/// The names of the fields of an object, wherever its schema takes them from.
fn fields(document: &Value, named: &Value) -> BTreeSet<String> {
    let schema = schema(document, named);
    let own = schema["properties"].as_object().into_iter().flat_map(|own| own.keys().cloned());
    let parts = ["allOf", "oneOf", "anyOf"].into_iter().filter_map(|of| schema[of].as_array()).flatten();
    own.chain(parts.flat_map(|part| fields(document, part))).collect()
}

/// What the document says of an operation by its path, in which ids stand where the document has names.
fn documented<'a>(document: &'a Value, Operation { method, path, .. }: &Operation) -> &'a Value {
    let asked: Vec<&str> = format!("/api/v1{path}").leak().split('/').collect();
    let is_same = |path: &&String| {
        let named: Vec<&str> = path.split('/').collect();
        named.len() == asked.len() && named.iter().zip(&asked).all(|(name, part)| name.starts_with('{') || name == part)
    };
    // A name that stands there goes before one that stands for any.
    let paths = document["paths"].as_object().unwrap();
    let path = paths.keys().filter(is_same).min_by_key(|path| path.matches('{').count()).unwrap();
    &paths[path][method.to_lowercase()]
}

/// The schemas that a request can hold, by name.
fn sent(document: &Value, within: &Value, known: &mut BTreeSet<String>) {
    match within {
        Value::Object(object) => {
            if let Some(reference) = object.get("$ref").and_then(Value::as_str)
                && known.insert(reference.to_owned())
            {
                sent(document, schema(document, within), known);
            }
            object.values().for_each(|value| sent(document, value, known));
        }
        Value::Array(values) => values.iter().for_each(|value| sent(document, value, known)),
        _ => {}
    }
}

#[test]
fn no_schema_that_is_sent_takes_a_field_that_it_does_not_name() {
    let document = serde_json::to_value(muster::app::document()).unwrap();
    let mut known = BTreeSet::new();
    for operation in document["paths"].as_object().unwrap().values().flat_map(|path| path.as_object().unwrap().values()) {
        sent(&document, &operation["requestBody"]["content"]["application/json"], &mut known);
    }
    let is_object = |schema: &Value| schema.get("properties").is_some() || schema["type"] == "object";
    let objects: Vec<&String> = known.iter().filter(|name| is_object(document.pointer(name.trim_start_matches('#')).unwrap())).collect();
    assert!(objects.len() > 60, "{objects:?}");
    for name in objects {
        let schema = document.pointer(name.trim_start_matches('#')).unwrap();
        assert_eq!(schema["additionalProperties"], json!(false), "{name}");
    }
}

#[test]
fn what_is_told_of_a_thing_is_not_set_by_sending_it_along() {
    let document = serde_json::to_value(muster::app::document()).unwrap();
    let tried = std::cell::Cell::new(0);
    for_each_operation(|operation, client| {
        let documented = documented(&document, operation);
        let taken = fields(&document, &documented["requestBody"]["content"]["application/json"]["schema"]);
        let responses = documented["responses"].as_object().unwrap().iter().filter(|(status, _)| status.starts_with('2'));
        let told: BTreeSet<String> =
            responses.flat_map(|(_, response)| fields(&document, &response["content"]["application/json"]["schema"])).collect();
        // And what nobody is ever told, or is told elsewhere.
        let hidden = ["id", "version", "created_at", "provider_id", "user_id", "state", "organization_id", "role", "hash", "seats_taken"];
        for field in told.into_iter().chain(hidden.map(str::to_owned)).filter(|field| !taken.contains(field)) {
            operation.send(client, &operation.with(&field, json!("x"))).fault(&format!("/{field}"), "unknown_field");
            tried.set(tried.get() + 1);
        }
    });
    assert!(tried.get() > 1000, "{}", tried.get());
}
