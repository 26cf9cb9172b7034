//! The cookie, and other sites.

use muster::config::Settings;
use serde_json::json;

use crate::support::{App, Client, PASSWORD, TestDatabase, spawn_app, spawn_app_with};

#[test]
fn the_cookie_is_for_this_host_and_no_script() {
    let app = spawn_app();
    let user = app.coordinating_user();
    let cookie = app.anonymous().sign_in(&user.name, PASSWORD).expect(201).header("set-cookie").to_owned();
    let parts: Vec<&str> = cookie.split("; ").collect();
    assert!(parts[0].starts_with("muster=muster_") && parts[0].len() == 7 + 71, "{cookie}");
    let mut rest = parts[1..].to_vec();
    rest.sort_unstable();
    assert_eq!(rest[..1].iter().chain(&rest[2..]).copied().collect::<Vec<_>>(), ["HttpOnly", "Path=/", "SameSite=Lax"]);
    let lifetime: u32 = rest[1].strip_prefix("Max-Age=").unwrap().parse().unwrap();
    assert!((12 * 3600 - 5..=12 * 3600).contains(&lifetime), "{cookie}");
}

#[test]
fn behind_tls_the_cookie_is_bound_to_it() {
    let url = "https://muster.example.org".to_owned().try_into().unwrap();
    let app = spawn_app_with(TestDatabase::create(), Settings { public_url: Some(url), ..Settings::default() });
    let user = app.coordinating_user();
    let reply = app.anonymous().sign_in(&user.name, PASSWORD).expect(201);
    let cookie = reply.header("set-cookie");
    assert!(cookie.starts_with("__Host-muster=muster_") && cookie.contains("; Secure") && !cookie.contains("Domain"), "{cookie}");
    app.anonymous().keeping(&reply).get("/account").expect(200);
    // The name without the prefix, which any page of the host could have set, opens nothing.
    let (_, secret) = cookie.split_once('=').unwrap();
    let secret = secret.split(';').next().unwrap();
    let sent = |cookies: &str| app.anonymous().with_header("cookie", cookies).get("/account");
    // Nor do names that come to the same once they are decoded or trimmed, to which browsers do not hold what the prefix promises.
    for name in ["muster", "%5F%5FHost-muster", "__host-muster", "\u{a0}__Host-muster", "__Host-muster ", "__Host-muster\t"] {
        sent(&format!("{name}={secret}")).expect(401);
    }
    for others in ["a=b", "caf\u{e9}=\u{e9}", "x", "", "__Host-muster2=x", "%5F%5FHost-muster=muster_0"] {
        sent(&format!("{others}; __Host-muster={secret}")).expect(200);
        sent(&format!("__Host-muster={secret};{others}")).expect(200);
    }
    // One of two somebody else has set.
    sent(&format!("__Host-muster={secret}; __Host-muster={secret}")).expect(400).problem("header_repeated");
}

#[test]
fn a_cookie_is_no_bearer_token_and_a_token_no_cookie() {
    let app = spawn_app();
    let user = app.coordinating_user();
    let reply = app.anonymous().sign_in(&user.name, PASSWORD).expect(201);
    let secret = reply.header("set-cookie").split(['=', ';']).nth(1).unwrap().to_owned();
    app.anonymous().with_header("cookie", &format!("muster={secret}")).get("/account").expect(200);
    app.anonymous().with_header("authorization", &format!("Bearer {secret}")).get("/account").expect(401);
    let token = app.coordinator().token.unwrap();
    app.anonymous().with_header("authorization", &format!("Bearer {token}")).get("/account").expect(200);
    app.anonymous().with_header("cookie", &format!("muster={token}")).get("/account").expect(401);
    // What is sent on purpose goes before what is sent along.
    let both = app.anonymous().with_header("cookie", &format!("muster={secret}"));
    assert_eq!(both.with_header("authorization", &format!("Bearer {token}")).get("/account").expect(200).text_at("/by"), "api");
    both.with_header("authorization", "Bearer x").get("/account").expect(401);
}

