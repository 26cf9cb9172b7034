//! What somebody takes along who is transferred, and what becomes of it when its origin is corrected.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{
    super::{
        carrying::{Carried, corrected, present},
        model::{CarriedHours, EntryKind, HourEntry, HourEntryId, ModuleMinutes, Posting},
    },
    insert, roll_up,
};
use crate::{
    access::{Action, Actor},
    clock::Instant,
    db::{self, CHUNK, Conn, types::Uid},
    enrollments::EnrollmentId,
    error::Error,
    intakes::{self, Intake, IntakeId, IntakeState},
    journal::{EntryId, NewEntry},
    organizations::OrganizationId,
    programs::ModuleId,
    schema::{carried_modules, enrollments as enrolled, hour_entries, intakes as intake_rows},
};
use diesel::{prelude::*, sql_query};

/// How many enrollments are verified at a time.
const PAGE: i64 = 100;

/// A module of an enrollment that somebody was in before they were transferred, and the one that it counts for where they went on.
#[derive(Clone, Copy, Debug, Queryable, Selectable)]
#[diesel(table_name = carried_modules)]
struct Link {
    #[diesel(column_name = from_enrollment_id)]
    from_id: EnrollmentId,
    from_module_id: ModuleId,
    #[diesel(column_name = enrollment_id)]
    to_id: EnrollmentId,
    module_id: ModuleId,
    #[diesel(select_expression = enrolled::intake_id)]
    intake_id: IntakeId,
    #[diesel(select_expression = intake_rows::provider_id)]
    provider_id: OrganizationId,
    /// How much was planned there when they were transferred.
    planned_minutes: i32,
}

/// The modules of where somebody came from that where they are has too, of their discipline or common: those with the same code. Of what was
/// not in the plan there, those of the last place before in whose plan it was: whoever comes back to a discipline has its hours again. A
/// place in between carried them on, if it had the module, so that each minute comes along once.
const PIN: &str = "WITH RECURSIVE before (id, steps) AS (
        SELECT transferred_from_id, 1 FROM enrollments WHERE id = $1
        UNION ALL SELECT e.transferred_from_id, b.steps + 1 FROM before b JOIN enrollments e ON e.id = b.id WHERE e.transferred_from_id IS NOT NULL)
    INSERT INTO carried_modules (enrollment_id, from_enrollment_id, from_module_id, module_id, planned_minutes)
    SELECT t.id, f.id, o.id, m.id, m.planned_minutes + CAST(coalesce((SELECT sum(a.delta_minutes) FROM amendments a
        WHERE a.intake_id = t.intake_id AND a.module_id = m.id), 0) AS integer)
    FROM enrollments t
    JOIN modules m ON m.program_version_id = t.program_version_id AND (m.discipline_id IS NULL OR m.discipline_id = t.discipline_id)
    JOIN before b ON b.steps = coalesce((SELECT min(p.steps) FROM before p JOIN enrollments e ON e.id = p.id
        JOIN modules c ON c.program_version_id = e.program_version_id AND (c.discipline_id IS NULL OR c.discipline_id = e.discipline_id)
        WHERE c.code = m.code), 1)
    JOIN enrollments f ON f.id = b.id
    JOIN modules o ON o.program_version_id = f.program_version_id AND o.code = m.code
    WHERE t.id = $1";
/// The intakes where those went on who were transferred out of an intake, and so on from there; with the intake itself. One that is
/// completed keeps what came along, and what follows it may have hours from before it.
const FOLLOWING: &str = "WITH RECURSIVE following (id) AS (
        SELECT $1 UNION SELECT t.intake_id FROM following w
            JOIN enrollments f ON f.intake_id = w.id AND f.state = 'transferred' JOIN enrollments t ON t.transferred_from_id = f.id)
    SELECT id FROM following ORDER BY id";

#[derive(QueryableByName)]
struct Following {
    #[diesel(sql_type = Uid)]
    id: IntakeId,
}

/// Holds an intake and all those whose hours follow its own until the transaction ends, in the order of their ids, as whoever transfers
/// somebody holds them too.
pub fn hold(conn: &mut Conn, intake: IntakeId) -> Result<(), Error> {
    if db::waits(conn) {
        for following in sql_query(FOLLOWING).bind::<Uid, _>(intake).load::<Following>(conn)? {
            db::lock(conn, "intake", following.id)?;
        }
    }
    Ok(())
}

