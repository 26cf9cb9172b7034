//! `/sign-ins`, `/account/sign-ins`, `/account/sign-out`: how sign-ins begin and end.

use muster::{
    access::{Actor, Credentials, NewUser, Role, create_user},
    accounts::set_disabled,
    db::Conn,
};
use serde_json::json;

use crate::support::{App, Client, Invited, Kind, PASSWORD, TokenOptions, at_once, rounds, seed, spawn_app};

/// Lets so many minutes pass for every sign-in: since it began, or since it was last used.
fn pass(app: &App, column: &str, minutes: u32) {
    let earlier = match app.database.kind() {
        Kind::Sqlite => format!("{column} - {minutes} * 60000000"),
        Kind::Postgres => format!("{column} - interval '{minutes} minutes'"),
    };
    app.sql(&format!("UPDATE tokens SET {column} = {earlier} WHERE kind = 'sign_in'")).unwrap();
}

/// The sign-ins that somebody is told of, by their ids.
fn live(client: &Client) -> Vec<String> {
    client.get("/account/sign-ins").expect(200).column("id")
}

#[test]
fn a_sign_in_from_before_ends_and_is_never_gone_on_with() {
    let app = spawn_app();
    let (first, second) = (app.coordinating_user(), app.coordinating_user());
    let before = app.anonymous().signed_in(&first);
    // The same browser, as somebody else; and again as the same.
    let as_other = before.sign_in(&second.name, PASSWORD).expect(201);
    before.get("/account").expect(401);
    let other = before.keeping(&as_other);
    assert_eq!(other.get("/account").expect(200).text_at("/user_id"), second.user_id);
    let again = other.signed_in(&second);
    other.get("/account").expect(401);
    again.get("/account").expect(200);
    // A secret that somebody else has planted is not taken up.
    let planted = format!("muster=muster_{}", "0".repeat(64));
    let reply = app.anonymous().with_header("cookie", &planted).sign_in(&first.name, PASSWORD).expect(201);
    assert!(!reply.header("set-cookie").starts_with(&planted));
    app.anonymous().with_header("cookie", &planted).get("/account").expect(401);
    // A wrong password leaves what there is.
    again.sign_in(&second.name, "not that one, nor another").expect(401);
    again.get("/account").expect(200);
}

#[test]
fn a_sign_in_ends_twelve_hours_after_it_began() {
    let app = spawn_app();
    let client = app.anonymous().signed_in(&app.coordinating_user());
    pass(&app, "expires_at", 12 * 60 - 1);
    client.get("/account").expect(200);
    pass(&app, "expires_at", 1);
    client.get("/account").expect(401).problem("unauthenticated");
}

#[test]
fn a_sign_in_ends_two_hours_after_it_was_last_used() {
    let app = spawn_app();
    let client = app.anonymous().signed_in(&app.coordinating_user());
    app.sql("UPDATE tokens SET last_used_at = created_at WHERE kind = 'sign_in'").unwrap();
    pass(&app, "last_used_at", 119);
    client.get("/account").expect(200);
    // Which is a use, and noted by and by.
    let noted = (0..100).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(20));
        app.count("SELECT count(*) FROM tokens WHERE kind = 'sign_in' AND last_used_at >= created_at") == 1
    });
    assert!(noted);
    pass(&app, "last_used_at", 120);
    client.get("/account").expect(401).problem("unauthenticated");
}

#[test]
fn a_sign_in_that_was_never_used_is_idle_since_it_began() {
    let app = spawn_app();
    let client = app.anonymous().signed_in(&app.coordinating_user());
    let user = app.coordinating_user();
    let other = app.anonymous().signed_in(&user);
    pass(&app, "created_at", 120);
    client.get("/account").expect(401);
    other.get("/account").expect(401);
    // What has ended by itself is not listed; everywhere is there too, so that it has ended for good.
    let next = app.anonymous().signed_in(&user);
    assert_eq!(live(&next).len(), 1);
    assert_eq!(next.post("/account/sign-out", json!({ "everywhere": true })).expect(200).body, json!({ "ended": 2 }));
}

#[test]
fn that_a_sign_in_ended_is_filed_where_its_role_is_held() {
    let app = spawn_app();
    let own = app.coordinating_user();
    let elsewhere = seed::organization(&app, "PKU", "PKU", "university", None);
    let other = app.user(Role::Coordinator, Some(&elsewhere), None);
    // The same browser, as somebody of another house.
    app.anonymous().signed_in(&own).signed_in(&other);
    let auditor = |organization: &str| app.client_for(Role::Auditor, Some(organization), None, TokenOptions::default());
    let told = |organization: &str, user: &Invited| {
        let audit = auditor(organization).get(&format!("/audit?subject_id={}", user.user_id)).expect(200);
        audit.column("action").into_iter().filter(|action| action.starts_with("sign_in")).collect::<Vec<_>>()
    };
    assert_eq!(told(&app.provider().id, &own), ["sign_in.begun", "sign_in.ended"]);
    assert_eq!(told(&elsewhere, &other), ["sign_in.begun"]);
    assert_eq!((told(&elsewhere, &own).len(), told(&app.provider().id, &other).len()), (0, 0));
}

