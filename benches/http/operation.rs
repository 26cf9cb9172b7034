//! What is asked of the servers.

use std::sync::atomic::{AtomicUsize, Ordering};

use muster::schedule::SessionId;

use crate::{
    client::{Answer, Connection, request},
    support::{
        drafts::Batch,
        seed::{self, Class, Seeded},
    },
};

/// The rows of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    Ready,
    Organization,
    Trainee,
    Report,
    Unchanged,
    Check,
    Publish,
    PutFew,
    PutAll,
    Submit,
    Close,
    ReportBeside,
}

impl Operation {
    pub const ALL: [Self; 12] = [
        Self::Ready,
        Self::Organization,
        Self::Trainee,
        Self::Report,
        Self::Unchanged,
        Self::Check,
        Self::Publish,
        Self::PutFew,
        Self::PutAll,
        Self::Submit,
        Self::Close,
        Self::ReportBeside,
    ];

    pub fn name(self) -> &'static str {
        match self {
            // One statement by nobody and one by somebody: what lies between them is what it costs to know who asks, and to hold them to it.
            Self::Ready => "ready or not, asked by nobody",
            Self::Organization => "one organization, asked by a token",
            Self::Trainee => "one trainee",
            Self::Report => "report of 244 rows",
            Self::Unchanged => "the report's 304",
            Self::Check => "one session checked for conflicts",
            Self::Publish => "134 sessions published",
            Self::PutFew => "roll call of 61 put, 8 lines differ",
            Self::PutAll => "roll call of 61 put, all lines differ",
            Self::Submit => "roll call of 61 submitted",
            Self::Close => "roll call of 61 closed",
            Self::ReportBeside => "report of 244 rows, beside 8 who put",
        }
    }

    /// How many clients put roll calls of 61 meanwhile. Their CPU is not told apart from that of what is measured.
    pub fn writers(self) -> usize {
        if self == Self::ReportBeside { 8 } else { 0 }
    }
}

/// A seeded database as the client knows it.
#[derive(Debug)]
pub struct Known {
    pub seeded: Seeded,
    next_closing: AtomicUsize,
    next_submission: AtomicUsize,
    next_batch: AtomicUsize,
}

impl Known {
    pub fn new(seeded: Seeded) -> Self {
        Self { seeded, next_closing: AtomicUsize::new(0), next_submission: AtomicUsize::new(0), next_batch: AtomicUsize::new(0) }
    }

    /// A roll call that nobody has closed yet.
    fn closing(&self) -> Option<SessionId> {
        self.seeded.closings.get(self.next_closing.fetch_add(1, Ordering::Relaxed)).copied()
    }

    /// A roll call that nobody has submitted yet; whether it is closed later is the same to it.
    fn submission(&self) -> Option<SessionId> {
        self.seeded.closings.get(self.next_submission.fetch_add(1, Ordering::Relaxed)).copied()
    }

    /// Drafts that nobody has published yet.
    fn batch(&self) -> Option<&Batch> {
        self.seeded.batches.get(self.next_batch.fetch_add(1, Ordering::Relaxed))
    }
}