/// Carries the hours that somebody was present for in the enrollment that they were transferred from, or in those before it, into the one
/// where they go on: by module, the one with the same code, and of none more than is planned of it there by now.
pub fn carry_in(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    intake: &Intake,
    (from, to): (EnrollmentId, EnrollmentId),
) -> Result<CarriedHours, Error> {
    actor.may(Action::Enroll)?;
    sql_query(PIN).bind::<Uid, _>(to).execute(conn)?;
    let links = links_to(conn, &[to])?;
    let origins: BTreeSet<EnrollmentId> = links.iter().map(|link| link.from_id).chain([from]).collect();
    let entries = entries_of(conn, &origins.into_iter().collect::<Vec<_>>())?;
    let origin = entries.get(&from).map_or(&[][..], Vec::as_slice);
    let changes: Vec<Carried> = corrections(&entries, &links).into_iter().map(|(_, one)| one).collect();
    let hours = told(origin, &changes);
    let Some(first) = changes.first() else { return Ok(hours) };
    let act = NewEntry::of("hours.carried", "enrollment", to).provider(intake.provider_id).intake(intake.id);
    let posting = Posting { id: act.id(), module_id: first.module_id, reason: None, user_id: actor.user_id(), recorded_at: now };
    write(conn, &posting, changes.into_iter().map(|one| (to, one)).collect())?;
    roll_up(conn, posting.id)?;
    actor.record(act.from(&from).to(&hours));
    Ok(hours)
}

/// What is carried, by the modules of the new plan, and what of what they were present for is not, by those of the old one.
fn told(origin: &[HourEntry], changes: &[Carried]) -> CarriedHours {
    let mut carried: BTreeMap<ModuleId, i32> = BTreeMap::new();
    let mut by_origin: BTreeMap<HourEntryId, i32> = BTreeMap::new();
    for one in changes {
        *carried.entry(one.module_id).or_default() += one.minutes;
        by_origin.insert(one.origin_id, one.minutes);
    }
    let mut left: BTreeMap<ModuleId, i32> = BTreeMap::new();
    for entry in present(&origin.iter().collect::<Vec<_>>()) {
        *left.entry(entry.module_id).or_default() += entry.minutes - by_origin.get(&entry.id).copied().unwrap_or(0);
    }
    let list = |sums: BTreeMap<ModuleId, i32>| {
        let minutes = |(module_id, minutes): (ModuleId, i32)| (minutes > 0).then_some(ModuleMinutes { module_id, minutes });
        sums.into_iter().filter_map(minutes).collect()
    };
    CarriedHours { carried: list(carried), left_behind: list(left) }
}

/// Has what was carried follow what an act posted: of what it took back nothing stays carried, and what it posted instead is carried on.
/// Before the balances are moved. The journal says so of each enrollment, for those who do not see the act.
pub(super) fn follow(conn: &mut Conn, actor: &Actor, posting: &Posting) -> Result<(), Error> {
    let mut modules = BTreeSet::from([posting.module_id]);
    // Whoever was transferred twice carries what was carried.
    while !modules.is_empty() {
        modules = follow_once(conn, actor, posting, &modules)?;
    }
    Ok(())
}

/// What followed to an enrollment, in the journal.
#[derive(serde::Serialize)]
struct Followed {
    /// The entry of the act that it followed.
    act: EntryId,
    modules: Vec<ModuleMinutes>,
}

/// Says of which modules something followed.
fn follow_once(conn: &mut Conn, actor: &Actor, posting: &Posting, posted_of: &BTreeSet<ModuleId>) -> Result<BTreeSet<ModuleId>, Error> {
    let posted = hour_entries::table.filter(hour_entries::posting_id.eq(posting.id)).select(hour_entries::enrollment_id);
    let gone_on = carried_modules::table.filter(carried_modules::from_enrollment_id.eq_any(posted));
    let gone_on: Vec<EnrollmentId> =
        gone_on.order(carried_modules::enrollment_id).select(carried_modules::enrollment_id).distinct().load(conn)?;
    // Held by now, unless somebody was transferred there while the others were being held; and whether one is completed is asked behind that.
    let intakes: BTreeSet<IntakeId> = links_to(conn, &gone_on)?.iter().map(|link| link.intake_id).collect();
    for intake in &intakes {
        db::lock(conn, "intake", *intake)?;
    }
    let mut links = links_to(conn, &gone_on)?;
    links.retain(|link| posted_of.contains(&link.from_module_id));
    let ids: Vec<EnrollmentId> = links.iter().flat_map(|link| [link.from_id, link.to_id]).collect();
    let changes = corrections(&entries_of(conn, &ids)?, &links);
    let mut followed: BTreeMap<EnrollmentId, BTreeMap<ModuleId, i32>> = BTreeMap::new();
    for (to, one) in &changes {
        *followed.entry(*to).or_default().entry(one.module_id).or_default() += one.minutes;
    }
    let houses: BTreeMap<EnrollmentId, (IntakeId, OrganizationId)> =
        links.iter().map(|link| (link.to_id, (link.intake_id, link.provider_id))).filter(|(to, _)| followed.contains_key(to)).collect();
    for (to, minutes) in followed {
        let Some((intake, provider)) = houses.get(&to) else { continue };
        let modules = minutes.into_iter().map(|(module_id, minutes)| ModuleMinutes { module_id, minutes }).collect();
        let entry = NewEntry::of("hours.followed", "enrollment", to).provider(*provider).intake(*intake);
        actor.record(entry.to(&Followed { act: posting.id, modules }));
    }
    for intake in houses.values().map(|(intake, _)| *intake).collect::<BTreeSet<_>>() {
        intakes::touch_all(conn, intake)?;
    }
    let modules = changes.iter().map(|(_, one)| one.module_id).collect();
    write(conn, posting, changes)?;
    Ok(modules)
}

