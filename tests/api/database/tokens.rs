//! A token can always be revoked, and no other with it.

use muster::{
    access::{self, Credentials, Role, Token},
    error::Error,
};

use crate::support::{App, TokenOptions, spawn_app};

fn revoke(app: &App, named: &str) -> Result<Token, Error> {
    let named = named.to_owned();
    app.db.write_blocking(Credentials::Operator, move |conn, actor, now| {
        let id = access::named_token(conn, actor, &named)?;
        access::revoke_token(conn, actor, now, id, None).map(|(token, ..)| token)
    })
}

#[test]
fn tokens_that_begin_alike_are_revoked_one_by_one() {
    let app = spawn_app();
    let clients = [0, 1, 2].map(|_| app.client_for(Role::Administrator, None, None, TokenOptions::default()));
    let [first, second, third] = clients.each_ref().map(|client| client.token.clone().unwrap());
    app.sql(&format!("UPDATE tokens SET prefix = '{}'", &first[..17])).unwrap();
    let answers = || clients.each_ref().map(|client| client.get("/organizations").status);
    match revoke(&app, &first[..17]) {
        Err(Error::Conflict { code: "token_ambiguous", detail }) => assert!(detail.starts_with("3 tokens"), "{detail}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(answers(), [200; 3]);
    revoke(&app, &second).unwrap();
    assert_eq!(answers(), [200, 401, 200]);
    let listed = app.db.read_blocking(&Credentials::Operator, |conn, actor, _| access::list_tokens(conn, actor, None, i64::MAX)).unwrap();
    let user = clients[2].user_id.as_deref().unwrap();
    let (last, ..) = listed.iter().find(|(_, _, holder)| holder.id.to_string() == user).unwrap();
    revoke(&app, &last.id.to_string()).unwrap();
    assert_eq!(answers(), [200, 401, 401]);
    assert!(matches!(revoke(&app, &third), Err(Error::NotFound)), "revoked already");
    // The only one left that begins so.
    revoke(&app, &first[..20]).unwrap();
    assert_eq!(answers(), [401; 3]);
}

#[test]
fn a_whole_token_names_no_other_that_begins_alike() {
    let app = spawn_app();
    let client = app.administrator();
    let token = client.token.clone().unwrap();
    let other = format!("{}{}", &token[..17], "0".repeat(54));
    for named in [&other, &token[..12], "muster_", ""] {
        assert!(matches!(revoke(&app, named), Err(Error::NotFound)), "{named}");
    }
    client.get("/organizations").expect(200);
}
