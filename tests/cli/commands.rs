use clap::CommandFactory;
use muster::cli::Cli;

use crate::support::Home;

#[test]
fn every_command_has_help_with_examples() {
    fn walk(home: &Home, command: &clap::Command, path: &[&str]) {
        let ended = home.run(&[path, &["--help"]].concat()).with(0);
        assert!(ended.stdout.contains("\nExamples:\n"), "{path:?}: {}", ended.stdout);
        for inner in command.get_subcommands().filter(|inner| inner.get_name() != "help") {
            walk(home, inner, &[path, &[inner.get_name()]].concat());
        }
    }
    walk(&Home::new(), &Cli::command(), &[]);
}

#[test]
fn a_wrong_command_line_exits_with_2() {
    let home = Home::new();
    for wrong in [&["serv"][..], &["admin", "token"], &["admin", "token", "--role", "king"], &["backup"], &[]] {
        home.run(wrong).with(2);
    }
}

#[test]
fn a_wrong_database_is_said_in_one_line() {
    let home = Home::new();
    for (url, says) in [
        ("postgres://muster:secret@127.0.0.1:1/muster", "127.0.0.1"),
        ("/nowhere/muster.db", "/nowhere/muster.db: there is no folder /nowhere"),
        ("/", "is a folder, not a file"),
        ("mysql://muster:secret@db/muster", "mysql://"),
    ] {
        for command in ["serve", "migrate", "verify"] {
            let ended = home.run(&["--database-url", url, command, "--log", "off", "--json"]).with(1);
            assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
            assert!(ended.stderr.contains(says) && !ended.stderr.contains("secret"), "{ended:?}");
            assert!(ended.json()["error"]["message"].as_str().unwrap().contains(says), "{ended:?}");
        }
    }
}

#[test]
fn a_command_that_reads_does_not_make_a_database() {
    let home = Home::new();
    std::fs::write(home.path("list.csv"), "姓名\n").unwrap();
    let id = "01930000-0000-7000-8000-000000000001";
    for command in [
        &["verify"][..],
        &["backup", "b.db"],
        &["migrate", "--check"],
        &["admin", "organization", "list"],
        &["admin", "organization", "create", "--code", "USTB", "--name", "USTB", "--kind", "university"],
        &["admin", "user", "create", "--name", "x"],
        &["admin", "token", "--role", "administrator"],
        &["import", "roster", "list.csv", "--intake", "X"],
        &["import", "list"],
        &["import", "undo", id],
    ] {
        let ended = home.run(&[command, &["--json"]].concat()).with(1);
        assert_eq!(ended.json()["error"]["code"], "no_database", "{command:?}");
    }
    home.run(&["doctor"]).with(3);
    assert!(!home.path("muster.db").exists());
}

#[test]
fn an_address_that_only_sqlite_understands_is_refused_before_it_makes_a_file() {
    let home = Home::new();
    for url in ["file:muster.db", "sqlite:file:muster.db?mode=rwc", "sqlite://file:muster.db"] {
        for command in ["migrate", "verify"] {
            let ended = home.run(&["--database-url", url, command, "--json"]).with(1);
            assert_eq!(ended.json()["error"]["code"], "database_url", "{url} {command}");
        }
    }
    assert!(!home.path("muster.db").exists());
    assert!(!home.path("file:muster.db").exists());
}

#[test]
fn a_new_database_is_told_with_its_place() {
    let home = Home::new();
    let folder = std::fs::canonicalize(home.path("")).unwrap();
    let made = |name: &str| format!("muster: there was no database; a new, empty one was made at {}\n", folder.join(name).display());
    assert_eq!(home.run(&["--database-url", "mistyped.db", "migrate"]).with(0).stderr, made("mistyped.db"));
    assert_eq!(home.run(&["--database-url", "mistyped.db", "migrate"]).with(0).stderr, "");
    // The address is nobody's: the server ends after it made its database.
    let serve = ["--database-url", "served.db", "serve", "--listen", "192.0.2.1:1", "--log", "off"];
    let (first, second) = (home.run(&serve).with(1), home.run(&serve).with(1));
    assert_eq!(first.stderr, format!("{}{}", made("served.db"), second.stderr));
}

