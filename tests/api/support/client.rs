//! A client with one token, and what it is answered.

use std::{collections::HashMap, sync::Barrier, thread, time::Duration};

use serde_json::{Map, Value};
use ureq::{
    Agent,
    http::{HeaderMap, Request},
};

use super::random::soaking;

/// Sends requests below `/api/v1` with one token.
#[derive(Clone, Debug)]
pub struct Client {
    agent: Agent,
    address: String,
    /// The bearer token; none for an anonymous client.
    pub token: Option<String>,
    /// The user behind the token.
    pub user_id: Option<String>,
    headers: Vec<(String, String)>,
}

impl Client {
    pub(super) fn new(address: &str, token: Option<String>, user_id: Option<String>) -> Self {
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .allow_non_standard_methods(true)
            .max_redirects(0)
            .proxy(None)
            .timeout_global(Some(Duration::from_secs(60)))
            .build()
            .new_agent();
        Self { agent, address: address.to_owned(), token, user_id, headers: Vec::new() }
    }

    /// A client of a server that says of itself where it is.
    pub fn at(base_url: &str, token: &str) -> Self {
        Self::new(base_url.trim_start_matches("http://"), Some(token.to_owned()), None)
    }

    /// The same client, sending one header more with each request.
    pub fn with_header(&self, name: &str, value: &str) -> Self {
        let mut client = self.clone();
        client.headers.push((name.to_owned(), value.to_owned()));
        client
    }

    pub fn without_header(&self, name: &str) -> Self {
        let mut client = self.clone();
        client.headers.retain(|(known, _)| known != name);
        client
    }

    pub fn if_match(&self, etag: &str) -> Self {
        self.with_header("if-match", etag)
    }

    pub fn if_none_match(&self, etag: &str) -> Self {
        self.with_header("if-none-match", etag)
    }

    pub fn idempotency_key(&self, key: &str) -> Self {
        self.with_header("idempotency-key", key)
    }

    pub fn get(&self, path: &str) -> Reply {
        self.send("GET", path, None)
    }

    pub fn head(&self, path: &str) -> Reply {
        self.send("HEAD", path, None)
    }

    pub fn delete(&self, path: &str) -> Reply {
        self.send("DELETE", path, None)
    }

    pub fn post(&self, path: &str, body: Value) -> Reply {
        self.send_json("POST", path, &body)
    }

    pub fn put(&self, path: &str, body: Value) -> Reply {
        self.send_json("PUT", path, &body)
    }

    pub fn patch(&self, path: &str, body: Value) -> Reply {
        self.send_json("PATCH", path, &body)
    }

    /// Posts a file as the one part `file` of a form.
    pub fn post_file(&self, path: &str, file_name: &str, bytes: &[u8]) -> Reply {
        const BOUNDARY: &str = "muster-test-boundary-7b1f";
        let mut body = format!(
            "--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{file_name}\"\r\ncontent-type: application/octet-stream\r\n\r\n"
        )
        .into_bytes();
        body.extend_from_slice(bytes);
        body.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
        self.post_bytes(path, &format!("multipart/form-data; boundary={BOUNDARY}"), &body)
    }

    /// Posts bytes as they are.
    pub fn post_bytes(&self, path: &str, content_type: &str, bytes: &[u8]) -> Reply {
        self.send("POST", path, Some((content_type, bytes)))
    }

    fn send_json(&self, method: &str, path: &str, body: &Value) -> Reply {
        self.send(method, path, Some(("application/json", body.to_string().as_bytes())))
    }

    /// Sends any method, with a body of any type. A path that starts with `/api` or names a page of the server's root is taken as it
    /// is; every other lies below `/api/v1`.
    pub fn send(&self, method: &str, path: &str, body: Option<(&str, &[u8])>) -> Reply {
        let root = ["/api", "/healthz", "/readyz"].iter().any(|root| path.starts_with(root));
        let prefix = if root { "" } else { "/api/v1" };
        let mut request = Request::builder().method(method).uri(format!("http://{}{prefix}{path}", self.address));
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let response = match body {
            None => self.agent.run(request.body(()).unwrap()),
            Some((content_type, bytes)) => self.agent.run(request.header("content-type", content_type).body(bytes).unwrap()),
        };
        let mut response = response.unwrap_or_else(|error| panic!("{method} {path}: {error}"));
        let bytes = response.body_mut().with_config().limit(256 * 1024 * 1024).read_to_vec().unwrap();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Reply {
            request: format!("{method} {path}"),
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
            text,
            bytes,
        }
    }
}

/// What a request was answered.
#[derive(Clone, Debug)]
pub struct Reply {
    /// Method and path of the request, for messages.
    request: String,
    pub status: u16,
    pub headers: HeaderMap,
    /// Null if the answer is not JSON.
    pub body: Value,
    pub text: String,
    pub bytes: Vec<u8>,
}

