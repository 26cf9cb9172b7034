use std::{
    io::Seek,
    net::TcpStream,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use serde_json::json;

use crate::support::Home;

#[test]
fn serve_makes_its_database_prints_its_address_and_answers() {
    let home = Home::new();
    let server = home.serve();
    let documentation = format!("— API documentation at http://{}/api/docs/\n", server.address);
    assert_eq!(server.announced, format!("Muster listens on http://{} {documentation}", server.address));
    assert_eq!(server.get("/healthz", "").0, 200);
    assert_eq!(server.get("/readyz", "").0, 200);
    assert_eq!(server.get("/api/docs/", "").0, 200);
    assert_eq!(server.get("/api/openapi.json", "").1, home.run(&["openapi"]).json());
}

#[test]
fn whoever_serves_for_the_first_time_is_given_a_link_to_set_up_with() {
    let home = Home::new();
    let link = |told: bool| {
        let mut log = tempfile::tempfile().unwrap();
        let server = home.serve_logging("warn", log.try_clone().unwrap());
        log.rewind().unwrap();
        let logged = std::io::read_to_string(log).unwrap();
        assert_eq!(logged.contains("nobody is there yet"), told, "{logged}");
        let link = logged.split_whitespace().find(|word| word.contains("/api/v1/invitations/")).map(str::to_owned);
        (server, link)
    };
    let (server, first) = link(true);
    drop(server);
    // Nobody came: the next start gives another one, and the first is good no more.
    let (server, second) = link(true);
    let path = |link: &Option<String>| link.as_ref().unwrap().split_once("/api/v1").unwrap().1.to_owned();
    assert!(second.as_ref().unwrap().starts_with(&format!("http://{}/", server.address)));
    let shown = server.get(&format!("/api/v1{}", path(&second)), "");
    assert_eq!((shown.0, &shown.1["role"]), (200, &json!("administrator")));
    assert_eq!(server.get(&format!("/api/v1{}", path(&first)), "").0, 404);
    let secret = path(&second).rsplit_once('/').unwrap().1.to_owned();
    let accepted = server.post("/api/v1/invitations/accept", "", json!({ "secret": secret, "password": "drei Öfen, und keiner raucht" }));
    assert_eq!(accepted["name"], "administrator");
    drop(server);
    link(false);
    // Nor where somebody has been let in by the command line.
    let home = Home::migrated();
    home.token(&["--role", "administrator"]);
    let server = home.command(&["--json", "serve", "--listen", "127.0.0.1:0"]).stdout(std::process::Stdio::piped()).spawn();
    let mut server = server.unwrap();
    let mut told = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(server.stdout.take().unwrap()), &mut told).unwrap();
    server.kill().unwrap();
    server.wait().unwrap();
    assert_eq!(serde_json::from_str::<serde_json::Value>(&told).unwrap()["set_up"], json!(null), "{told}");
}

#[test]
fn a_token_made_beside_the_running_server_works_until_it_is_revoked() {
    let home = Home::new();
    let server = home.serve();
    home.organization("USTB");
    let token = home.token(&["--role", "coordinator", "--organization", "USTB"]);
    let (status, body) = server.get("/api/v1/organizations", &token);
    assert_eq!((status, &body["items"][0]["code"]), (200, &"USTB".into()));
    home.run(&["admin", "token", "revoke", &token[..17]]).with(0);
    assert_eq!(server.get("/api/v1/organizations", &token).0, 401);
}

