//! What somebody takes along who is transferred, and what becomes of it when its origin is corrected.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use diesel::{prelude::*, sql_query};
use uuid::Uuid;

use super::{
    super::{
        carrying::{Carried, corrected, present},
        model::{CarriedHours, EntryKind, HourEntry, ModuleMinutes, Posting},
    },
    insert, roll_up,
};
use crate::{
    access::{Action, Actor},
    clock::Instant,
    db::{self, CHUNK, Conn, types::Uid},
    enrollments::{Enrollment, EnrollmentId},
    error::Error,
    id::Id,
    intakes::{self, Intake, IntakeId},
    journal::{EntryId, NewEntry},
    programs::{DisciplineId, ModuleId, ProgramVersionId},
    schema::{amendments, enrollments as enrolled, hour_entries, modules},
    text::Code,
};

/// An enrollment that went on from another one.
#[derive(Clone, Copy, Debug, QueryableByName)]
struct Link {
    #[diesel(sql_type = Uid)]
    from_id: EnrollmentId,
    #[diesel(sql_type = Uid)]
    from_version: ProgramVersionId,
    #[diesel(sql_type = Uid)]
    to_id: EnrollmentId,
    #[diesel(sql_type = Uid)]
    to_version: ProgramVersionId,
    #[diesel(sql_type = Uid)]
    to_discipline: DisciplineId,
    #[diesel(sql_type = Uid)]
    to_intake: IntakeId,
}

const LINKS: &str = "SELECT f.id AS from_id, f.program_version_id AS from_version, t.id AS to_id, t.program_version_id AS to_version,
    t.discipline_id AS to_discipline, t.intake_id AS to_intake
    FROM enrollments t JOIN enrollments f ON f.id = t.transferred_from_id";

/// Carries the hours that `from` is present for into `to`, which went on from it: by module, the same or the one with the same code, and of
/// none more than is planned of it there.
pub fn carry_in(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    intake: &Intake,
    (from, to): (&Enrollment, &Enrollment),
) -> Result<CarriedHours, Error> {
    actor.may(Action::Enroll)?;
    let link = Link {
        from_id: from.id,
        from_version: from.program_version_id,
        to_id: to.id,
        to_version: to.program_version_id,
        to_discipline: to.discipline_id,
        to_intake: to.intake_id,
    };
    let changes: Vec<Carried> = corrections(conn, &[link])?.into_iter().map(|(_, one)| one).collect();
    let mut hours = CarriedHours::default();
    let mut sums: BTreeMap<ModuleId, i32> = BTreeMap::new();
    for one in &changes {
        *sums.entry(one.module_id).or_default() += one.minutes;
    }
    let origin = entries_of(conn, &[link.from_id])?.remove(&link.from_id).unwrap_or_default();
    let mut left: BTreeMap<ModuleId, i32> = BTreeMap::new();
    for entry in present(&origin.iter().collect::<Vec<_>>()) {
        *left.entry(entry.module_id).or_default() += entry.minutes;
    }
    for entry in &origin {
        if let Some(carried) = changes.iter().find(|one| one.origin_id == entry.id) {
            *left.entry(entry.module_id).or_default() -= carried.minutes;
        }
    }
    let minutes = |(module_id, minutes): (ModuleId, i32)| (minutes > 0).then_some(ModuleMinutes { module_id, minutes });
    hours.carried = sums.into_iter().filter_map(minutes).collect();
    hours.left_behind = left.into_iter().filter_map(minutes).collect();
    let Some(module_id) = changes.first().map(|one| one.module_id) else { return Ok(hours) };
    let act = NewEntry::of("hours.carried", "enrollment", to.id).provider(intake.provider_id).intake(intake.id);
    let posting = Posting { id: act.id(), module_id, reason: None, user_id: actor.user_id(), recorded_at: now };
    write(conn, &posting, changes.into_iter().map(|one| (to.id, one)).collect())?;
    roll_up(conn, posting.id)?;
    actor.record(act.from(&from.id).to(&hours));
    Ok(hours)
}

/// Has what was carried follow what an act posted: of what it took back nothing stays carried, and what it posted instead is carried on.
/// Before the balances are moved.
pub(super) fn follow(conn: &mut Conn, posting: &Posting) -> Result<(), Error> {
    // Whoever was transferred twice carries what was carried.
    while follow_once(conn, posting)? {}
    Ok(())
}