fn write(conn: &mut Conn, posting: &Posting, changes: Vec<(EnrollmentId, Carried)>) -> Result<(), Error> {
    let entry = |(to, Carried { module_id, origin_id, minutes, reverses_id }): (EnrollmentId, Carried)| HourEntry {
        module_id,
        origin_id: Some(origin_id),
        reverses_id,
        ..posting.entry(to, None, EntryKind::CarriedIn, minutes)
    };
    insert(conn, &changes.into_iter().map(entry).collect::<Vec<_>>())
}

fn entries_of(conn: &mut Conn, ids: &[EnrollmentId]) -> Result<HashMap<EnrollmentId, Vec<HourEntry>>, Error> {
    let mut entries: HashMap<EnrollmentId, Vec<HourEntry>> = HashMap::new();
    for chunk in ids.chunks(CHUNK) {
        let rows = hour_entries::table.filter(hour_entries::enrollment_id.eq_any(chunk.to_vec())).select(HourEntry::as_select());
        for entry in rows.load(conn)? {
            entries.entry(entry.enrollment_id).or_default().push(entry);
        }
    }
    Ok(entries)
}

fn links_to(conn: &mut Conn, ids: &[EnrollmentId]) -> Result<Vec<Link>, Error> {
    let mut links = Vec::new();
    for chunk in ids.chunks(CHUNK) {
        let to = carried_modules::table.inner_join(enrolled::table.on(enrolled::id.eq(carried_modules::enrollment_id)));
        // Everybody in a completed intake was decided by these hours, also by those that came along: they stay.
        let to = to.inner_join(intake_rows::table.on(intake_rows::id.eq(enrolled::intake_id)));
        let to = to.filter(intake_rows::state.ne(IntakeState::Completed)).filter(carried_modules::enrollment_id.eq_any(chunk.to_vec()));
        links.extend(to.order((carried_modules::enrollment_id, carried_modules::from_module_id)).select(Link::as_select()).load(conn)?);
    }
    Ok(links)
}

/// What has to be written where links lead to, so that it stands there as it is due.
fn corrections(entries: &HashMap<EnrollmentId, Vec<HourEntry>>, links: &[Link]) -> Vec<(EnrollmentId, Carried)> {
    let of = |id: EnrollmentId| entries.get(&id).map_or(&[][..], Vec::as_slice);
    let mut changes = Vec::new();
    for link in links {
        let origin: Vec<&HourEntry> = of(link.from_id).iter().filter(|entry| entry.module_id == link.from_module_id).collect();
        let carried = of(link.to_id).iter().filter(|entry| entry.kind == EntryKind::CarriedIn && entry.module_id == link.module_id);
        let corrected = corrected(link.module_id, link.planned_minutes.into(), &origin, &carried.collect::<Vec<_>>());
        changes.extend(corrected.into_iter().map(|one| (link.to_id, one)));
    }
    // What is taken back goes first, so that nothing is carried twice meanwhile.
    changes.sort_by_key(|(_, one)| one.minutes > 0);
    changes
}

/// Holds what stands as carried against what is due by its origin.
pub fn verify_carried(conn: &mut Conn) -> Result<Vec<String>, Error> {
    let gone_on = |conn: &mut Conn, after: EnrollmentId| {
        let gone_on = enrolled::table.filter(enrolled::id.gt(after)).filter(enrolled::transferred_from_id.is_not_null());
        gone_on.order(enrolled::id).limit(PAGE).select(enrolled::id).load(conn)
    };
    let mut findings = db::in_pages(conn, gone_on, |to| *to, |conn, page: Vec<EnrollmentId>| differing(conn, &page))?;
    let strays: Vec<EnrollmentId> = hour_entries::table
        .inner_join(enrolled::table.on(enrolled::id.eq(hour_entries::enrollment_id)))
        .filter(hour_entries::kind.eq(EntryKind::CarriedIn))
        .filter(enrolled::transferred_from_id.is_null())
        .select(hour_entries::enrollment_id)
        .distinct()
        .load(conn)?;
    findings.extend(strays.into_iter().map(|id| format!("carried: enrollment {id} has hours from elsewhere and came from nowhere")));
    Ok(findings)
}

fn differing(conn: &mut Conn, page: &[EnrollmentId]) -> Result<Vec<String>, Error> {
    let links = links_to(conn, page)?;
    let ids: BTreeSet<EnrollmentId> = page.iter().copied().chain(links.iter().map(|link| link.from_id)).collect();
    let ids: Vec<EnrollmentId> = ids.into_iter().collect();
    let says = |(to, one): (EnrollmentId, Carried)| {
        format!("carried: enrollment {to} lacks or has too many of entry {}: {} minutes are to be posted", one.origin_id, one.minutes)
    };
    Ok(corrections(&entries_of(conn, &ids)?, &links).into_iter().map(says).collect())
}
