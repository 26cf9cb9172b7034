//! The server under test.

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use actix_web::dev::ServerHandle;
use muster::{
    access::{self, Actor, Credentials, NewRoleGrant, NewToken, NewUser, Role, RoleGrant, User},
    cli::verify,
    clock::Instant,
    config::Settings,
    db::{Conn, Db},
    error::Error,
};

use super::{Client, Kind, TestDatabase, seed, statements};

/// A server with a database of its own; both go when this is dropped.
pub struct App {
    pub address: String,
    pub db: Db,
    // Fields are dropped in this order: the server stops before its database goes.
    #[expect(dead_code, reason = "held to be dropped")]
    server: Running,
    pub database: TestDatabase,
    users: AtomicUsize,
    administrator: OnceLock<Client>,
    provider: OnceLock<seed::Provider>,
}

struct Running {
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Running {
    fn drop(&mut self) {
        // The command is sent by the call; nobody needs to await the answer, for the thread ends with the server.
        drop(self.handle.stop(false));
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// What narrows a token.
#[derive(Clone, Debug, Default)]
pub struct TokenOptions {
    pub read_only: bool,
    /// The one intake it is good for.
    pub intake: Option<String>,
    /// The one program it is good for the intakes of.
    pub program: Option<String>,
    /// An hour unless said.
    pub expires_in: Option<Duration>,
}

/// A server on a free port, with an empty database of the suite's kind.
pub fn spawn_app() -> App {
    spawn_app_at(TestDatabase::create())
}

/// A server on a free port, with that database.
pub fn spawn_app_at(database: TestDatabase) -> App {
    spawn_app_with(database, Settings { encryption_key: Some("ab".repeat(32).try_into().unwrap()), ..Settings::default() })
}

/// The same, set so, and without an encryption key unless that is set: where it listens, with what and on which database is said here.
pub fn spawn_app_with(database: TestDatabase, settings: Settings) -> App {
    statements::install();
    let settings =
        Settings { database_url: database.url().to_owned(), listen: "127.0.0.1:0".to_owned(), workers: 2, connections: 4, ..settings };
    let db = Db::open(database.target(), settings.connections).unwrap();
    let served = db.clone();
    let (tell, told) = mpsc::channel();
    let thread = thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let (server, address) = muster::app::build(&settings, served).unwrap();
            tell.send((address, server.handle())).unwrap();
            server.await.unwrap();
        });
    });
    let (address, handle) = told.recv().unwrap();
    let server = Running { handle, thread: Some(thread) };
    App {
        address: address.to_string(),
        db,
        server,
        database,
        users: AtomicUsize::new(0),
        administrator: OnceLock::new(),
        provider: OnceLock::new(),
    }
}

/// Clients. Each call makes a new user with a new token, except that the administrator is always the same.
impl App {
    /// Without a token.
    pub fn anonymous(&self) -> Client {
        Client::new(&self.address, None, None)
    }

    pub fn administrator(&self) -> Client {
        self.administrator.get_or_init(|| self.client_for(Role::Administrator, None, None, TokenOptions::default())).clone()
    }

    /// Of [`App::provider`], as are all roles below that name no organization.
    pub fn coordinator(&self) -> Client {
        self.coordinator_of(&self.provider().id)
    }

    pub fn coordinator_of(&self, organization: &str) -> Client {
        self.client_for(Role::Coordinator, Some(organization), None, TokenOptions::default())
    }

    pub fn auditor(&self) -> Client {
        self.client_for(Role::Auditor, Some(&self.provider().id), None, TokenOptions::default())
    }

    pub fn class_adviser(&self, person: &str) -> Client {
        self.client_for(Role::ClassAdviser, Some(&self.provider().id), Some(person), TokenOptions::default())
    }

    pub fn instructor(&self, person: &str) -> Client {
        self.client_for(Role::Instructor, Some(&self.provider().id), Some(person), TokenOptions::default())
    }

