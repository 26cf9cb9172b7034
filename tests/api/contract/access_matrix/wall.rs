//! The second wall: whatever a read asks for, Postgres shows it no row beyond the scope of whoever asks. A SQLite file has no such wall.

use std::collections::BTreeSet;

use diesel::{QueryableByName, RunQueryDsl, connection::SimpleConnection, sql_query, sql_types::BigInt};
use muster::{
    access::{Credentials, Secret},
    db::Conn,
};

use super::stage::Stage;
use crate::support::{App, Client, Kind};

/// What no read is for: these the reader may not even ask.
const WITHHELD: [&str; 3] = ["idempotency_keys", "passwords", "sign_in_attempts"];
/// The directory of organizations, and where the journal stands: ids, hashes and instants. To everybody, within some scope.
const EVERYBODYS: [&str; 6] =
    ["journal_audiences", "journal_horizon", "journal_seals", "journal_unsealed", "organization_tree", "organizations"];

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
    assert_eq!(app.count("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'seen_%'"), 0);
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
fn without_a_scope_the_reader_is_shown_nothing() {
    let stage = Stage::set();
    if !has_wall(&stage.app) {
        return;
    }
    let Conn::Postgres(mut conn) = stage.app.database.connect() else { unreachable!() };
    conn.batch_execute("SET ROLE muster_reader; SET jit = off").unwrap();
    let (mut withheld, mut empty) = (BTreeSet::new(), BTreeSet::new());
    // Sealed, so that there are seals and audiences too.
    stage.app.administrator().get("/audit").expect(200);
    for table in tables(&stage.app) {
        match sql_query(format!("SELECT count(*) AS n FROM {table}")).get_result::<Count>(&mut conn) {
            Ok(Count { n }) => assert_eq!(n, 0, "{table}"),
            Err(error) => {
                assert!(error.to_string().contains("permission denied"), "{table}: {error}");
                withheld.insert(table.clone());
            }
        }
        if stage.app.count(&format!("SELECT count(*) FROM {table}")) == 0 {
            empty.insert(table);
        }
    }
    assert_eq!(withheld, WITHHELD.map(str::to_owned).into());
    // Of the others there was something to be shown.
    assert!(empty.len() < 10 && !empty.contains("enrollments"), "{empty:?}");
    for view in ["own_house", "seen_intakes", "seen_enrollments", "seen_people", "seen_users", "seen_imports"] {
        assert_eq!(sql_query(format!("SELECT count(*) AS n FROM {view}")).get_result::<Count>(&mut conn).unwrap().n, 0, "{view}");
    }
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
    let house = format!("SET LOCAL muster.organization = '{}';", stage.a.id("provider"));
    let (reader, whole) = ("SET LOCAL ROLE muster_reader;", "SET LOCAL muster.scope = 'everything';");
    let readable: Vec<String> = tables(&stage.app).into_iter().filter(|table| !WITHHELD.contains(&table.as_str())).collect();
    assert!(counted(&mut conn, &format!("{whole} {reader}"), "people") > 0);
    // Of no kind, with a house; and of any kind, by a role that may be a reader elsewhere.
    let stranger = format!("stranger_{}", &stage.app.absent_id().replace('-', "")[..20]);
    conn.batch_execute(&format!("CREATE ROLE {stranger}; GRANT muster_reader TO {stranger}")).unwrap();
    for table in &readable {
        assert_eq!(counted(&mut conn, &format!("{house} {reader}"), table), 0, "{table}");
        let as_stranger = format!("SET LOCAL SESSION AUTHORIZATION {stranger}; {house} {whole} {reader}");
        assert_eq!(counted(&mut conn, &as_stranger, table), 0, "{table}");
    }
    conn.batch_execute(&format!("DROP ROLE {stranger}")).unwrap();
    // A trainee's scope has no users, tokens or feeds of others.
    for table in ["users", "role_grants", "tokens", "invitations", "feeds", "journal_payloads", "imports", "calendars"] {
        let own = format!("SET LOCAL muster.scope = 'own'; {house} {reader}");
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
