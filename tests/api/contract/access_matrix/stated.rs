//! What the API document states of queries and of conditional requests is what the server does, operation by operation.

use serde_json::Value;

use super::{Stage, Table, Whose, requests};
use crate::support::{Client, Reply};

/// A request to somebody's own object, by somebody whom it is granted.
struct Granted {
    row: &'static str,
    method: String,
    path: String,
    client: Client,
    /// JSON, or the text of a file.
    body: Option<Value>,
    /// What the document states of its answers.
    responses: Value,
}

impl Granted {
    /// Sends it as `client`, with this behind its path.
    fn send(&self, client: &Client, query: &str) -> Reply {
        let path = format!("{}{query}", self.path);
        match &self.body {
            None => client.send(&self.method, &path, None),
            Some(Value::String(file)) => client.post_file(&path, "CANARY-A.csv", file.as_bytes()),
            Some(body) => client.send(&self.method, &path, Some(("application/json", body.to_string().as_bytes()))),
        }
    }

    fn states(&self, status: &str) -> bool {
        self.responses.get(status).is_some()
    }
}

/// Every request, made when its turn comes: what it is sent to stands no longer after another one.
fn granted<'a>(stage: &'a Stage) -> impl Iterator<Item = Granted> + 'a {
    let table = Table::read();
    let document = serde_json::to_value(muster::app::document()).unwrap();
    requests().into_iter().map(move |(call, operation)| {
        let may = |role: &&str| (200..300).contains(&table.statuses(call.row, role)[0]);
        let role = ["coordinator", "administrator"].into_iter().find(may).unwrap_or_else(|| panic!("nobody may {}", call.row));
        let target = call.targets(stage, role, Whose::Own, true).remove(0);
        Granted {
            row: call.row,
            path: call.path(&operation, &target),
            client: stage.clients[role].clone(),
            body: call.body.map(|body| body(stage, &target)),
            responses: document["paths"][&operation.path][operation.method.to_lowercase()]["responses"].clone(),
            method: operation.method,
        }
    })
}

#[test]
fn a_read_that_gives_a_tag_answers_304_to_it() {
    let stage = Stage::set();
    let mut wrong = Vec::new();
    for read in granted(&stage).filter(|request| request.method == "GET") {
        let tag = read.send(&read.client, "").expect(200).header("etag").to_owned();
        let spared = !tag.is_empty() && read.send(&read.client.if_none_match(&tag), "").status == 304;
        if (spared, spared) != (!tag.is_empty(), read.states("304")) {
            wrong.push(format!("{}: tag `{tag}`, 304 {spared}, the document states it: {}", read.row, read.states("304")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_change_is_held_against_if_match_where_the_document_states_412() {
    let stage = Stage::set();
    let mut wrong = Vec::new();
    for change in granted(&stage).filter(|request| request.method != "GET") {
        let reply = change.send(&change.client.if_match("\"v999\""), "");
        if (reply.status == 412) != change.states("412") || change.states("412") != change.states("428") {
            wrong.push(format!("{}: {} {}", change.row, reply.status, reply.text));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_parameter_that_the_document_does_not_state_is_refused() {
    let stage = Stage::set();
    for request in granted(&stage) {
        let query = if request.path.contains('?') { "&colour=red" } else { "?colour=red" };
        stage.app.unchanged(|| {
            let reply = request.send(&request.client.if_match("*"), query).expect(400).problem("query_malformed");
            assert!(reply.text_at("/detail").starts_with("colour: "), "{}", reply.text);
        });
    }
}