    pub fn trainee(&self, person: &str) -> Client {
        self.client_for(Role::Trainee, Some(&self.provider().id), Some(person), TokenOptions::default())
    }

    /// Of a sponsor, or of one of its units.
    pub fn partner(&self, organization: &str) -> Client {
        self.client_for(Role::Partner, Some(organization), None, TokenOptions::default())
    }

    /// A new user with this role, granted and given a token as the command line does it.
    pub fn client_for(&self, role: Role, organization: Option<&str>, person: Option<&str>, options: TokenOptions) -> Client {
        let intake_id = options.intake.map(|id| id.parse().unwrap());
        let program_id = options.program.map(|id| id.parse().unwrap());
        let lifetime = chrono::TimeDelta::from_std(options.expires_in.unwrap_or(Duration::from_secs(24 * 3600))).unwrap();
        let (user, token) = self.new_user(role, organization, person, move |conn, actor, now, user, grant| {
            let new = NewToken {
                role_grant_id: grant.id,
                name: user.name.clone(),
                read_only: options.read_only,
                intake_id,
                program_id,
                expires_at: now.plus(lifetime),
            };
            let token = access::issue_token(conn, actor, now, new)?;
            // Else the first request would note its use in the background, at any time during the test.
            access::note_use(conn, token.id, now)?;
            Ok((user, token))
        });
        Client::new(&self.address, Some(token.token.expose().to_owned()), Some(user.id.to_string()))
    }

    /// A new user with this role, and what else the operator does in the same transaction.
    pub(super) fn new_user<T: Send + 'static>(
        &self,
        role: Role,
        organization: Option<&str>,
        person: Option<&str>,
        then: impl FnOnce(&mut Conn, &Actor, Instant, User, RoleGrant) -> Result<T, Error> + Send + 'static,
    ) -> T {
        let name = format!("{role} {}", self.users.fetch_add(1, Ordering::Relaxed) + 1);
        let new_user = NewUser { name: name.parse().unwrap(), person_id: person.map(|id| id.parse().unwrap()) };
        let organization = organization.map(|id| id.parse().unwrap());
        let made = self.db.write_blocking(Credentials::Operator, move |conn, actor, now| {
            let user = access::create_user(conn, actor, now, new_user)?;
            let grant = access::grant_role(conn, actor, now, user.id, NewRoleGrant::lasting(role, organization))?;
            then(conn, actor, now, user, grant)
        });
        made.unwrap_or_else(|error| panic!("no user {name}: {error:?}"))
    }

    /// The provider at which roles are held unless said otherwise; made when first asked for.
    pub fn provider(&self) -> &seed::Provider {
        self.provider.get_or_init(|| seed::provider(self))
    }

    /// Ends the role of a client; its token is good for nothing from now on.
    pub fn end_grant(&self, client: &Client) {
        let user = self.hex(client.user_id.as_deref().unwrap());
        self.sql(&format!("UPDATE role_grants SET until_at = from_at WHERE user_id = {user}")).unwrap();
    }
}

/// The database behind the server's back.
impl App {
    /// Runs statements on a connection of their own, all or none; the error is the database's message.
    pub fn sql(&self, statements: &str) -> Result<(), String> {
        self.database.sql(statements)
    }

    /// Runs statements with the triggers of `table` out of force, as somebody would who is bent on it; for good on SQLite.
    pub fn forge(&self, table: &str, statements: &str) {
        let (before, after) = match self.database.kind() {
            Kind::Sqlite => {
                let triggers = format!("SELECT name FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = '{table}'");
                let drop = |name: String| format!("DROP TRIGGER {name};");
                (self.database.texts(&triggers).into_iter().flatten().map(drop).collect(), String::new())
            }
            Kind::Postgres => (format!("ALTER TABLE {table} DISABLE TRIGGER USER;"), format!("; ALTER TABLE {table} ENABLE TRIGGER USER")),
        };
        self.sql(&format!("{before} {statements} {after}")).unwrap();
    }

