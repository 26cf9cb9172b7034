//! How often a password may be guessed.

use std::time::Instant;

use muster::{access::Role, config::Settings};
use serde_json::json;

use crate::support::{App, Client, PASSWORD, Reply, TestDatabase, at_once, spawn_app, spawn_app_with};

const WRONG: &str = "fünf Öfen, und alle rauchen";

/// Lets so many minutes pass for every attempt.
fn pass(app: &App, minutes: u32) {
    let earlier = match app.database.kind() {
        crate::support::Kind::Sqlite => format!("attempted_at - {minutes} * 60000000"),
        crate::support::Kind::Postgres => format!("attempted_at - interval '{minutes} minutes'"),
    };
    app.sql(&format!("UPDATE sign_in_attempts SET attempted_at = {earlier}")).unwrap();
}

fn told(reply: &Reply) -> (u16, serde_json::Value) {
    let mut body = reply.body.clone();
    body.as_object_mut().unwrap().remove("instance");
    (reply.status, body)
}

#[test]
fn a_wrong_password_an_unknown_user_and_one_who_may_not_are_told_alike() {
    let app = spawn_app();
    let nobody = app.anonymous();
    let [known, disabled, ended] = [(); 3].map(|()| app.coordinating_user());
    let invited = app.invited(Role::Coordinator, Some(&app.provider().id), None);
    let past = app.instant("2020-01-01T00:00:00Z");
    app.sql(&format!("UPDATE users SET disabled_at = {past} WHERE id = {}", app.hex(&disabled.user_id))).unwrap();
    app.sql(&format!("UPDATE role_grants SET until_at = from_at WHERE id = {}", app.hex(&ended.role_grant_id))).unwrap();
    let wrong = nobody.sign_in(&known.name, WRONG).expect(401).problem("wrong_credentials");
    for (name, password) in [
        ("nobody", PASSWORD),
        (&disabled.name, PASSWORD),
        (&ended.name, PASSWORD),
        (&invited.name, PASSWORD),
        (&known.name.to_uppercase(), PASSWORD),
    ] {
        assert_eq!(told(&nobody.sign_in(name, password)), told(&wrong), "{name}");
    }
    for user in [&disabled, &ended] {
        let chosen = json!({ "name": user.name, "password": PASSWORD, "role_grant_id": user.role_grant_id });
        assert_eq!(told(&nobody.post("/sign-ins", chosen)), told(&wrong), "{}", user.name);
    }
}

#[test]
fn an_unknown_user_costs_as_much_as_a_known_one() {
    let app = spawn_app();
    let user = app.coordinating_user();
    let time = |name: &str| {
        let begun = Instant::now();
        app.anonymous().sign_in(name, WRONG).expect(401);
        begun.elapsed()
    };
    let quickest = |name: &str| (0..5).map(|_| time(name)).min().unwrap();
    // Proving a password costs twenty times what else there is to be done, so that a third tells whether it was.
    let (known, unknown) = (quickest(&user.name), quickest("nobody"));
    assert!(unknown * 3 > known, "{unknown:?} {known:?}");
}

#[test]
fn after_ten_failures_an_account_waits_and_no_other() {
    let app = spawn_app();
    let (nobody, user, other) = (app.anonymous(), app.coordinating_user(), app.coordinating_user());
    for _ in 0..12 {
        nobody.sign_in(&user.name, PASSWORD).expect(201);
    }
    for _ in 0..10 {
        nobody.sign_in(&user.name, WRONG).expect(401);
    }
    for password in [WRONG, PASSWORD] {
        let refused = nobody.sign_in(&user.name, password).expect(429).problem("too_many_attempts");
        let wait: u64 = refused.header("retry-after").parse().unwrap();
        assert!((890..=901).contains(&wait), "{wait}");
    }
    nobody.sign_in(&other.name, PASSWORD).expect(201);
    pass(&app, 14);
    nobody.sign_in(&user.name, PASSWORD).expect(429);
    pass(&app, 1);
    nobody.sign_in(&user.name, PASSWORD).expect(201);
    app.db.write_blocking(muster::access::Credentials::Operator, |conn, _, now| muster::accounts::sweep(conn, now)).unwrap();
    assert_eq!(app.count("SELECT count(*) FROM sign_in_attempts"), 0);
}

#[test]
fn who_is_not_there_waits_after_as_many() {
    let app = spawn_app();
    for _ in 0..10 {
        app.anonymous().sign_in("nobody", WRONG).expect(401);
    }
    app.anonymous().sign_in("nobody", WRONG).expect(429);
}

#[test]
fn many_at_once_are_no_more_than_there_may_be() {
    let app = spawn_app();
    let user = app.coordinating_user();
    let replies = at_once(24, |_| app.anonymous().sign_in(&user.name, WRONG));
    let mut counts = [0; 3];
    for reply in &replies {
        counts[match reply.status {
            401 => 0,
            429 => 1,
            _ => 2,
        }] += 1;
    }
    assert_eq!(counts, [10, 14, 0]);
}

