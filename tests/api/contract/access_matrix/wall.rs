//! The second wall: whatever a read asks for, Postgres shows it no row beyond the scope of whoever asks. A SQLite file has no such wall.

use std::collections::BTreeSet;

use diesel::{QueryableByName, RunQueryDsl, connection::SimpleConnection, sql_query, sql_types::BigInt};
use muster::{
    access::{Credentials, Secret},
    db::Conn,
};

use super::{disclosed, stage::Stage};
use crate::support::{App, Client, Kind};

/// What no read is for: these the reader may not even ask.
const WITHHELD: [&str; 10] = [
    "erased_imports",
    "erased_payloads",
    "erasures",
    "idempotency_keys",
    "identity_numbers",
    "passwords",
    "recovery_codes",
    "second_factors",
    "sign_in_attempts",
    "sign_in_codes",
];
/// The directory of organizations, and where the journal stands: ids, hashes and instants. To everybody, within some scope.
const EVERYBODYS: [&str; 6] =
    ["journal_audiences", "journal_horizon", "journal_seals", "journal_unsealed", "organization_tree", "organizations"];

/// The roles that read, and a kind of scope of each.
const READERS: [(&str, &str); 4] = [
    ("muster_reader_all", "everything"),
    ("muster_reader_house", "provider"),
    ("muster_reader_sponsored", "sponsor"),
    ("muster_reader_own", "own"),
];

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

fn tables(app: &App) -> BTreeSet<String> {
    let tables = "SELECT relname::text FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'
                  AND relname <> '__diesel_schema_migrations'";
    app.database.texts(tables).into_iter().flatten().collect()
}

/// On SQLite there is nothing to try, and nothing that would only look like a wall.
fn has_wall(app: &App) -> bool {
    if app.database.kind() == Kind::Postgres {
        return true;
    }
    assert_eq!(app.count("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'house%' OR name LIKE 'sponsored%'"), 0);
    false
}

/// How many rows of a table have the pattern in them, to a read in this client's name that asks for all.
fn told(app: &App, client: &Client, table: &str, pattern: &str) -> i64 {
    let query = format!("SELECT count(*) AS n FROM {table} WHERE {table}::text ~ '{pattern}'");
    let credentials = Credentials::Bearer(Secret::from(client.token.as_deref().unwrap()));
    let job = move |conn: &mut Conn| match conn {
        Conn::Postgres(conn) => Ok(sql_query(query).get_result::<Count>(conn)?.n),
        Conn::Sqlite(_) => unreachable!(),
    };
    let db = app.db.clone();
    actix_web::rt::System::new().block_on(async move { db.read(credentials, move |conn, _, _| job(conn)).await }).unwrap()
}

#[test]
fn without_a_scope_no_reader_is_shown_anything() {
    let stage = Stage::set();
    if !has_wall(&stage.app) {
        return;
    }
    let Conn::Postgres(mut conn) = stage.app.database.connect() else { unreachable!() };
    // Sealed, so that there are seals and audiences too.
    stage.app.administrator().get("/audit").expect(200);
    disclosed::begin(&stage);
    for (reader, _) in READERS {
        conn.batch_execute(&format!("SET ROLE {reader}; SET jit = off")).unwrap();
        let mut withheld = BTreeSet::new();
        for table in tables(&stage.app) {
            match sql_query(format!("SELECT count(*) AS n FROM {table}")).get_result::<Count>(&mut conn) {
                Ok(Count { n }) => assert_eq!(n, 0, "{reader}: {table}"),
                Err(error) => {
                    assert!(error.to_string().contains("permission denied"), "{reader}: {table}: {error}");
                    withheld.insert(table);
                }
            }
        }
        assert_eq!(withheld, WITHHELD.map(str::to_owned).into(), "{reader}");
        for view in views(&stage.app, reader) {
            let rows = format!("SELECT count(*) AS n FROM {view} WHERE id IS NOT NULL");
            assert_eq!(sql_query(rows).get_result::<Count>(&mut conn).unwrap().n, 0, "{reader}: {view}");
        }
    }
    // Of most there was something to be shown.
    let readable = tables(&stage.app).into_iter().filter(|table| !WITHHELD.contains(&table.as_str()));
    let empty: Vec<String> = readable.filter(|table| stage.app.count(&format!("SELECT count(*) FROM {table}")) == 0).collect();
    assert!(empty.len() < 10 && !empty.contains(&"enrollments".to_owned()), "{empty:?}");
}