fn follow_once(conn: &mut Conn, posting: &Posting) -> Result<bool, Error> {
    let links: Vec<Link> =
        sql_query(format!("{LINKS} WHERE f.id IN (SELECT enrollment_id FROM hour_entries WHERE posting_id = $1) ORDER BY t.intake_id"))
            .bind::<Uid, EntryId>(posting.id)
            .load(conn)?;
    let intakes: BTreeSet<IntakeId> = links.iter().map(|link| link.to_intake).collect();
    for intake in &intakes {
        // Whoever is there might be about to go on once more.
        db::lock(conn, "intake", *intake)?;
    }
    let changes = corrections(conn, &links)?;
    let followed = !changes.is_empty();
    write(conn, posting, changes)?;
    if followed {
        for intake in intakes {
            intakes::touch_all(conn, intake)?;
        }
    }
    Ok(followed)
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

/// What has to be written where links lead to, so that it stands there as it is due.
fn corrections(conn: &mut Conn, links: &[Link]) -> Result<Vec<(EnrollmentId, Carried)>, Error> {
    if links.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<EnrollmentId> = links.iter().flat_map(|link| [link.from_id, link.to_id]).collect();
    let (entries, plans) = (entries_of(conn, &ids)?, Plans::load(conn, links)?);
    let of = |id: EnrollmentId| entries.get(&id).map_or(&[][..], Vec::as_slice);
    let mut changes = Vec::new();
    for link in links {
        for (from_module, to_module, planned) in plans.counterparts(*link) {
            let origin: Vec<&HourEntry> = of(link.from_id).iter().filter(|entry| entry.module_id == from_module).collect();
            let carried = of(link.to_id).iter().filter(|entry| entry.kind == EntryKind::CarriedIn && entry.module_id == to_module);
            let corrected = corrected(to_module, planned, &origin, &carried.collect::<Vec<_>>());
            changes.extend(corrected.into_iter().map(|one| (link.to_id, one)));
        }
    }
    // What is taken back goes first, so that nothing is carried twice meanwhile.
    changes.sort_by_key(|(_, one)| one.minutes > 0);
    Ok(changes)
}

/// A module as a version has it: of that version, and of a discipline or common.
type Module = (ProgramVersionId, ModuleId, Option<DisciplineId>, Code, i32);

/// The modules of the versions that links lead from and to, and by what the intakes that they lead to have changed them.
struct Plans {
    modules: Vec<Module>,
    amended: HashMap<(IntakeId, ModuleId), i64>,
}

impl Plans {
    fn load(conn: &mut Conn, links: &[Link]) -> Result<Self, Error> {
        let versions: BTreeSet<ProgramVersionId> = links.iter().flat_map(|link| [link.from_version, link.to_version]).collect();
        let intakes: BTreeSet<IntakeId> = links.iter().map(|link| link.to_intake).collect();
        let mut modules: Vec<Module> = Vec::new();
        for chunk in versions.into_iter().collect::<Vec<_>>().chunks(CHUNK) {
            let of_versions = modules::table.filter(modules::program_version_id.eq_any(chunk.to_vec())).order(modules::position);
            let columns = (modules::program_version_id, modules::id, modules::discipline_id, modules::code, modules::planned_minutes);
            modules.extend(of_versions.select(columns).load::<Module>(conn)?);
        }
        let mut amended: HashMap<(IntakeId, ModuleId), i64> = HashMap::new();
        for chunk in intakes.into_iter().collect::<Vec<_>>().chunks(CHUNK) {
            let of_intakes = amendments::table.filter(amendments::intake_id.eq_any(chunk.to_vec()));
            let columns = (amendments::intake_id, amendments::module_id, amendments::delta_minutes);
            for (intake, module, delta) in of_intakes.select(columns).load::<(IntakeId, ModuleId, i32)>(conn)? {
                *amended.entry((intake, module)).or_default() += i64::from(delta);
            }
        }
        Ok(Self { modules, amended })
    }

    /// The modules of where a link leads from that where it leads to has too, each with the one that it is there and the minutes that are
    /// planned of that.
    fn counterparts(&self, link: Link) -> impl Iterator<Item = (ModuleId, ModuleId, i64)> {
        let of = |version: ProgramVersionId| self.modules.iter().filter(move |(of, ..)| *of == version);
        of(link.from_version).filter_map(move |(_, from, _, code, _)| {
            let owed = |discipline: &Option<DisciplineId>| discipline.is_none_or(|own| own == link.to_discipline);
            let same = |(_, id, discipline, other, _): &&Module| owed(discipline) && (id == from || other == code);
            let (_, to, _, _, minutes) = of(link.to_version).find(same)?;
            Some((*from, *to, i64::from(*minutes) + self.amended.get(&(link.to_intake, *to)).copied().unwrap_or(0)))
        })
    }
}

/// Holds what stands as carried against what is due by its origin.
pub fn verify_carried(conn: &mut Conn) -> Result<Vec<String>, Error> {
    let mut findings = Vec::new();
    let mut after: EnrollmentId = Id::from_uuid(Uuid::nil());
    loop {
        let links: Vec<Link> = sql_query(format!("{LINKS} WHERE t.id > $1 ORDER BY t.id LIMIT 100")).bind::<Uid, _>(after).load(conn)?;
        let Some(last) = links.last() else { break };
        after = last.to_id;
        let differing = corrections(conn, &links)?;
        findings.extend(differing.into_iter().map(|(to, one)| {
            format!("carried: enrollment {to} lacks or has too many of entry {}: {} minutes are to be posted", one.origin_id, one.minutes)
        }));
    }
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