impl Reply {
    /// The reply itself, if it has this status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{} answered {}: {}", self.request, self.status, self.text);
        self
    }

    /// The reply itself, if it is a problem document with this code.
    #[track_caller]
    pub fn problem(self, code: &str) -> Self {
        assert_eq!(self.header("content-type"), "application/problem+json", "{}: {}", self.request, self.text);
        assert_eq!(self.body["code"], code, "{}: {}", self.request, self.text);
        assert_eq!(self.body["status"], self.status, "{}: {}", self.request, self.text);
        self
    }

    /// The reply itself, if it is 422 and blames the field at `pointer` with this code.
    #[track_caller]
    pub fn fault(self, pointer: &str, code: &str) -> Self {
        let reply = self.expect(422).problem("invalid");
        let faults = reply.body["errors"].as_array().cloned().unwrap_or_default();
        let found = faults.iter().any(|fault| fault["pointer"] == pointer && fault["code"] == code);
        assert!(found, "{}: no fault {code} at `{pointer}`: {}", reply.request, reply.text);
        reply
    }

    /// The `id` of the resource in the body.
    #[track_caller]
    pub fn id(&self) -> String {
        self.text_at("/id")
    }

    /// The text at a JSON pointer of the body.
    #[track_caller]
    pub fn text_at(&self, pointer: &str) -> String {
        let text = self.body.pointer(pointer).and_then(Value::as_str).map(ToOwned::to_owned);
        text.unwrap_or_else(|| panic!("{} answered no text at {pointer}: {}", self.request, self.text))
    }

    /// The `items` of a list.
    #[track_caller]
    pub fn items(&self) -> &Vec<Value> {
        self.body["items"].as_array().unwrap_or_else(|| panic!("{} answered no list: {}", self.request, self.text))
    }

    /// One field of every item of a list, as text.
    #[track_caller]
    pub fn column(&self, field: &str) -> Vec<String> {
        self.items().iter().map(|item| item[field].as_str().map_or_else(|| item[field].to_string(), ToOwned::to_owned)).collect()
    }

    #[track_caller]
    pub fn etag(&self) -> String {
        assert!(self.headers.contains_key("etag"), "{} answered no ETag: {}", self.request, self.text);
        self.header("etag").to_owned()
    }

    /// A header of the answer; empty if it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The body, ready for a snapshot.
    pub fn redacted(&self) -> Value {
        redacted(&self.body)
    }
}

/// How often a race is run: a few times in the suite, 1,000 times under `MUSTER_SOAK=1`.
pub fn rounds() -> u32 {
    if soaking() { 1000 } else { 10 }
}

/// What several threads are answered that send at the same moment; each is told its number.
pub fn at_once(threads: usize, send: impl Fn(usize) -> Reply + Sync) -> Vec<Reply> {
    let barrier = Barrier::new(threads);
    thread::scope(|scope| {
        let (send, barrier) = (&send, &barrier);
        let work = |index| {
            scope.spawn(move || {
                barrier.wait();
                send(index)
            })
        };
        let sent: Vec<_> = (0..threads).map(work).collect();
        sent.into_iter().map(|sent| sent.join().unwrap()).collect()
    })
}

/// Holds if exactly `count` requests succeeded and the others were told 409 with this code.
#[track_caller]
pub fn assert_winners(replies: Vec<Reply>, count: usize, code: &str) {
    let (won, lost): (Vec<Reply>, Vec<Reply>) = replies.into_iter().partition(|reply| reply.status < 300);
    assert_eq!(won.len(), count, "{won:#?} {lost:#?}");
    for reply in lost {
        reply.expect(409).problem(code);
    }
}

/// A value whose every id, instant and hash is replaced. Ids are numbered in order of appearance, so that equal ones stay equal.
pub fn redacted(value: &Value) -> Value {
    fn walk(value: &Value, ids: &mut HashMap<String, usize>) -> Value {
        match value {
            Value::Object(fields) => {
                Value::Object(fields.iter().map(|(name, value)| (name.clone(), walk(value, ids))).collect::<Map<_, _>>())
            }
            Value::Array(items) => items.iter().map(|item| walk(item, ids)).collect(),
            Value::String(text) => Value::String(redacted_text(text, ids)),
            other => other.clone(),
        }
    }
    walk(value, &mut HashMap::new())
}

fn redacted_text(text: &str, ids: &mut HashMap<String, usize>) -> String {
    if uuid::Uuid::try_parse(text).is_ok() {
        let next = ids.len() + 1;
        return format!("[id {}]", ids.entry(text.to_owned()).or_insert(next));
    }
    // Only what the server stamps: an instant that a test sends has no fraction of a second.
    if text.len() > 20 && text.contains('.') && chrono::DateTime::parse_from_rfc3339(text).is_ok() {
        return "[instant]".to_owned();
    }
    if text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return "[hash]".to_owned();
    }
    text.to_owned()
}