#[test]
fn the_secret_in_the_address_of_a_feed_is_not_logged() {
    let home = Home::migrated();
    let mut log = tempfile::tempfile().unwrap();
    let mut server = home.serve_logging("info", log.try_clone().unwrap());
    assert_eq!(server.get("/healthz", "").0, 200);
    assert_eq!(server.get("/api/v1/schedules/muster_0123456789abcdef.ics", "").0, 404);
    assert_eq!(server.get("/api/v1/invitations/%6Duster_0123456789abcdef", "").0, 404);
    server.signal("TERM");
    assert_eq!(server.ended(), Some(0));
    log.rewind().unwrap();
    let logged = std::io::read_to_string(log).unwrap();
    assert!(
        logged.contains(r#""http.target":"/healthz""#) && logged.contains(r#""http.target":"/api/v1/schedules/muster_….ics""#),
        "{logged}"
    );
    assert!(!logged.contains("0123456789abcdef"), "{logged}");
}

#[test]
fn a_request_in_flight_is_answered_before_the_server_ends() {
    for signal in ["TERM", "INT"] {
        let home = Home::migrated();
        let mut server = home.serve();
        let token = home.token(&["--role", "administrator"]);
        let half_sent = server.begin_create(&token, "SLOW");
        server.signal(signal);
        assert!(server.has_stopped_listening(), "{signal}");
        assert_eq!(half_sent.finish(), "HTTP/1.1 201 Created", "{signal}");
        assert_eq!(server.ended(), Some(0), "{signal}");
        assert_eq!(home.organization_codes(&[]), ["SLOW"]);
    }
}

#[test]
fn an_idle_connection_does_not_hold_the_end_up() {
    let home = Home::new();
    let mut server = home.serve();
    let _idle = TcpStream::connect(&server.address).unwrap();
    assert_eq!(server.get("/healthz", "").0, 200);
    server.signal("TERM");
    let begun = std::time::Instant::now();
    assert_eq!(server.ended(), Some(0));
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[test]
fn a_second_signal_ends_the_server_at_once() {
    let home = Home::migrated();
    let mut server = home.serve();
    let _half_sent = server.begin_create(&home.token(&["--role", "administrator"]), "NEVER");
    server.signal("INT");
    assert!(server.has_stopped_listening());
    server.signal("INT");
    let begun = std::time::Instant::now();
    assert_eq!(server.ended(), Some(1));
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
}

#[test]
fn the_file_of_a_stopped_server_is_whole_without_its_log() {
    let home = Home::migrated();
    let mut server = home.serve();
    let token = home.token(&["--role", "administrator"]);
    assert_eq!(server.create(&token, "USTB"), Some(201));
    server.signal("TERM");
    assert_eq!(server.ended(), Some(0));
    std::fs::copy(home.path("muster.db"), home.path("copy.db")).unwrap();
    assert_eq!(home.organization_codes(&["--database-url", "copy.db"]), ["USTB"]);
}

#[test]
fn an_acknowledged_write_survives_kill_9() {
    let home = Home::migrated();
    let token = home.token(&["--role", "administrator"]);
    let mut acknowledged = Vec::new();
    for round in 0..3 {
        let mut server = home.serve();
        let count = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            let (server, token, count) = (&server, &token, &count);
            let write = move |writer: i32| {
                let mut known = Vec::new();
                for code in (0..10).map(|number| format!("R{round}W{writer}N{number}")) {
                    if server.create(token, &code) != Some(201) {
                        break;
                    }
                    known.push(code);
                    count.fetch_add(1, Ordering::Relaxed);
                }
                known
            };
            let writers: Vec<_> = (0..2).map(|writer| scope.spawn(move || write(writer))).collect();
            // While they write: each has ten to do.
            while count.load(Ordering::Relaxed) < 5 {
                std::hint::spin_loop();
            }
            server.signal("KILL");
            acknowledged.extend(writers.into_iter().flat_map(|writer| writer.join().unwrap()));
        });
        server.kill();
    }
    let stored = home.organization_codes(&[]);
    let lost: Vec<_> = acknowledged.iter().filter(|code| !stored.contains(code)).collect();
    assert!(lost.is_empty(), "{lost:?} of {acknowledged:?}");
    home.run(&["verify"]).with(0);
}

#[test]
fn an_address_that_is_taken_is_said() {
    let home = Home::new();
    let server = home.serve();
    let ended = home.run(&["serve", "--listen", &server.address, "--log", "off"]).with(1);
    assert!(ended.stderr.contains(&server.address) && ended.stderr.lines().count() == 1, "{ended:?}");
    assert_eq!(ended.stdout, "");
}

#[test]
fn the_server_seals_the_journal_by_itself() {
    use diesel::{Connection, QueryableByName, RunQueryDsl, SqliteConnection, sql_query, sql_types::BigInt};
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        n: i64,
    }
    let home = Home::migrated();
    home.organization("USTB");
    let mut conn = SqliteConnection::establish(home.path("muster.db").to_str().unwrap()).unwrap();
    let mut waiting = || sql_query("SELECT count(*) AS n FROM journal_unsealed").get_result::<Count>(&mut conn).unwrap().n;
    assert!(waiting() > 0);
    let _server = home.serve();
    let begun = std::time::Instant::now();
    while waiting() > 0 {
        assert!(begun.elapsed() < Duration::from_secs(20), "nobody sealed it");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn an_address_that_is_told_begins_with_the_public_one_and_whoever_loses_a_token_is_known_to_have_made_it() {
    let mut home = Home::migrated();
    home.organization("USTB");
    let token = home.token(&["--role", "coordinator", "--organization", "USTB"]);
    let doctor = |home: &Home| home.run(&["doctor", "--json"]).json()["checks"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(doctor(&home)["ok"], true);
    home.set("MUSTER_LISTEN", "0.0.0.0:0");
    assert_eq!(doctor(&home)["ok"], false);
    home.set("MUSTER_PUBLIC_URL", "https://muster.example.org/");
    assert_eq!(doctor(&home)["detail"], "https://muster.example.org");
    let server = home.serve();
    let room = server.post("/api/v1/rooms", &token, json!({ "code": "A-301", "name": "301", "kind": "on_site" }));
    let made = server.post("/api/v1/feeds", &token, json!({ "kind": "room", "subject_id": room["id"] }));
    let path = made["address"].as_str().unwrap().strip_prefix("https://muster.example.org").unwrap();
    assert!(path.starts_with("/api/v1/schedules/muster_"), "{made}");
    assert_eq!(made["webcal_address"], format!("webcal://muster.example.org{path}"));
    let revoked = home.run(&["admin", "token", "revoke", &token, "--json"]).with(0);
    assert_eq!((&revoked.json()["feeds"][0]["id"], &revoked.json()["feeds"][0]["made_by"]), (&made["id"], &json!("coordinator@USTB")));
    assert!(revoked.stderr.contains("feeds that the same user made are still read"), "{revoked:?}");
    assert_eq!(server.get(path, "").0, 200);
}
