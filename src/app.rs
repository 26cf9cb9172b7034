//! The server: middleware, and the one list of the rooms' routes.

use std::net::TcpListener;

use actix_web::{
    App, HttpServer,
    dev::{Server, ServerHandle},
    middleware::{Compress, from_fn},
    rt::{
        self,
        signal::unix::{Signal, SignalKind, signal},
    },
    web::{self, Data, PathConfig, ServiceConfig},
};
use tracing_actix_web::TracingLogger;
use utoipa::OpenApi;

use crate::{
    access::Credentials,
    accounts::{self, Hasher},
    attendance, clock,
    config::Settings,
    db::Db,
    http::{self, RequestSpan, openapi, path, problem},
    journal,
    vault::Vault,
};

/// The life cycles of what has one, as a document (`docs/LIFECYCLES.md`).
pub fn life_cycles() -> String {
    let cycles = [
        crate::programs::LIFE_CYCLE.markdown(),
        crate::intakes::LIFE_CYCLE.markdown(),
        crate::enrollments::LIFE_CYCLE.markdown(),
        crate::schedule::LIFE_CYCLE.markdown(),
        crate::leave::LIFE_CYCLE.markdown(),
        crate::attendance::LIFE_CYCLE.markdown(),
        crate::attendance::CORRECTION_LIFE_CYCLE.markdown(),
    ];
    let intro = "# Life cycles\n\nWhich step leads from which states to which, printed from the code. What else a step asks for is in the API document.\n";
    format!("{intro}\n{}", cycles.join("\n"))
}

macro_rules! rooms {
    ($($room:ident),+ $(,)?) => {
        /// Every room's routes, below `/api/v1`.
        fn rooms(api: &mut ServiceConfig) {
            $(crate::$room::routes(api);)+
            crate::intakes::transitions(api);
            crate::enrollments::transitions(api);
            crate::schedule::transitions(api);
        }

        /// The API document.
        pub fn document() -> utoipa::openapi::OpenApi {
            openapi::document(vec![$(crate::$room::ApiDoc::openapi()),+])
        }
    };
}

rooms!(
    imports,
    organizations,
    people,
    instructors,
    programs,
    calendars,
    intakes,
    rooms,
    enrollments,
    schedule,
    feeds,
    leave,
    attendance,
    ledger,
    reports,
    journal,
    access,
    accounts
);

/// Binds the address of `settings` and makes the server; it runs when awaited.
///
/// # Errors
/// If the address cannot be bound.
pub fn build(settings: &Settings, db: Db) -> std::io::Result<(Server, std::net::SocketAddr)> {
    let listener = TcpListener::bind(&settings.listen)?;
    let address = listener.local_addr()?;
    let (document, public_url) = (Data::new(document()), Data::new(settings.public_url.clone()));
    let (trusted_proxies, hasher) = (Data::new(settings.trusted_proxies.clone()), Data::new(Hasher::new(settings.workers)?));
    let vault = Data::new(settings.encryption_key.as_ref().map(Vault::new).transpose().map_err(std::io::Error::other)?);
    let server = HttpServer::new(move || {
        App::new()
            .app_data(Data::new(db.clone()))
            .app_data(document.clone())
            .app_data(public_url.clone())
            .app_data(trusted_proxies.clone())
            .app_data(hasher.clone())
            .app_data(vault.clone())
            .app_data(PathConfig::default().error_handler(path::not_found))
            .wrap(from_fn(http::refuse_cross_site))
            .wrap(Compress::default())
            .wrap(from_fn(problem::render))
            .wrap(http::security_headers(public_url.as_ref().as_ref()))
            .wrap(TracingLogger::<RequestSpan>::new())
            .service(web::scope("/api/v1").configure(rooms).default_service(web::to(path::no_route)))
            .configure(openapi::routes)
    })
    .workers(settings.workers)
    .shutdown_timeout(30)
    .disable_signals()
    .listen(listener)?
    .run();
    Ok((server, address))
}

/// Why [`run`] ended before it was told to.
#[derive(Debug)]
pub enum Stopped {
    /// The address cannot be listened on.
    Unbound(std::io::Error),
    Broken(std::io::Error),
}

/// Serves until SIGTERM or SIGINT, and then until the requests in flight are answered. `announce` is told the bound address.
///
/// # Errors
/// If the address cannot be bound, the announcement cannot be made or the server breaks.
pub fn run(settings: &Settings, db: Db, announce: impl FnOnce(std::net::SocketAddr) -> std::io::Result<()>) -> Result<(), Stopped> {
    rt::System::new().block_on(async {
        let (server, address) = build(settings, db.clone()).map_err(Stopped::Unbound)?;
        let handle = server.handle();
        // Listened for before anybody can know of the server, so that no signal finds it deaf.
        let signals = Signals::listen().map_err(Stopped::Broken)?;
        rt::spawn(signals.stop(handle));
        rt::spawn(sweep(db));
        announce(address).map_err(Stopped::Broken)?;
        server.await.map_err(Stopped::Broken)
    })
}

/// The signals that end the server. Ours rather than actix's own, because those drop requests in flight at Ctrl-C.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Lets the server finish at the first signal and ends the process at the second.
    async fn stop(mut self, server: ServerHandle) {
        self.next().await;
        tracing::info!("stopping: the requests in flight are answered first");
        rt::spawn(server.stop(true));
        self.next().await;
        tracing::warn!("stopped at a second signal");
        std::process::exit(1);
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Sweeps what has expired, closes the roll calls that do so by themselves and seals the journal, every ten minutes, for as long as the
/// server runs. Several servers on one database do it side by side: each act looks again, under its lock, whether it is still to be done.
pub async fn sweep(db: Db) {
    let mut ticks = rt::time::interval(std::time::Duration::from_secs(600));
    loop {
        ticks.tick().await;
        db.note(|conn| http::sweep(conn, clock::now()));
        db.note(|conn| accounts::sweep(conn, clock::now()));
        close_due(&db).await;
        if let Err(error) = journal::seal_all(&db).await {
            tracing::warn!(error = ?error, "the journal was not sealed; whoever reads it will");
        }
    }
}

/// Closes the roll calls that are due, each in a transaction of its own: one that cannot be closed keeps no other from it.
async fn close_due(db: &Db) {
    let due = match db.read(Credentials::Operator, attendance::due).await {
        Ok(due) => due,
        Err(error) => return tracing::warn!(error = ?error, "the roll calls that are due were not found"),
    };
    for one in due {
        let closed = db.write(Credentials::Operator, move |conn, actor, now| attendance::close_due(conn, actor, (now, now), one)).await;
        let Err(refusal) = closed else { continue };
        tracing::warn!(error = ?refusal, session = %one, "a roll call that is due was not closed; a coordinator has to");
        // In a transaction of its own: that of the closing was undone.
        let kept =
            db.write(Credentials::Operator, move |conn, actor, now| attendance::keep_refusal(conn, actor, (now, now), one, &refusal)).await;
        if let Err(error) = kept {
            tracing::warn!(error = ?error, session = %one, "why it was not closed was not kept");
        }
    }
}
