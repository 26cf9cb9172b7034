use crate::support::Home;

#[test]
fn organizations_are_made_by_code_and_listed() {
    let home = Home::migrated();
    home.organization("JISCO");
    home.run(&["admin", "organization", "create", "--code", "IRON", "--name", "炼铁厂", "--kind", "unit", "--parent", "JISCO"]).with(0);
    assert_eq!(home.organization_codes(&[]), ["JISCO", "IRON"]);
    let again = home.run(&["admin", "organization", "create", "--code", "IRON", "--name", "x", "--kind", "college", "--json"]).with(1);
    assert_eq!(again.json()["error"]["code"], "already_exists");
    assert!(again.stderr.contains("IRON"), "{again:?}");
}

#[test]
fn a_token_goes_to_stdout_alone_and_what_is_there_is_taken() {
    let home = Home::migrated();
    home.organization("USTB");
    let first = home.run(&["admin", "token", "--role", "coordinator", "--organization", "USTB", "--user", "王老师"]).with(0);
    assert!(first.stdout.starts_with("muster_") && first.stdout.trim().len() == 71, "{first:?}");
    assert!(first.stderr.contains("coordinator at USTB, user 王老师"), "{first:?}");
    let second =
        home.run(&["--json", "admin", "token", "create", "--role", "coordinator", "--organization", "USTB", "--user", "王老师"]).with(0);
    assert_ne!(second.json()["token"], first.stdout.trim());
    let listed = home.run(&["admin", "token", "list", "--json"]).with(0);
    assert_eq!(listed.json()["items"].as_array().unwrap().len(), 2);
    assert!(!listed.stdout.contains(first.stdout.trim()), "a list holds no secrets");
    home.run(&["admin", "user", "create", "--name", "王老师"]).with(1);
}

#[test]
fn an_invitation_goes_to_stdout_alone_and_withdraws_the_one_before() {
    let home = Home::migrated();
    home.organization("USTB");
    let invite = |more: &[&str]| {
        home.run(&[&["admin", "user", "invite", "--role", "coordinator", "--organization", "USTB", "--user", "王老师"], more].concat())
            .with(0)
    };
    let first = invite(&[]);
    assert!(first.stdout.starts_with("muster_") && first.stdout.trim().len() == 71, "{first:?}");
    assert!(first.stderr.contains("coordinator at USTB, user 王老师, good until"), "{first:?}");
    let twice = home.run(&["--json", "admin", "user", "invite", "--role", "auditor", "--organization", "USTB", "--user", "王老师"]).with(1);
    assert_eq!(twice.json()["error"]["code"], "user_taken", "{twice:?}");
    let second = invite(&["--again", "--json", "--expires-in-hours", "1"]).json();
    assert_eq!(second["user"]["name"], "王老师");
    let server = home.serve();
    let accept = |secret: &str| {
        let body = serde_json::json!({ "secret": secret, "password": "drei Öfen, und keiner raucht" });
        server.post_as_nobody("/api/v1/invitations/accept", body)
    };
    assert_eq!(accept(first.stdout.trim()), 409);
    assert_eq!(accept(second["secret"].as_str().unwrap()), 200);
    assert_eq!(accept(second["secret"].as_str().unwrap()), 409);
    for (args, code) in [
        (&["--role", "coordinator"][..], "role_organization"),
        (&["--role", "trainee", "--organization", "USTB"], "person_missing"),
        (&["--role", "coordinator", "--organization", "NONE"], "unknown_organization"),
        (&["--role", "coordinator", "--organization", "USTB", "--again"], "unknown_user"),
    ] {
        let ended = home.run(&[&["--json", "admin", "user", "invite", "--user", "李老师"], args].concat()).with(1);
        assert_eq!(ended.json()["error"]["code"], code, "{args:?}");
    }
    home.run(&["admin", "user", "invite", "--role", "administrator", "--user", "root", "--expires-in-hours", "0"]).with(2);
    home.run(&["admin", "user", "invite", "--role", "administrator"]).with(2);
}

#[test]
fn a_user_is_listed_disabled_and_enabled_again() {
    let home = Home::migrated();
    home.organization("USTB");
    let token = home.token(&["--role", "coordinator", "--organization", "USTB", "--user", "王老师"]);
    let server = home.serve();
    assert_eq!(server.get("/api/v1/programs", &token).0, 200);
    let disable = |step: &str, code: i32| home.run(&["--json", "admin", "user", step, "王老师"]).with(code).json();
    assert!(disable("disable", 0)["disabled_at"].is_string());
    assert_eq!(server.get("/api/v1/programs", &token).0, 401);
    let listed = home.run(&["admin", "user", "list"]).with(0);
    assert!(listed.stdout.contains("  disabled 20") && listed.stdout.contains("  coordinator@USTB  王老师"), "{listed:?}");
    let invited =
        home.run(&["--json", "admin", "user", "invite", "--role", "coordinator", "--organization", "USTB", "--user", "王老师", "--again"]);
    assert_eq!(invited.with(1).json()["error"]["code"], "user_disabled");
    assert!(disable("enable", 0)["disabled_at"].is_null());
    assert_eq!(server.get("/api/v1/programs", &token).0, 200);
    let unknown = home.run(&["--json", "admin", "user", "disable", "nobody"]).with(1);
    assert_eq!(unknown.json()["error"]["code"], "unknown_user");
}

#[test]
fn a_token_can_be_narrowed_to_reading() {
    let home = Home::migrated();
    let token = home.token(&["--role", "administrator", "--read-only", "--expires-in-days", "1"]);
    let server = home.serve();
    assert_eq!(server.get("/api/v1/organizations", &token).0, 200);
    assert_eq!(server.create(&token, "USTB"), Some(403));
}

#[test]
fn a_token_that_would_be_good_for_nothing_is_refused_and_leaves_nothing_behind() {
    let home = Home::migrated();
    home.organization("USTB");
    let nobody = "01930000-0000-7000-8000-000000000001";
    home.run(&["admin", "organization", "create", "--code", "JISCO", "--name", "JISCO", "--kind", "enterprise"]).with(0);
    home.run(&["admin", "organization", "create", "--code", "PLANT", "--name", "PLANT", "--kind", "unit", "--parent", "JISCO"]).with(0);
    for (args, code) in [
        (&["--role", "coordinator", "--organization", "JISCO"][..], "role_organization"),
        (&["--role", "auditor", "--organization", "PLANT"], "role_organization"),
        (&["--role", "coordinator"], "role_organization"),
        (&["--role", "administrator", "--organization", "USTB"], "role_organization"),
        (&["--role", "coordinator", "--organization", "NONE"], "unknown_organization"),
        (&["--role", "trainee", "--organization", "USTB"], "person_missing"),
        (&["--role", "instructor", "--organization", "USTB"], "person_missing"),
        (&["--role", "trainee", "--organization", "USTB", "--person", nobody], "unknown_person"),
        (&["--role", "coordinator", "--organization", "USTB", "--intake", nobody], "unknown_intake"),
        (&["--role", "operator"], "role_not_grantable"),
        (&["revoke", "muster_0000000000"], "not_found"),
    ] {
        let ended = home.run(&[&["--json", "admin", "token"], args].concat()).with(1);
        assert_eq!(ended.json()["error"]["code"], code, "{args:?}");
        assert_eq!(ended.stderr.contains("--person"), code == "person_missing", "{ended:?}");
    }
    home.run(&["admin", "user", "create", "--name", "coordinator@USTB"]).with(0);
}