    /// The message with which the database refuses statements.
    #[track_caller]
    pub fn refusal(&self, statements: &str) -> String {
        match self.sql(statements) {
            Ok(()) => panic!("the database took it: {statements}"),
            Err(message) => message,
        }
    }

    /// The whole number of a query such as `SELECT count(*) FROM organizations`.
    pub fn count(&self, query: &str) -> i64 {
        self.database.count(query)
    }

    /// What `muster verify` says is wrong.
    pub fn findings(&self) -> Vec<String> {
        verify::check(&self.db).unwrap().into_iter().flat_map(|(_, found)| found).collect()
    }

    /// What one check of `muster verify` says is wrong.
    pub fn findings_of(&self, check: &str) -> Vec<String> {
        verify::check(&self.db).unwrap().into_iter().find(|(name, _)| *name == check).unwrap().1
    }

    /// How many rows each table has, their versions in all, and how long the journal is without users and tokens: what a refused
    /// request leaves as it was.
    pub fn state(&self) -> Vec<Option<String>> {
        const VERSIONED: [&str; 14] = [
            "organizations",
            "people",
            "programs",
            "program_versions",
            "intakes",
            "intake_sponsors",
            "cohorts",
            "enrollments",
            "sessions",
            "roll_calls",
            "calendars",
            "instructor_profiles",
            "leave_requests",
            "correction_requests",
        ];
        const PLAIN: [&str; 19] = [
            "affiliations",
            "disciplines",
            "modules",
            "enrollment_periods",
            "enrollment_steps",
            "session_cohorts",
            "session_instructors",
            "claims",
            "claim_waivers",
            "attendances",
            "hour_entries",
            "hour_balances",
            "module_hour_balances",
            "session_changes",
            "session_change_audience",
            "leave_steps",
            "feeds WHERE revoked_at IS NULL",
            "disclosures WHERE until_at IS NULL",
            "journal_entries WHERE subject_kind NOT IN ('user', 'role_grant', 'token')",
        ];
        let versioned = VERSIONED.map(|table| (table, "coalesce(sum(version), 0)"));
        let plain = PLAIN.map(|table| (table, "0"));
        let line = |(table, versions): (&str, &str)| {
            let name = table.split(' ').next().unwrap();
            format!("SELECT '{name} ' || count(*) || ' ' || {versions} FROM {table}")
        };
        let lines: Vec<String> = versioned.into_iter().chain(plain).map(line).collect();
        self.database.texts(&lines.join(" UNION ALL "))
    }

    /// What `work` returns, which must leave everything as it was.
    #[track_caller]
    pub fn unchanged<T>(&self, work: impl FnOnce() -> T) -> T {
        let before = self.state();
        let result = work();
        assert_eq!(self.state(), before, "something changed");
        result
    }

    /// The id of nothing.
    pub fn absent_id(&self) -> String {
        muster::id::Id::<()>::generate().to_string()
    }

    /// The SQL literal of an id.
    pub fn hex(&self, id: &str) -> String {
        let id = uuid::Uuid::try_parse(id).unwrap();
        match self.database.kind() {
            Kind::Sqlite => format!("x'{}'", id.simple()),
            Kind::Postgres => format!("'{id}'::uuid"),
        }
    }

    /// The SQL literal of an instant in RFC 3339.
    pub fn instant(&self, text: &str) -> String {
        let micros = chrono::DateTime::parse_from_rfc3339(text).unwrap().timestamp_micros();
        match self.database.kind() {
            Kind::Sqlite => micros.to_string(),
            Kind::Postgres => format!("'{text}'::timestamptz"),
        }
    }

    /// The SQL literal of a truth value.
    pub fn truth(&self, value: bool) -> &'static str {
        match (self.database.kind(), value) {
            (Kind::Sqlite, true) => "1",
            (Kind::Sqlite, false) => "0",
            (Kind::Postgres, true) => "true",
            (Kind::Postgres, false) => "false",
        }
    }
}