/// What the policies look at, as far as this reader may, too.
fn views(app: &App, reader: &str) -> Vec<String> {
    let views = format!(
        "SELECT relname::text FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind = 'v'
         AND has_table_privilege('{reader}', oid, 'SELECT')"
    );
    app.database.texts(&views).into_iter().flatten().collect()
}

/// What the reader is shown of a table with these settings made by hand, by whoever connected as `login`.
fn counted(conn: &mut diesel::PgConnection, settings: &str, table: &str) -> i64 {
    conn.batch_execute(&format!("BEGIN; SET LOCAL jit = off; {settings}")).unwrap();
    let counted = sql_query(format!("SELECT count(*) AS n FROM {table}")).get_result::<Count>(conn).unwrap().n;
    conn.batch_execute("ROLLBACK").unwrap();
    counted
}

#[test]
fn a_scope_is_one_for_the_owner_alone_and_says_of_what_kind_it_is() {
    let stage = Stage::set();
    if !has_wall(&stage.app) {
        return;
    }
    let Conn::Postgres(mut conn) = stage.app.database.connect() else { unreachable!() };
    let readable: Vec<String> = tables(&stage.app).into_iter().filter(|table| !WITHHELD.contains(&table.as_str())).collect();
    // Of no kind, with a house; and of any kind, by a role that may be a reader elsewhere.
    let stranger = format!("stranger_{}", &stage.app.absent_id().replace('-', "")[..20]);
    conn.batch_execute(&format!("CREATE ROLE {stranger}")).unwrap();
    let person = stage.app.database.texts(&format!("SELECT person_id::text FROM enrollments WHERE id = '{}'", stage.a.id("e1"))).remove(0);
    for (reader, kind) in READERS {
        conn.batch_execute(&format!("GRANT {reader} TO {stranger}")).unwrap();
        let house = if kind == "sponsor" { stage.a.id("s1") } else { stage.a.id("provider") };
        let of = format!("SET LOCAL muster.organization = '{house}'; SET LOCAL muster.person = '{}';", person.as_ref().unwrap());
        let become_reader = format!("SET LOCAL ROLE {reader};");
        let scope = |kind: &str| format!("SET LOCAL muster.scope = '{kind}';");
        assert!(counted(&mut conn, &format!("{of} {} {become_reader}", scope(kind)), "enrollments") > 0, "{reader}");
        for table in &readable {
            assert_eq!(counted(&mut conn, &format!("{of} {become_reader}"), table), 0, "{reader}: {table}");
            let as_stranger = format!("SET LOCAL SESSION AUTHORIZATION {stranger}; {of} {} {become_reader}", scope(kind));
            assert_eq!(counted(&mut conn, &as_stranger, table), 0, "{reader}: {table}");
        }
        // Nor is one reader shown what is in another's kind of scope.
        for (_, other) in READERS.into_iter().filter(|(other, _)| *other != reader) {
            for table in ["intakes", "enrollments", "hour_entries", "sessions", "programs", "imports", "calendars"] {
                assert_eq!(counted(&mut conn, &format!("{of} {} {become_reader}", scope(other)), table), 0, "{reader}: {other} {table}");
            }
        }
    }
    conn.batch_execute(&format!("DROP ROLE {stranger}")).unwrap();
    // A trainee's scope has no users, tokens or feeds of others.
    let own = format!(
        "SET LOCAL muster.scope = 'own'; SET LOCAL muster.organization = '{}'; SET LOCAL ROLE muster_reader_own;",
        stage.a.id("provider")
    );
    for table in ["users", "role_grants", "tokens", "invitations", "feeds", "journal_payloads", "imports", "calendars"] {
        assert_eq!(counted(&mut conn, &own, table), 0, "{table}");
    }
}