/// Whether a request that writes is done, sent by a browser with these headers.
fn is_done(app: &App, client: &Client, headers: &[(&str, &str)]) -> bool {
    let client = headers.iter().fold(client.clone(), |client, (name, value)| client.with_header(name, value));
    let body = json!({ "code": format!("P-{}", app.absent_id()), "name": "program" });
    let reply = client.post("/programs", body.clone());
    if reply.status == 201 {
        return true;
    }
    app.unchanged(|| client.post("/programs", body).expect(403).problem("cross_site"));
    client.get("/programs").expect(200);
    false
}

#[test]
fn what_a_page_of_another_site_sends_is_not_done() {
    let app = spawn_app();
    let user = app.coordinating_user();
    let own = format!("http://{}", app.address);
    for client in [app.anonymous().signed_in(&user), app.coordinator()] {
        let done = |headers: &[(&str, &str)]| is_done(&app, &client, headers);
        assert!(done(&[]));
        for site in ["same-origin", "none"] {
            assert!(done(&[("sec-fetch-site", site)]));
            assert!(done(&[("sec-fetch-site", site), ("origin", "https://elsewhere.example.org")]));
        }
        for site in ["cross-site", "same-site", "nonsense"] {
            assert!(!done(&[("sec-fetch-site", site)]));
            assert!(!done(&[("sec-fetch-site", site), ("origin", &own)]));
        }
        assert!(done(&[("origin", &own)]));
        for origin in ["https://elsewhere.example.org", "null", "http://localhost", &format!("{own}.example.org")] {
            assert!(!done(&[("origin", origin)]), "{origin}");
        }
    }
    // Nor does it sign anybody in as somebody else.
    let elsewhere = app.anonymous().with_header("sec-fetch-site", "cross-site");
    let refused = elsewhere.sign_in(&user.name, PASSWORD).expect(403).problem("cross_site");
    assert!(refused.headers.get("set-cookie").is_none());
}

#[test]
fn behind_a_proxy_the_public_address_is_here() {
    let url = "https://muster.example.org".to_owned().try_into().unwrap();
    let app = spawn_app_with(TestDatabase::create(), Settings { public_url: Some(url), ..Settings::default() });
    let client = app.coordinator();
    assert!(is_done(&app, &client, &[("origin", "https://muster.example.org")]));
    for origin in ["http://muster.example.org", "https://muster.example.org:8443", &format!("http://{}", app.address)] {
        assert!(!is_done(&app, &client, &[("origin", origin)]), "{origin}");
    }
}

#[test]
fn every_answer_tells_browsers_to_do_no_more_than_show_it() {
    let app = spawn_app();
    let client = app.coordinator();
    let token = client.token.clone().unwrap();
    for reply in [
        client.get("/programs").expect(200),
        client.get("/programs/x").expect(404),
        app.anonymous().get("/programs").expect(401),
        client.delete("/programs").expect(405),
        client.get("/import-templates/roster").expect(200),
        app.anonymous().with_header("sec-fetch-site", "cross-site").sign_in("x", "x").expect(403),
        app.anonymous().get("/api/openapi.json").expect(200),
        app.anonymous().get("/healthz").expect(200),
        app.anonymous().get("/api/docs/").expect(200),
    ] {
        let headers = ["x-content-type-options", "referrer-policy", "x-frame-options", "cross-origin-resource-policy"];
        assert_eq!(headers.map(|name| reply.header(name)), ["nosniff", "no-referrer", "DENY", "same-origin"], "{:?}", reply.headers);
        let policy = reply.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; ") && policy.contains("frame-ancestors 'none'"), "{policy}");
        assert_eq!(policy.contains("script-src"), reply.text.starts_with("<!doctype html>"), "{policy}");
        assert!(!policy.contains("script-src 'self' 'unsafe") && reply.header("strict-transport-security").is_empty());
        assert!(!format!("{:?}", reply.headers).contains(&token));
    }
    let url = "https://muster.example.org".to_owned().try_into().unwrap();
    let app = spawn_app_with(TestDatabase::create(), Settings { public_url: Some(url), ..Settings::default() });
    assert_eq!(app.anonymous().get("/healthz").expect(200).header("strict-transport-security"), "max-age=31536000");
}
