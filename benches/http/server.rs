//! The servers that are measured: the release binary on a database, and the floor, which answers the same bytes without any work.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener},
    path::Path,
    process::{Child, Command, Stdio},
    sync::OnceLock,
};

use actix_web::{
    App, HttpResponse, HttpServer,
    http::StatusCode,
    rt,
    web::{self, Bytes},
};

/// A server in a process of its own; it is ended when this is dropped.
#[derive(Debug)]
pub struct Server {
    child: Child,
    pub address: SocketAddr,
}

impl Server {
    /// `muster serve` with its defaults, on this database. Its log goes where nobody reads it.
    pub fn muster(database_url: &str) -> Self {
        Self::start(command().args(["--json", "--database-url", database_url, "serve", "--listen", "127.0.0.1:0"]))
    }

    /// This binary again, answering every request with this status and body.
    pub fn floor(status: u16, body: &Path) -> Self {
        Self::start(
            Command::new(std::env::current_exe().unwrap()).args(["--bench", "--floor"]).arg(body).args(["--status", &status.to_string()]),
        )
    }

    fn start(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let announced: serde_json::Value = serde_json::from_str(&line).unwrap();
        let address = announced["address"].as_str().unwrap().parse().unwrap();
        Self { child, address }
    }

    /// CPU time that the server has used so far, of its own and of the kernel's for it, in clock ticks.
    pub fn ticks(&self) -> u64 {
        ticks(self.child.id().cast_signed(), "").unwrap()
    }

    /// Memory that is resident, in MiB.
    pub fn resident(&self) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The release binary, with nothing of this environment's settings.
pub fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_muster"));
    for name in
        ["DATABASE_URL", "MUSTER_DATABASE_URL", "MUSTER_LISTEN", "MUSTER_WORKERS", "MUSTER_CONNECTIONS", "MUSTER_LOG", "MUSTER_CONFIG"]
    {
        command.env_remove(name);
    }
    command
}

/// CPU time that a process has used so far, in clock ticks; none if there is none of that id whose name begins so.
pub fn ticks(process: i32, name: &str) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let (head, rest) = stat.rsplit_once(')')?;
    if !head.split_once('(')?.1.starts_with(name) {
        return None;
    }
    // utime and stime are the 14th and 15th of all fields; two stand up to the parenthesis.
    let mut times = rest.split_whitespace().skip(11).map(|field| field.parse::<u64>().unwrap());
    Some(times.next()? + times.next()?)
}

/// Clock ticks in a second.
pub fn ticks_per_second() -> u64 {
    static TICKS: OnceLock<u64> = OnceLock::new();
    *TICKS.get_or_init(|| {
        let output = Command::new("getconf").arg("CLK_TCK").output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
    })
}

/// Serves the floor until it is killed: no middleware, no route; the body of the request is read, as every server has to.
pub fn serve_floor(status: u16, body: &Path) {
    let status = StatusCode::from_u16(status).unwrap();
    let body = Bytes::from(fs::read(body).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let workers = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    rt::System::new().block_on(async move {
        let app = move || {
            let body = body.clone();
            let answer = move |_: Bytes| {
                let body = body.clone();
                async move { HttpResponse::build(status).content_type("application/json").body(body) }
            };
            App::new().default_service(web::to(answer))
        };
        let server = HttpServer::new(app).workers(workers).disable_signals().listen(listener).unwrap().run();
        println!("{}", serde_json::json!({ "address": address }));
        std::io::stdout().flush().unwrap();
        server.await.unwrap();
    });
}