#[test]
fn a_read_is_shown_no_row_of_another_provider_whatever_it_asks_for() {
    let stage = Stage::set();
    if !has_wall(&stage.app) {
        return;
    }
    let others: Vec<&str> = stage.b.ids.values().map(String::as_str).chain(["CANARY-B"]).collect();
    let hidden = |names: &str| names.split(' ').map(|name| stage.a.id(name).to_owned()).collect::<Vec<_>>();
    // Of the own world: what is another sponsor's, or a fellow trainee's.
    let partner = "e3 e4 e6 e7 t3 t4 t6 t7 correction3 leave3 leave4 leave6";
    let trainee = "e2 e3 e4 e5 e6 e7 t2 t3 t4 t5 t6 t7 correction3 leave3 leave4 leave6";
    let mut wrong = Vec::new();
    for (role, own) in
        [("coordinator", ""), ("auditor", ""), ("class_adviser", ""), ("instructor", ""), ("partner", partner), ("trainee", trainee)]
    {
        let own = if own.is_empty() { Vec::new() } else { hidden(own) };
        let pattern = others.iter().copied().chain(own.iter().map(String::as_str)).collect::<Vec<_>>().join("|");
        for table in tables(&stage.app).iter().filter(|table| ![&WITHHELD[..], &EVERYBODYS].concat().contains(&table.as_str())) {
            let count = told(&stage.app, &stage.clients[role], table, &pattern);
            if count > 0 {
                wrong.push(format!("{role}: {count} of {table}"));
            }
        }
        // And yet what is theirs.
        assert!(told(&stage.app, &stage.clients[role], "enrollments", stage.a.id("e1")) == 1, "{role}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_disclosed_is_shown_while_it_is_and_neither_before_nor_after() {
    let stage = Stage::set();
    if !has_wall(&stage.app) {
        return;
    }
    let disclosed = [
        ("enrollments", "e3"),
        ("enrollments", "e6"),
        ("people", "t4"),
        ("hour_entries", "e3"),
        ("hour_balances", "e3"),
        ("leave_requests", "leave6"),
        ("correction_requests", "correction3"),
        ("intakes", "i2"),
        ("sessions", "away"),
        ("programs", "p2"),
        ("intake_sponsors", "s2"),
    ];
    let count = |role: &str, (table, name): (&str, &str)| told(&stage.app, &stage.clients[role], table, stage.a.id(name)).min(1);
    let shown = |role: &str| disclosed.map(|what| count(role, what));
    assert_eq!(shown("partner"), [0; 11]);
    let id = disclosed::begin(&stage);
    assert_eq!(shown("partner"), [1; 11]);
    // Nor is anybody else shown anything by it, nor of it.
    assert_eq!(shown("trainee")[..7], [0; 7]);
    assert_eq!(told(&stage.app, &stage.clients["partner"], "disclosures", &id), 1);
    for role in ["coordinator", "auditor", "class_adviser", "instructor", "trainee"] {
        assert_eq!(told(&stage.app, &stage.clients[role], "disclosures", &id), 0, "{role}");
    }
    let others: Vec<&str> = stage.b.ids.values().map(String::as_str).chain(["CANARY-B"]).collect();
    for table in tables(&stage.app).iter().filter(|table| ![&WITHHELD[..], &EVERYBODYS].concat().contains(&table.as_str())) {
        assert_eq!(told(&stage.app, &stage.clients["partner"], table, &others.join("|")), 0, "{table}");
    }
    let set = |column: &str, at: &str| {
        let (id, at) = (stage.app.hex(&id), stage.app.instant(at));
        stage.app.forge("disclosures", &format!("UPDATE disclosures SET {column} = {at} WHERE id = {id}"));
    };
    set("from_at", "2090-01-01T00:00:00Z");
    assert_eq!(shown("partner"), [0; 11]);
    set("from_at", "2020-01-01T00:00:00Z");
    assert_eq!(shown("partner"), [1; 11]);
    disclosed::end(&stage, &id);
    assert_eq!(shown("partner"), [0; 11]);
}
