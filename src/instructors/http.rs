//! `/instructors/{id}/profile`. The instructors themselves are people.

use actix_web::web::{Data, Path, ServiceConfig};
use utoipa::OpenApi;

use super::{NewProfile, Profile, store};
use crate::{
    db::Db,
    error::Error,
    http::{Answer, Body, Caller, Changing, ETag, Reading, Unchanged, at},
    people::PersonId,
};

#[derive(OpenApi)]
#[openapi(paths(read_instructor_profile, set_instructor_profile))]
pub struct ApiDoc;

pub fn routes(api: &mut ServiceConfig) {
    api.service(at("/instructors/{id}/profile").get(read_instructor_profile).put(set_instructor_profile));
}

/// What an instructor is qualified for, when available, and up to how much
///
/// 404 also while nothing is recorded.
#[utoipa::path(get, path = "/instructors/{id}/profile", tag = "instructors",
    params(("id" = PersonId, Path, description = "The instructor")),
    responses((status = 200, description = "The profile", body = Profile), Unchanged, Reading))]
async fn read_instructor_profile(db: Data<Db>, caller: Caller, id: Path<PersonId>) -> Result<Answer, Error> {
    let id = id.into_inner();
    let profile = db.read(caller.credentials.clone(), move |conn, actor, now| store::find(conn, actor, now, id)).await?;
    Ok(Answer::ok(&profile)?.tag_unless_known(&caller, &ETag::version(profile.version)))
}

/// Record what an instructor is qualified for, when available, and up to how much
///
/// It takes the place of the whole profile. The check of proposed sessions warns where they do not keep to it.
#[utoipa::path(put, path = "/instructors/{id}/profile", tag = "instructors",
    params(("id" = PersonId, Path, description = "The instructor"),
        ("If-Match" = Option<String>, Header, description = "The ETag last read; not needed for the first profile")),
    request_body(content = NewProfile, example = json!({"time_zone": "Asia/Shanghai", "daily_minutes": 360, "weekly_minutes": null,
        "disciplines": ["MET"], "hours": [{"weekday": "monday", "from_time": "08:00", "until_time": "12:00"}],
        "exceptions": [{"from_date": "2020-07-06", "until_date": "2020-07-10", "available": false, "note": "a conference"}]})),
    responses((status = 200, description = "The profile as it is now", body = Profile), Changing))]
async fn set_instructor_profile(db: Data<Db>, caller: Caller, id: Path<PersonId>, body: Body<NewProfile>) -> Result<Answer, Error> {
    let id = id.into_inner();
    db.write(caller.credentials.clone(), move |conn, actor, now| {
        let profile = store::put(conn, actor, now, &caller, id, body.value()?)?;
        Ok(Answer::ok(&profile)?.tag(&ETag::version(profile.version)))
    })
    .await
}