#[test]
fn a_flag_beats_the_environment_beats_the_file_beats_the_default() {
    let mut home = Home::new();
    let migrates = |home: &Home, args: &[&str], expected: &str| {
        home.run(&[args, &["migrate"]].concat()).with(0);
        assert!(home.path(expected).exists(), "{expected}");
    };
    migrates(&home, &[], "muster.db");
    std::fs::write(home.path("muster.toml"), "database_url = \"file.db\"\n").unwrap();
    migrates(&home, &[], "file.db");
    home.set("DATABASE_URL", "common.db");
    migrates(&home, &[], "common.db");
    home.set("MUSTER_DATABASE_URL", "environment.db");
    migrates(&home, &[], "environment.db");
    migrates(&home, &["--database-url", "flag.db"], "flag.db");
}

#[test]
fn a_settings_file_that_is_named_is_read_and_must_be_right() {
    let mut home = Home::new();
    std::fs::write(home.path("other.toml"), "database_url = \"other.db\"\n").unwrap();
    std::fs::write(home.path("wrong.toml"), "databse_url = \"other.db\"\n").unwrap();
    home.run(&["--config", "other.toml", "migrate"]).with(0);
    assert!(home.path("other.db").exists());
    for wrong in ["wrong.toml", "missing.toml"] {
        let ended = home.run(&["--config", wrong, "migrate", "--json"]).with(1);
        assert_eq!(ended.json()["error"]["code"], "settings");
        assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
    }
    home.set("MUSTER_CONFIG", "missing.toml");
    home.run(&["migrate"]).with(1);
}

#[test]
fn migrate_says_what_it_applied_and_check_what_is_pending() {
    let home = Home::new();
    std::fs::write(home.path("muster.db"), "").unwrap();
    let pending = home.run(&["migrate", "--check", "--json"]).with(3).json();
    let applied = home.run(&["migrate", "--json"]).with(0).json();
    assert_eq!(pending["pending"], applied["applied"]);
    assert_eq!(applied["applied"].as_array().unwrap().len(), muster::db::known_migrations());
    assert_eq!(home.run(&["migrate"]).with(0).stdout, "up to date\n");
    home.run(&["migrate", "--check"]).with(0);
}

#[test]
fn processes_that_migrate_together_wait_for_each_other() {
    let home = Home::new();
    let counts: Vec<usize> = std::thread::scope(|scope| {
        let migrate = || home.run(&["migrate", "--json"]).with(0).json()["applied"].as_array().unwrap().len();
        let together: Vec<_> = (0..4).map(|_| scope.spawn(migrate)).collect();
        together.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert_eq!(counts.iter().sum::<usize>(), muster::db::known_migrations(), "{counts:?}");
    home.run(&["verify"]).with(0);
}

#[test]
fn openapi_prints_the_same_valid_document_every_time() {
    let home = Home::new();
    let document = home.run(&["openapi"]).with(0);
    assert_eq!(document.json()["openapi"], "3.1.0");
    assert_eq!(document.stdout, home.run(&["openapi", "--json"]).with(0).stdout);
}

#[test]
fn doctor_tells_what_is_well_from_what_is_wrong() {
    let home = Home::migrated();
    let well = home.run(&["doctor", "--json"]);
    let of = |ended: &crate::support::Ended, name: &str| {
        let checks = ended.json()["checks"].as_array().unwrap().clone();
        checks.iter().find(|check| check["name"] == name).map(|check| check["ok"].clone())
    };
    for name in ["database", "durability", "migrations", "writable", "clock"] {
        assert_eq!(of(&well, name), Some(true.into()), "{name}: {well:?}");
    }
    std::fs::write(home.path("empty.db"), "").unwrap();
    let ill = home.run(&["--database-url", "empty.db", "doctor", "--json"]).with(3);
    assert_eq!((of(&ill, "database"), of(&ill, "migrations")), (Some(true.into()), Some(false.into())));
}

#[test]
fn doctor_takes_a_running_server_for_well() {
    let mut home = Home::new();
    let server = home.serve();
    home.set("MUSTER_LISTEN", &server.address);
    let beside = home.run(&["doctor"]).with(0);
    assert!(beside.stdout.contains(&format!("{} is in use: a Muster answers there", server.address)), "{beside:?}");
    let strange = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    home.set("MUSTER_LISTEN", &strange.local_addr().unwrap().to_string());
    let ended = home.run(&["doctor"]).with(3);
    assert!(ended.stdout.contains("wrong  listen"), "{ended:?}");
}