/// One connection's way of repeating an operation.
#[derive(Debug)]
pub enum Work<'a> {
    Same { request: Vec<u8>, status: u16 },
    Put { known: &'a Known, class: &'a Class, rolls: [String; 2], turn: usize, etag: String },
    Submit { known: &'a Known },
    Close { known: &'a Known },
    Publish { known: &'a Known },
}

fn path(rest: &str) -> String {
    format!("/api/v1/{rest}")
}

impl<'a> Work<'a> {
    /// Makes ready, on this connection, to repeat `operation`; `number` tells the connections apart.
    pub fn ready(operation: Operation, known: &'a Known, connection: &mut Connection, number: usize) -> Self {
        let seeded = &known.seeded;
        let token = seeded.coordinator.expose();
        let report = path(&format!("intakes/{}/progress", seeded.intake));
        match operation {
            Operation::Ready => Self::Same { request: request("GET", "/readyz", token, None, None), status: 200 },
            Operation::Organization => {
                let listed = connection.answer(&request("GET", &path("organizations?limit=1"), token, None, None));
                let listed: serde_json::Value = serde_json::from_slice(&listed.body).unwrap();
                let one = path(&format!("organizations/{}", listed["items"][0]["id"].as_str().unwrap()));
                Self::Same { request: request("GET", &one, token, None, None), status: 200 }
            }
            Operation::Trainee => {
                Self::Same { request: request("GET", &path(&format!("trainees/{}", seeded.trainee)), token, None, None), status: 200 }
            }
            Operation::Report | Operation::ReportBeside => Self::Same { request: request("GET", &report, token, None, None), status: 200 },
            Operation::Unchanged => {
                let etag = connection.answer(&request("GET", &report, token, None, None)).etag.unwrap();
                Self::Same { request: request("GET", &report, token, Some(("If-None-Match", &etag)), None), status: 304 }
            }
            Operation::Check => {
                let body = serde_json::json!({ "changes": [{ "id": seeded.classes[0].session, "change": { "break_minutes": 5 } }] });
                let path = path(&format!("intakes/{}/sessions/check", seeded.intake));
                Self::Same { request: request("POST", &path, token, None, Some(&body.to_string())), status: 200 }
            }
            Operation::PutFew | Operation::PutAll => {
                let class = &seeded.classes[number % seeded.classes.len()];
                let turns = if operation == Operation::PutFew { [(16, 0), (16, 1)] } else { [(1, 0), (1, 1)] };
                let rolls = turns.map(|(rarity, turn)| serde_json::to_string(&seed::roll(class, rarity, turn)).unwrap());
                let read = request("GET", &path(&format!("sessions/{}/roll-call", class.session)), token, None, None);
                let etag = connection.answer(&read).etag.unwrap();
                let mut work = Self::Put { known, class, rolls, turn: 0, etag };
                // Whatever stood there before: from now on each one alters the other.
                work.once(connection);
                work
            }
            Operation::Submit => Self::Submit { known },
            Operation::Close => Self::Close { known },
            Operation::Publish => Self::Publish { known },
        }
    }

    /// The next request; none if there is nothing left to do.
    pub fn next(&mut self) -> Option<Vec<u8>> {
        match self {
            Self::Same { request, .. } => Some(request.clone()),
            Self::Put { known, class, rolls, turn, etag } => {
                let path = path(&format!("sessions/{}/roll-call", class.session));
                let token = known.seeded.coordinator.expose();
                Some(request("PUT", &path, token, Some(("If-Match", etag)), Some(&rolls[*turn % 2])))
            }
            Self::Submit { known } => {
                let path = path(&format!("sessions/{}/roll-call/submit", known.submission()?));
                Some(request("POST", &path, known.seeded.coordinator.expose(), None, Some("{}")))
            }
            Self::Close { known } => {
                let path = path(&format!("sessions/{}/roll-call/close", known.closing()?));
                Some(request("POST", &path, known.seeded.coordinator.expose(), None, Some("{}")))
            }
            Self::Publish { known } => {
                let Batch { intake, sessions } = known.batch()?;
                let path = path(&format!("intakes/{intake}/sessions/publish"));
                let body = serde_json::json!({ "session_ids": sessions }).to_string();
                Some(request("POST", &path, known.seeded.coordinator.expose(), None, Some(&body)))
            }
        }
    }

    /// Holds an answer against what was asked for. The floor answers what a server once did, so that its tag is an old one.
    pub fn done(&mut self, connection: &Connection, (status, head): (u16, usize), floor: bool) {
        let expected = if let Self::Same { status, .. } = self { *status } else { 200 };
        assert_eq!(status, expected, "{self:?}");
        if let Self::Put { turn, etag, .. } = self
            && !floor
        {
            let now = connection.etag(head).unwrap();
            assert_ne!(*etag, now, "the roll call did not change");
            *turn += 1;
            *etag = now;
        }
    }

    /// One request with its answer, which is given back.
    pub fn once(&mut self, connection: &mut Connection) -> Option<Answer> {
        let request = self.next()?;
        let answer = connection.answer(&request);
        assert!(answer.status < 400, "{} {}", answer.status, String::from_utf8_lossy(&answer.body));
        if let Self::Put { turn, etag, .. } = self {
            *turn += 1;
            etag.clone_from(answer.etag.as_ref().unwrap());
        }
        Some(answer)
    }
}