#[test]
fn what_is_revoked_stays_so_in_the_database() {
    let app = spawn_app();
    let client = app.anonymous().signed_in(&app.coordinating_user());
    client.post("/account/sign-out", json!({})).expect(200);
    for change in ["revoked_at = NULL", "kind = 'api', idle_minutes = NULL", "id = role_grant_id"] {
        let message = app.refusal(&format!("UPDATE tokens SET {change} WHERE kind = 'sign_in'"));
        assert!(message.contains("muster:immutable"), "{message}");
    }
}

#[test]
fn whoever_signs_out_is_out_at_once_here_or_everywhere() {
    let app = spawn_app();
    let user = app.coordinating_user();
    let [first, second, third] = [(); 3].map(|()| app.anonymous().signed_in(&user));
    let stranger = app.anonymous().signed_in(&app.coordinating_user());
    let out = first.post("/account/sign-out", json!({})).expect(200);
    assert_eq!(out.body, json!({ "ended": 1 }));
    assert!(out.header("set-cookie").starts_with("muster=;") && out.header("set-cookie").contains("Max-Age=0"), "{:?}", out.headers);
    first.get("/account").expect(401);
    first.post("/account/sign-out", json!({})).expect(401);
    second.get("/account").expect(200);
    assert_eq!(second.post("/account/sign-out", json!({ "everywhere": true })).expect(200).body, json!({ "ended": 2 }));
    for client in [&second, &third] {
        client.get("/account").expect(401);
    }
    stranger.get("/account").expect(200);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn one_sees_and_ends_the_own_sign_ins_and_nobody_elses() {
    let app = spawn_app();
    let user = app.coordinating_user();
    let own = app.anonymous().signed_in(&user);
    let phone = app.anonymous().with_header("user-agent", "Phone \u{fc}/1.0 <script>").signed_in(&user);
    let stranger = app.anonymous().signed_in(&app.coordinating_user());
    let listed = own.get("/account/sign-ins").expect(200);
    let current: Vec<bool> = listed.items().iter().map(|one| one["is_current"].as_bool().unwrap()).collect();
    assert_eq!(current, [true, false]);
    assert!(!listed.text.contains("muster_"), "{}", listed.text);
    let end = |client: &Client, id: &str| client.post(&format!("/account/sign-ins/{id}/end"), json!({ "reason": "left open" }));
    for id in [live(&stranger).remove(0), app.absent_id()] {
        end(&own, &id).expect(404);
    }
    stranger.get("/account").expect(200);
    let theirs = live(&own).remove(1);
    let ended = end(&own, &theirs).expect(200);
    assert_eq!(ended.id(), theirs);
    phone.get("/account").expect(401);
    // Once more changes nothing.
    let audit = || app.auditor().get(&format!("/audit?subject_id={}&action=sign_in.ended", user.user_id)).expect(200);
    assert_eq!(end(&own, &theirs).expect(200).body, ended.body);
    assert_eq!((audit().items().len(), audit().text_at("/items/0/reason")), (1, "left open".to_owned()));
    assert_eq!(live(&own).len(), 1);
    // An API token of the same house is no sign-in.
    let token = app.database.texts("SELECT prefix FROM tokens WHERE kind = 'api'");
    assert!(!token.is_empty());
    end(&app.coordinator(), &theirs).expect(403);
}

/// What is answered to somebody signed in, once that statement was run.
fn after(app: &App, statement: impl Fn(&App, &Invited) -> String) -> u16 {
    let user = app.coordinating_user();
    let client = app.anonymous().signed_in(&user);
    client.get("/programs").expect(200);
    app.sql(&statement(app, &user)).unwrap();
    client.get("/programs").status
}

#[test]
fn a_right_that_ends_ends_for_whoever_is_signed_in_at_once() {
    let app = spawn_app();
    let past = app.instant("2020-01-01T00:00:00Z");
    assert_eq!(after(&app, |app, user| format!("UPDATE users SET disabled_at = {past} WHERE id = {}", app.hex(&user.user_id))), 401);
    let grant =
        |app: &App, user: &Invited| format!("UPDATE role_grants SET until_at = from_at WHERE id = {}", app.hex(&user.role_grant_id));
    assert_eq!(after(&app, grant), 401);
}

#[test]
fn whoever_was_disabled_signs_in_anew_once_that_is_taken_back() {
    let app = spawn_app();
    let user = app.coordinating_user();
    let client = app.anonymous().signed_in(&user);
    let set = |is_disabled: bool| {
        let id = user.user_id.parse().unwrap();
        let change = move |conn: &mut Conn, actor: &Actor, now| set_disabled(conn, actor, now, id, is_disabled, None);
        app.db.write_blocking(Credentials::Operator, change).unwrap();
    };
    set(true);
    client.get("/account").expect(401);
    app.anonymous().sign_in(&user.name, PASSWORD).expect(401);
    set(true);
    set(false);
    client.get("/account").expect(401);
    app.anonymous().signed_in(&user).get("/account").expect(200);
    let audit = app.auditor().get(&format!("/audit?subject_id={}", user.user_id)).expect(200).column("action");
    // Of whoever holds no role administrators hear.
    let idle = app.db.write_blocking(Credentials::Operator, |conn, actor, now| {
        let user = create_user(conn, actor, now, NewUser { name: "nobody".parse().unwrap(), person_id: None })?;
        set_disabled(conn, actor, now, user.id, true, None)
    });
    let path = format!("/audit?action=user.disabled&subject_id={}", idle.unwrap().id);
    assert_eq!((app.administrator().get(&path).expect(200).items().len(), app.auditor().get(&path).expect(200).items().len()), (1, 0));
    assert!(
        audit.ends_with(&["sign_in.ended", "user.disabled", "credentials.refused", "user.enabled", "sign_in.begun"].map(str::to_owned)),
        "{audit:?}"
    );
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn an_idempotency_key_is_one_sign_ins_own() {
    let app = spawn_app();
    let user = app.coordinating_user();
    let body = json!({ "code": "P-1", "name": "program" });
    let [first, second] = [(); 2].map(|()| app.anonymous().signed_in(&user).idempotency_key("same"));
    let made = first.post("/programs", body.clone()).expect(201);
    assert_eq!(first.post("/programs", body.clone()).expect(201).header("idempotency-replayed"), "true");
    second.post("/programs", body).expect(409).problem("already_exists");
    assert_eq!(first.get("/programs").expect(200).column("id"), [made.id()]);
}

#[test]
fn sign_ins_of_long_ago_are_forgotten() {
    let app = spawn_app();
    let client = app.anonymous().signed_in(&app.coordinating_user());
    let sweep = || app.db.write_blocking(Credentials::Operator, |conn, _, now| muster::accounts::sweep(conn, now)).unwrap();
    let left = || app.count("SELECT count(*) FROM tokens WHERE kind = 'sign_in'");
    pass(&app, "expires_at", 30 * 24 * 60);
    sweep();
    assert_eq!(left(), 1);
    pass(&app, "expires_at", 12 * 60);
    sweep();
    assert_eq!(left(), 0);
    client.get("/account").expect(401);
    // Tokens of programs stay, however old.
    let token = app.coordinator();
    app.sql(&format!("UPDATE tokens SET expires_at = {}", app.instant("2020-01-01T00:00:00Z"))).unwrap();
    sweep();
    assert!(app.count("SELECT count(*) FROM tokens") > 0);
    token.get("/account").expect(401);
}

#[test]
fn of_signing_out_and_acting_in_another_role_at_once_one_goes_first() {
    let app = spawn_app();
    let user = app.coordinating_user();
    for _ in 0..rounds().div_ceil(5) {
        let client = app.anonymous().signed_in(&user);
        let replies = at_once(2, |index| match index {
            0 => client.post("/account/sign-out", json!({})),
            _ => client.post("/account/act", json!({ "role_grant_id": user.role_grant_id })),
        });
        // Whoever comes second is nobody any more.
        let statuses: Vec<u16> = replies.iter().map(|reply| reply.status).collect();
        assert!(statuses == [200, 401] || statuses == [401, 200], "{statuses:?}");
        client.get("/account").expect(401);
    }
    assert_eq!(
        app.count("SELECT count(*) FROM journal_entries WHERE action = 'sign_in.ended'"),
        i64::from(rounds().div_ceil(5)),
        "each has ended once"
    );
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn of_changing_a_password_and_accepting_an_invitation_at_once_nobody_waits_for_the_other_for_good() {
    let app = spawn_app();
    let other = "vier Öfen, und einer raucht doch";
    for _ in 0..rounds().div_ceil(5) {
        let user = app.coordinating_user();
        let (client, secret) = (app.anonymous().signed_in(&user), app.invited_again(&user));
        let replies = at_once(2, |index| match index {
            0 => client.post("/account/password", json!({ "password": PASSWORD, "new_password": other })),
            _ => app.anonymous().post("/invitations/accept", json!({ "secret": secret, "password": "fünf Öfen, und alle rauchen" })),
        });
        let statuses: Vec<u16> = replies.iter().map(|reply| reply.status).collect();
        assert!([[200, 409], [401, 200], [422, 200]].iter().any(|one| statuses == one), "{statuses:?}");
    }
}
