//! A folder with a database in it, the commands run there, and a server.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

/// Where the binary runs; it sees no settings but those of the test.
pub(super) struct Home {
    folder: TempDir,
    environment: Vec<(String, String)>,
}

/// How a command ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) code: Option<i32>,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

impl Ended {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Asserts the exit code.
    pub(super) fn with(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:?}");
        self
    }
}

impl Home {
    pub(super) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), environment: Vec::new() }
    }

    pub(super) fn migrated() -> Self {
        let home = Self::new();
        home.run(&["migrate"]).with(0);
        home
    }

    pub(super) fn set(&mut self, name: &str, value: &str) {
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(super) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_muster"));
        command.args(args).current_dir(self.folder.path()).env_clear().envs(self.environment.iter().cloned());
        command
    }

    pub(super) fn run(&self, args: &[&str]) -> Ended {
        let output = self.command(args).stdin(Stdio::null()).output().unwrap();
        Ended {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// A token for `muster admin token` with these arguments.
    pub(super) fn token(&self, args: &[&str]) -> String {
        self.run(&[&["admin", "token"], args].concat()).with(0).stdout.trim().to_owned()
    }

    pub(super) fn organization(&self, code: &str) {
        self.run(&["admin", "organization", "create", "--code", code, "--name", code, "--kind", "university"]).with(0);
    }

    pub(super) fn organization_codes(&self, args: &[&str]) -> Vec<String> {
        let listed = self.run(&[args, &["--json", "admin", "organization", "list"]].concat()).with(0).json();
        listed["items"].as_array().unwrap().iter().map(|one| one["code"].as_str().unwrap().to_owned()).collect()
    }

    /// A server on a free port.
    pub(super) fn serve(&self) -> Server {
        self.serve_logging("warn", Stdio::inherit())
    }

    /// A server on a free port that logs there.
    pub(super) fn serve_logging(&self, filter: &str, log: impl Into<Stdio>) -> Server {
        let mut child =
            self.command(&["serve", "--listen", "127.0.0.1:0", "--log", filter]).stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let mut announced = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut announced).unwrap();
        let address = announced.split("http://").nth(1).and_then(|rest| rest.split_whitespace().next()).unwrap_or_default().to_owned();
        Server { child, announced, address }
    }
}

pub(super) struct Server {
    child: Child,
    pub(super) announced: String,
    pub(super) address: String,
}

impl Server {
    pub(super) fn get(&self, path: &str, token: &str) -> (u16, Value) {
        let mut answer =
            agent().get(format!("http://{}{path}", self.address)).header("Authorization", format!("Bearer {token}")).call().unwrap();
        (answer.status().as_u16(), answer.body_mut().read_json().unwrap_or_default())
    }

    /// What is created or done at that path.
    pub(super) fn post(&self, path: &str, token: &str, body: Value) -> Value {
        let request = agent().post(format!("http://{}{path}", self.address)).header("Authorization", format!("Bearer {token}"));
        let mut answer = request.send_json(body).unwrap();
        let created = answer.body_mut().read_json().unwrap_or_default();
        assert!(answer.status().is_success(), "{created}");
        created
    }

    /// The status of what is answered to nobody in particular.
    pub(super) fn post_as_nobody(&self, path: &str, body: Value) -> u16 {
        agent().post(format!("http://{}{path}", self.address)).send_json(body).unwrap().status().as_u16()
    }

    /// Creates an organization; `None` if the server went away meanwhile.
    pub(super) fn create(&self, token: &str, code: &str) -> Option<u16> {
        agent()
            .post(format!("http://{}/api/v1/organizations", self.address))
            .header("Authorization", format!("Bearer {token}"))
            .send_json(organization(code))
            .map(|answer| answer.status().as_u16())
            .ok()
    }

    /// The head of a request and the first half of its body.
    pub(super) fn begin_create(&self, token: &str, code: &str) -> HalfSent {
        let body = organization(code).to_string();
        let (first, rest) = body.split_at(10);
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let head = format!(
            "POST /api/v1/organizations HTTP/1.1\r\nHost: muster\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\nExpect: 100-continue\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        // The server's word that it has the head: what it has not seen yet is not in flight.
        let mut word = [0; b"HTTP/1.1 100 Continue\r\n\r\n".len()];
        stream.read_exact(&mut word).unwrap();
        assert_eq!(&word, b"HTTP/1.1 100 Continue\r\n\r\n");
        stream.write_all(first.as_bytes()).unwrap();
        HalfSent { stream, rest: rest.to_owned() }
    }

    /// Waits until new connections are refused.
    pub(super) fn has_stopped_listening(&self) -> bool {
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(20) {
            if TcpStream::connect(&self.address).is_err() {
                return true;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        false
    }

    pub(super) fn signal(&self, name: &str) {
        assert!(Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status().unwrap().success());
    }

    /// SIGKILL: no warning, no tidying up.
    pub(super) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// The exit code, or `None` if the process still runs after 20 s or died of a signal.
    pub(super) fn ended(&mut self) -> Option<i32> {
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(20) {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        None
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

pub(super) struct HalfSent {
    stream: TcpStream,
    rest: String,
}

impl HalfSent {
    /// Sends the rest and reads the status line.
    pub(super) fn finish(mut self) -> String {
        self.stream.write_all(self.rest.as_bytes()).unwrap();
        let mut head = [0; 64];
        let count = self.stream.read(&mut head).unwrap();
        String::from_utf8_lossy(&head[..count]).lines().next().unwrap_or_default().to_owned()
    }
}

fn organization(code: &str) -> Value {
    serde_json::json!({ "code": code, "name": code, "kind": "university" })
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(Duration::from_secs(20))).build().into()
}
