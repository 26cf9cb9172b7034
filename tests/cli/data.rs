use diesel::{Connection, SqliteConnection, connection::SimpleConnection};
use sha2::{Digest, Sha256};

use crate::support::Home;

#[cfg(unix)]
#[test]
fn a_new_database_and_its_backup_are_their_owners_only() {
    use std::os::unix::fs::PermissionsExt;
    let home = Home::new();
    let server = home.serve();
    home.run(&["backup", "b.db"]).with(0);
    let mode = |name: &str| std::fs::metadata(home.path(name)).unwrap().permissions().mode() & 0o777;
    for name in ["muster.db", "muster.db-wal", "muster.db-shm", "b.db"] {
        assert_eq!(mode(name), 0o600, "{name}: {:o}", mode(name));
    }
    drop(server);
    // Who gave others a right to it has said so.
    std::fs::set_permissions(home.path("muster.db"), std::fs::Permissions::from_mode(0o640)).unwrap();
    home.run(&["doctor", "--json"]);
    assert_eq!(mode("muster.db"), 0o640);
}

#[test]
fn a_backup_made_under_writes_is_whole_and_can_be_verified() {
    let home = Home::migrated();
    let token = home.token(&["--role", "administrator"]);
    let server = home.serve();
    assert_eq!(server.create(&token, "BEFORE"), Some(201));
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| (0..20).all(|number| server.create(&token, &format!("N{number}")) == Some(201)));
        let ended = home.run(&["backup", "b.db", "--json"]).with(0);
        let copy = std::fs::read(home.path("b.db")).unwrap();
        let sum = hex::encode(Sha256::digest(&copy));
        assert_eq!((ended.json()["sha256"].as_str(), ended.json()["bytes"].as_u64()), (Some(sum.as_str()), Some(copy.len() as u64)));
        assert_eq!(std::fs::read_to_string(home.path("b.db.sha256")).unwrap(), format!("{sum}  b.db\n"));
        assert!(writer.join().unwrap());
    });
    let verified = home.run(&["--database-url", "b.db", "verify", "--json"]).with(0).json();
    assert_eq!((&verified["ok"], &verified["found"]["journal"]), (&true.into(), &0.into()));
    assert_eq!(home.organization_codes(&["--database-url", "b.db"])[0], "BEFORE");
}

#[test]
fn a_backup_overwrites_nothing_and_leaves_nothing_half_done() {
    let home = Home::migrated();
    for taken in ["b.db", "b.db.sha256"] {
        std::fs::write(home.path(taken), "precious").unwrap();
        assert_eq!(home.run(&["backup", "b.db", "--json"]).with(1).json()["error"]["code"], "file_exists");
        assert_eq!(std::fs::read_to_string(home.path(taken)).unwrap(), "precious");
        std::fs::remove_file(home.path(taken)).unwrap();
    }
    assert!(home.run(&["backup", "nowhere/b.db"]).with(1).stderr.contains("nowhere/b.db: cannot be written: there is no folder nowhere"));
    let names = std::fs::read_dir(home.path(".")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert!(names.into_iter().all(|name| name.starts_with("muster.db")));
}

#[test]
fn a_postgres_database_is_no_backup_but_a_command_without_the_password() {
    let url = "postgres://muster:secret@127.0.0.1:1/muster";
    let ended = Home::new().run(&["--database-url", url, "backup", "b.dump", "--json"]).with(1);
    assert_eq!(ended.json()["error"]["code"], "pg_dump_needed");
    assert!(ended.stderr.contains("pg_dump --format=custom --file='b.dump' 'postgres://muster@127.0.0.1:1/muster'"), "{ended:?}");
}

#[test]
fn verify_finds_what_was_changed_behind_the_rules() {
    let home = Home::migrated();
    home.organization("USTB");
    home.run(&["verify"]).with(0);
    SqliteConnection::establish(home.path("muster.db").to_str().unwrap())
        .unwrap()
        .batch_execute(
            "PRAGMA foreign_keys = OFF;
             DROP TRIGGER journal_entries_are_immutable;
             UPDATE journal_entries SET action = 'organization.destroyed' WHERE seq = 1;
             DELETE FROM organizations WHERE code = 'USTB';",
        )
        .unwrap();
    let ended = home.run(&["verify", "--json"]).with(3).json();
    assert_eq!(ended["ok"], false);
    let findings: Vec<_> = ended["findings"].as_array().unwrap().iter().map(|finding| finding.as_str().unwrap()).collect();
    assert!(findings.iter().any(|finding| finding.starts_with("journal: ")), "{findings:?}");
    assert!(findings.iter().any(|finding| finding.starts_with("references: ")), "{findings:?}");
    let for_people = home.run(&["verify"]).with(3);
    assert!(findings.iter().all(|finding| for_people.stdout.contains(finding)), "{for_people:?}");
}

#[test]
fn a_damaged_file_is_a_finding_and_an_empty_one_stays_empty() {
    let home = Home::migrated();
    let whole = std::fs::read(home.path("muster.db")).unwrap();
    // The header, the pages behind it, and the end.
    for (place, bytes, says) in
        [(0, 16, "database: file is not a database"), (4096, 200_000, "malformed"), (whole.len() / 2, whole.len() / 2, "malformed")]
    {
        let mut damaged = whole.clone();
        damaged[place..place + bytes].fill(b'x');
        std::fs::write(home.path("muster.db"), &damaged).unwrap();
        let ended = home.run(&["verify", "--json"]).with(3).json();
        let findings = ended["findings"].as_array().unwrap();
        assert!(findings.iter().any(|finding| finding.as_str().unwrap().contains(says)), "{place}: {findings:?}");
        assert_eq!(ended["ok"], false);
    }
    std::fs::write(home.path("empty.db"), "").unwrap();
    let ended = home.run(&["--database-url", "empty.db", "verify", "--json"]).with(1);
    assert_eq!(ended.json()["error"]["code"], "migrations_pending");
    assert_eq!(std::fs::read(home.path("empty.db")).unwrap(), b"");
    assert!(!home.path("empty.db-wal").exists() && !home.path("empty.db-shm").exists());
}

#[test]
fn a_head_that_was_kept_tells_whether_the_journal_goes_on_from_it() {
    let home = Home::migrated();
    assert_eq!(home.run(&["audit", "head"]).with(0).stdout.trim(), "0:");
    home.organization("USTB");
    let head = home.run(&["audit", "head"]).with(0).stdout.trim().to_owned();
    let json = home.run(&["audit", "head", "--json"]).with(0).json();
    assert_eq!((json["head"].as_str(), json["position"].as_i64()), (Some(head.as_str()), Some(1)));
    home.organization("JISCO");
    for kept in ["0:", &head] {
        let ended = home.run(&["verify", "--head", kept, "--json"]).with(0);
        assert_eq!(ended.json()["found"]["head"], 0);
    }
    let ahead = home.run(&["verify", "--head", &head.replacen("1:", "9:", 1)]).with(3);
    assert!(ahead.stdout.contains("the journal ends before position 9"), "{ahead:?}");
    home.run(&["verify", "--head", "yesterday"]).with(2);
}

#[test]
fn verifying_a_backup_leaves_it_as_its_sum_says() {
    let home = Home::migrated();
    home.organization("USTB");
    home.run(&["backup", "b.db"]).with(0);
    let before = std::fs::read(home.path("b.db")).unwrap();
    home.run(&["--database-url", "b.db", "verify"]).with(0);
    assert_eq!(std::fs::read(home.path("b.db")).unwrap(), before);
}
