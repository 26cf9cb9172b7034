//! `/users`, `/role-grants`, `/tokens`, `/disclosures`.

mod disclosed;
mod disclosures;
mod roles;
mod tokens;
mod users;

use diesel::connection::SimpleConnection;
use muster::access::{NewRoleGrant, NewUser, Role, create_user_in_role};
use serde_json::Value;

use crate::support::{App, Client, Invited, Kind, PASSWORD, Reply, at_once};

/// A partner of this organization who manages its access, signed in.
fn managing_partner(app: &App, organization: &str) -> Client {
    let organization = organization.parse().unwrap();
    let (name, role) = (format!("manager of {organization}"), NewRoleGrant::lasting(Role::Partner, Some(organization)));
    let user = NewUser { name: name.parse().unwrap(), person_id: None };
    let made = app.db.write_blocking(muster::access::Credentials::Operator, move |conn, actor, now| {
        let user = create_user_in_role(conn, actor, now, user, NewRoleGrant { manages_access: true, ..role })?;
        let grant = muster::access::grant_to_invite(conn, actor, now, user.id)?;
        Ok((user, muster::accounts::invite(conn, actor, now, grant, chrono::TimeDelta::hours(1))?))
    });
    let (user, invitation) = made.unwrap();
    accept(app, invitation.secret.expose()).expect(200);
    app.anonymous().keeping(&app.anonymous().sign_in(user.name.as_str(), PASSWORD).expect(201))
}

/// Sets the password of whoever was invited.
fn accept(app: &App, secret: &str) -> crate::support::Reply {
    app.anonymous().post("/invitations/accept", serde_json::json!({ "secret": secret, "password": PASSWORD }))
}

/// A coordinator of the provider, signed in, with the user.
fn coordinator(app: &App) -> (Client, Invited) {
    let user = app.coordinating_user();
    (app.anonymous().signed_in(&user), user)
}

/// What `work` returns, which must leave all users, roles, tokens and invitations as they were.
#[track_caller]
fn still<T>(app: &App, work: impl FnOnce() -> T) -> T {
    let tables = [
        ("users", "count(disabled_at)"),
        ("role_grants", "count(until_at)"),
        ("tokens WHERE kind = 'api'", "count(revoked_at)"),
        ("invitations", "count(accepted_at) || ' ' || count(withdrawn_at)"),
    ];
    let state = || {
        let lines = tables.map(|(table, ended)| format!("SELECT '{}' || count(*) || ' ' || {ended} FROM {table}", &table[..5]));
        app.database.texts(&lines.join(" UNION ALL "))
    };
    let before = state();
    let result = work();
    assert_eq!(state(), before, "something changed");
    result
}

/// The statuses of requests that are sent at once and, on Postgres, all know who asks before the first of them is let go on: somebody holds
/// the accounts meanwhile. On SQLite they go one after the other anyway.
fn held_up(app: &App, users: &[&str], count: usize, send: impl Fn(usize) -> Reply + Sync) -> Vec<u16> {
    let mut holder = app.database.connect();
    if app.database.kind() == Kind::Postgres {
        let key = |user: &&str| format!("SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || ':user:{user}', 0));");
        holder.batch_execute(&format!("BEGIN; {}", users.iter().map(key).collect::<String>())).unwrap();
    }
    let replies = std::thread::scope(|scope| {
        let sent = scope.spawn(|| at_once(count, &send));
        if app.database.kind() == Kind::Postgres {
            std::thread::sleep(std::time::Duration::from_millis(500));
            holder.batch_execute("COMMIT").unwrap();
        }
        sent.join().unwrap()
    });
    replies.iter().map(|reply| reply.status).collect()
}

/// The names of the users that somebody is shown.
fn names(client: &Client) -> Vec<String> {
    client.get("/users?limit=500").expect(200).column("name")
}

/// The ids of the roles of a user, as answered.
fn roles(user: &Value) -> Vec<String> {
    user["roles"].as_array().unwrap().iter().map(|role| role["id"].as_str().unwrap().to_owned()).collect()
}
