//! The server: middleware, and the one list of the rooms' routes.

use std::net::TcpListener;

use actix_web::{
    App, HttpServer,
    dev::Server,
    middleware::{Compress, from_fn},
    web::{self, Data, PathConfig, QueryConfig, ServiceConfig},
};
use tracing_actix_web::TracingLogger;
use utoipa::OpenApi;

use crate::{
    access, clock,
    config::Settings,
    db::Db,
    error::Error,
    http::{openapi, problem},
};

macro_rules! rooms {
    ($($room:ident),+ $(,)?) => {
        /// Every room's routes, below `/api/v1`.
        fn rooms(api: &mut ServiceConfig) {
            $(crate::$room::routes(api);)+
            crate::intakes::transitions(api);
            crate::enrollments::transitions(api);
            crate::schedule::transitions(api);
        }

        /// Every room's part of the API document.
        pub fn documents() -> Vec<utoipa::openapi::OpenApi> {
            vec![$(crate::$room::ApiDoc::openapi()),+]
        }
    };
}

rooms!(organizations, intakes, enrollments, schedule, journal);

/// Binds the address of `settings` and makes the server; it runs when awaited.
///
/// # Errors
/// If the address cannot be bound.
pub fn build(settings: &Settings, db: Db) -> std::io::Result<(Server, std::net::SocketAddr)> {
    let listener = TcpListener::bind(&settings.listen)?;
    let address = listener.local_addr()?;
    let document = Data::new(openapi::document());
    let server = HttpServer::new(move || {
        App::new()
            .app_data(Data::new(db.clone()))
            .app_data(document.clone())
            .app_data(PathConfig::default().error_handler(|_, _| Error::NotFound.into()))
            .app_data(QueryConfig::default().error_handler(|error, _| Error::malformed("query_malformed", error.to_string()).into()))
            .wrap(Compress::default())
            .wrap(from_fn(problem::render))
            .wrap(TracingLogger::default())
            .service(web::scope("/api/v1").configure(rooms))
            .configure(openapi::routes)
    })
    .workers(settings.workers)
    .shutdown_timeout(30)
    .listen(listener)?
    .run();
    Ok((server, address))
}

/// Sweeps what has expired, every ten minutes, for as long as the server runs.
pub async fn sweep(db: Db) {
    let mut ticks = actix_web::rt::time::interval(std::time::Duration::from_secs(600));
    loop {
        ticks.tick().await;
        db.note(|conn| access::sweep(conn, clock::now()));
    }
}
