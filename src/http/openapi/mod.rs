//! The API document, the offline page that shows it, and the health checks.

use actix_web::{
    HttpResponse, Responder,
    http::header,
    web::{Data, ServiceConfig},
};
use utoipa::openapi::{
    ComponentsBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, SecurityRequirement,
    security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
};

use super::{at, page::Limit};
use crate::{
    db::Db,
    error::{Error, FieldFault},
};

const PAGE: &str = include_str!("index.html");
const SCRIPT: &str = include_str!("rapidoc-min.js");

/// Nothing comes from, or goes to, another host. RapiDoc writes its styles inline.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; connect-src 'self'; \
    frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// What the document says of the other way to be somebody.
const COOKIE: &str = "The cookie that POST /sign-ins sets; where the server is reached by https it is called __Host-muster";

pub fn routes(config: &mut ServiceConfig) {
    config
        .service(at("/healthz").get(health))
        .service(at("/readyz").get(ready))
        .service(at("/api/openapi.json").get(json))
        .service(at("/api/docs").get(to_page))
        .service(at("/api/docs/").get(page))
        .service(at("/api/docs/rapidoc-min.js").get(script));
}

/// The OpenAPI 3.1 document of everything below `/api/v1`, put together from the rooms' parts.
pub fn document(rooms: Vec<OpenApi>) -> OpenApi {
    let mut document = OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("Muster")
                .version(env!("CARGO_PKG_VERSION"))
                .description(Some(
                    "Training-program management: programs, intakes, enrollments, schedules, roll calls, hours and progress reports.",
                ))
                .license(Some(LicenseBuilder::new().name("MIT OR Apache-2.0").identifier(Some("MIT OR Apache-2.0")).build()))
                .build(),
        )
        .components(Some(
            ComponentsBuilder::new()
                // Responses and parameters bring only themselves along, not what they name.
                .schema_from::<FieldFault>()
                .schema_from::<Limit>()
                .security_scheme("token", SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build()))
                .security_scheme("sign_in", SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::with_description("muster", COOKIE))))
                .build(),
        ))
        .security(Some(["token", "sign_in"].map(|scheme| SecurityRequirement::new(scheme, Vec::<String>::new()))))
        .build();
    for room in rooms {
        document = document.nest("/api/v1", room);
    }
    document
}

async fn json(document: Data<OpenApi>) -> impl Responder {
    HttpResponse::Ok().json(document)
}

/// The page's script lies beside it, so its address ends in a slash.
async fn to_page() -> impl Responder {
    HttpResponse::PermanentRedirect().insert_header((header::LOCATION, "/api/docs/")).finish()
}

async fn page() -> impl Responder {
    let policy = (header::CONTENT_SECURITY_POLICY, PAGE_POLICY);
    HttpResponse::Ok().insert_header(policy).content_type("text/html; charset=utf-8").body(PAGE)
}

async fn script() -> impl Responder {
    HttpResponse::Ok().content_type("text/javascript").insert_header((header::CACHE_CONTROL, "public, max-age=86400")).body(SCRIPT)
}

/// The process is up.
async fn health() -> impl Responder {
    HttpResponse::Ok().json(serde_json::json!({ "status": "ok" }))
}

/// The database is reachable and migrated.
async fn ready(db: Data<Db>) -> Result<impl Responder, Error> {
    db.is_ready().await?;
    Ok(HttpResponse::Ok().json(serde_json::json!({ "status": "ready" })))
}