/// As many failures from the address of the last one as there may be.
fn fill(app: &App) {
    // The one that there is, and those.
    for number in 1..100 {
        let (id, account) = (app.hex(&app.absent_id()), format!("{number:064x}"));
        let account = match app.database.kind() {
            crate::support::Kind::Sqlite => format!("x'{account}'"),
            crate::support::Kind::Postgres => format!("'\\x{account}'::bytea"),
        };
        let last = "FROM sign_in_attempts ORDER BY attempted_at DESC, id DESC LIMIT 1";
        app.sql(&format!("INSERT INTO sign_in_attempts SELECT {id}, {account}, address, attempted_at {last}")).unwrap();
    }
}

#[test]
fn after_a_hundred_failures_an_address_waits_whatever_it_says_of_itself() {
    let app = spawn_app();
    let user = app.coordinating_user();
    let from = |address: &str| app.anonymous().with_header("x-forwarded-for", address);
    from("192.0.2.1").sign_in("nobody", WRONG).expect(401);
    fill(&app);
    app.sql("DELETE FROM sign_in_attempts WHERE id = (SELECT id FROM sign_in_attempts ORDER BY id LIMIT 1)").unwrap();
    from("192.0.2.2").sign_in(&user.name, PASSWORD).expect(201);
    from("192.0.2.3").sign_in("nobody", WRONG).expect(401);
    from("192.0.2.2").sign_in(&user.name, PASSWORD).expect(429).problem("too_many_attempts");
    pass(&app, 15);
    from("192.0.2.2").sign_in(&user.name, PASSWORD).expect(201);
}

#[test]
fn behind_a_trusted_proxy_each_address_is_counted_apart() {
    let trusted = "127.0.0.1, 10.0.0.0/8".to_owned().try_into().unwrap();
    let app = spawn_app_with(TestDatabase::create(), Settings { trusted_proxies: trusted, ..Settings::default() });
    let user = app.coordinating_user();
    let from = |address: &str| -> Client { app.anonymous().with_header("x-forwarded-for", address) };
    from("192.0.2.1").sign_in("nobody", WRONG).expect(401);
    fill(&app);
    // What stands before the last one that nobody trusted added, anybody may have written.
    for same in ["192.0.2.1", "192.0.2.9, 192.0.2.1", "192.0.2.9, 192.0.2.1, 10.1.2.3", "::ffff:192.0.2.1", "192.0.2.1:4711"] {
        from(same).sign_in(&user.name, PASSWORD).expect(429);
    }
    for other in ["192.0.2.2", "192.0.2.1, 192.0.2.2", "nonsense", "192.0.2.1, nonsense, 10.1.2.3", "192.0.2.1, caf\u{e9}, 10.1.2.3"] {
        from(other).sign_in(&user.name, PASSWORD).expect(201);
    }
}

#[test]
fn whoever_is_invited_again_waits_no_longer() {
    let app = spawn_app();
    let user = app.coordinating_user();
    for _ in 0..10 {
        app.anonymous().sign_in(&user.name, WRONG).expect(401);
    }
    app.anonymous().sign_in(&user.name, PASSWORD).expect(429);
    let secret = app.invited_again(&user);
    let new = format!("{PASSWORD}, noch nie");
    app.anonymous().post("/invitations/accept", json!({ "secret": secret, "password": new })).expect(200);
    app.anonymous().sign_in(&user.name, &new).expect(201);
}

#[test]
fn an_invitation_is_guessed_no_more_often_than_a_password() {
    let app = spawn_app();
    let accept = |secret: &str| app.anonymous().post("/invitations/accept", json!({ "secret": secret, "password": PASSWORD }));
    let invited = app.invited(Role::Coordinator, Some(&app.provider().id), None);
    for _ in 0..12 {
        let weak = json!({ "secret": invited.secret, "password": "weak" });
        app.anonymous().post("/invitations/accept", weak).fault("/password", "password_too_short");
    }
    accept(&invited.secret).expect(200);
    for _ in 0..10 {
        accept(&invited.secret).expect(409);
    }
    accept(&invited.secret).expect(429).problem("too_many_attempts");
    fill(&app);
    accept("muster_0").expect(429);
}

#[test]
fn a_right_password_for_a_role_that_is_not_theirs_counts_for_nothing() {
    let app = spawn_app();
    let user = app.coordinating_user();
    for _ in 0..12 {
        let chosen = json!({ "name": user.name, "password": PASSWORD, "role_grant_id": app.absent_id() });
        app.anonymous().post("/sign-ins", chosen).fault("/role_grant_id", "unknown_role_grant");
    }
    app.anonymous().sign_in(&user.name, PASSWORD).expect(201);
}
