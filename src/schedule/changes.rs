//! What is told of a change to whoever it concerns: from what to what, why, and one text ready to be forwarded; pure.

use std::{borrow::Cow, collections::HashMap};

use chrono::{Datelike, NaiveDate, NaiveDateTime};
use diesel::{Insertable, Queryable, Selectable};
use fluent_templates::{LanguageIdentifier, Loader, fluent_bundle::FluentValue};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    conflicts::Subject,
    model::{RoomOfSession, Session, SessionId, SessionRow},
};
use crate::{
    access::UserId,
    clock::Instant,
    db::types::text_enum,
    enrollments::EnrollmentId,
    id::Id,
    intakes::{CohortId, IntakeId, SessionMode},
    locale::{CHINESE, ENGLISH, LOCALES},
    schema::session_changes,
    text::{Code, Link, Name, Note, Place},
    zone::Zone,
};

pub(super) type ScheduleChangeId = Id<ScheduleChange>;

text_enum! {
    /// What became of a published session.
    pub enum ScheduleChangeKind {
        /// It begins at another time.
        Moved => "moved",
        /// It begins when it was to, and is otherwise not as it was.
        Changed => "changed",
        Cancelled => "cancelled",
    }
}

text_enum! {
    /// In what way a change concerns somebody.
    pub enum Concern {
        Instructor => "instructor",
        /// Whoever is placed in it when the session is to begin.
        Cohort => "cohort",
        /// An enrollment that was to make up another session in this one.
        Guest => "guest",
    }
}

impl ScheduleChangeKind {
    pub(super) fn of(before: &Session, after: Option<&Session>) -> Self {
        match after {
            None => Self::Cancelled,
            Some(after) if after.row.starts_at != before.row.starts_at => Self::Moved,
            Some(_) => Self::Changed,
        }
    }

    /// What the journal calls it.
    pub(super) fn action(self) -> &'static str {
        match self {
            Self::Moved => "session.moved",
            Self::Changed => "session.changed",
            Self::Cancelled => "session.cancelled",
        }
    }
}

/// How a session stands, as far as those who are to come have to know; with the names of that time, for what was told once stays as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Standing {
    pub(super) starts_at: Instant,
    pub(super) ends_at: Instant,
    // What is told of since later is read of an older text too.
    #[serde(default)]
    pub(super) break_minutes: i32,
    #[serde(default)]
    pub(super) length_minutes: Option<i32>,
    pub(super) mode: SessionMode,
    pub(super) room: Option<RoomOfSession>,
    pub(super) place: Option<Place>,
    pub(super) cohorts: Vec<Subject>,
    /// The lead first.
    pub(super) instructors: Vec<Subject>,
    /// Those who were to make up another session in it when it changed. Each is told of the change, and nobody of them.
    #[serde(default)]
    pub(super) guests: Vec<EnrollmentId>,
}

impl Standing {
    pub(super) fn of(session: &Session, cohorts: &HashMap<Id<()>, Name>, guests: Vec<EnrollmentId>) -> Self {
        let cohort = |id: &CohortId| Some(Subject::of(*id, cohorts.get(&id.cast())?.clone()));
        let SessionRow { starts_at, ends_at, break_minutes, length_minutes, mode, ref place, .. } = session.row;
        Self {
            starts_at,
            ends_at,
            break_minutes,
            length_minutes,
            mode,
            room: session.room.clone(),
            place: place.clone(),
            cohorts: session.cohort_ids.iter().filter_map(cohort).collect(),
            instructors: session
                .instructors
                .iter()
                .map(|one| Subject { latin_name: one.latin_name.clone(), ..Subject::of(one.id, one.name.clone()) })
                .collect(),
            guests,
        }
    }

    pub(super) fn told(self, zone: Zone) -> Told {
        let Self { starts_at, ends_at, break_minutes, length_minutes, mode, room, place, cohorts, instructors, guests: _ } = self;
        let (room, link) = room.map_or((None, None), |room| (Some(room.name), room.link));
        let places: Vec<&str> = room.as_ref().map(Name::as_str).into_iter().chain(place.as_ref().map(Place::as_str)).collect();
        Told {
            starts_at,
            ends_at,
            local_starts_at: zone.local(starts_at),
            local_ends_at: zone.local(ends_at),
            break_minutes,
            length_minutes,
            mode,
            place: if places.is_empty() { None } else { Some(places.join(" · ")) },
            link,
            cohorts,
            instructors,
        }
    }
}

/// A change as stored. It is never altered.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = session_changes, treat_none_as_default_value = false)]
pub(super) struct ScheduleChangeRow {
    pub(super) id: ScheduleChangeId,
    pub(super) session_id: SessionId,
    pub(super) intake_id: IntakeId,
    pub(super) kind: ScheduleChangeKind,
    /// A [`Standing`] as JSON.
    pub(super) before_values: String,
    /// The same; none of what was cancelled.
    pub(super) after_values: Option<String>,
    /// A [`Successor`] as JSON.
    pub(super) successor: Option<String>,
    pub(super) reason: Note,
    pub(super) user_id: Option<UserId>,
    pub(super) created_at: Instant,
}

/// How a session stood, or stands.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Told {
    pub starts_at: Instant,
    pub ends_at: Instant,
    /// By the clocks of the intake's time zone.
    #[schema(value_type = String, example = "2020-05-28T09:00:00")]
    pub local_starts_at: NaiveDateTime,
    #[schema(value_type = String, example = "2020-05-28T10:40:00")]
    pub local_ends_at: NaiveDateTime,
    #[schema(example = 10)]
    pub break_minutes: i32,
    /// What watching a recorded session counts; null of all others.
    #[schema(example = json!(null))]
    pub length_minutes: Option<i32>,
    pub mode: SessionMode,
    /// The room and the place in words; null where neither was said.
    #[schema(example = "教学楼 301")]
    pub place: Option<String>,
    /// Of an online place: where one joins.
    pub link: Option<Link>,
    pub cohorts: Vec<Subject>,
    /// The lead first.
    pub instructors: Vec<Subject>,
}

/// The session that takes the place of a cancelled one, or takes over the rest of one that was split; as it stood when that was told.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Successor {
    pub id: SessionId,
    #[schema(example = "MET-01B")]
    pub code: Code,
    pub starts_at: Instant,
    pub ends_at: Instant,
}

impl Successor {
    pub(super) fn of(row: &SessionRow) -> Self {
        Self { id: row.id, code: row.code.clone(), starts_at: row.starts_at, ends_at: row.ends_at }
    }
}

/// One text in both languages.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Message {
    #[schema(example = "The session MET-03 Blast furnace practice of Thursday, 28 May 2020 09:00–10:40 (Asia/Shanghai) is cancelled.")]
    pub en: String,
    #[schema(example = "原定于2020年5月28日（星期四）09:00–10:40（Asia/Shanghai）的课次“MET-03 高炉操作”取消。")]
    pub zh: String,
}

/// What became of a published session, for those whom it concerns.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ScheduleChange {
    pub id: ScheduleChangeId,
    pub session_id: SessionId,
    pub intake_id: IntakeId,
    #[schema(example = "MET-03")]
    pub code: Code,
    #[schema(example = "高炉操作")]
    pub module: Name,
    pub kind: ScheduleChangeKind,
    #[schema(value_type = String, example = "Asia/Shanghai")]
    pub time_zone: Zone,
    pub before: Told,
    /// Null of what was cancelled.
    pub after: Option<Told>,
    /// Of a cancellation: what takes its place, if that was named.
    pub replacement: Option<Successor>,
    /// Of a session that was split: what takes over the rest of it.
    pub continuation: Option<Successor>,
    /// Why.
    pub reason: Note,
    /// When the change was made.
    pub created_at: Instant,
    /// Ready to be forwarded.
    pub message: Message,
}

/// What a text is made of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts<'a> {
    pub(super) code: &'a Code,
    pub(super) module: &'a Name,
    pub(super) latin_module: Option<&'a Name>,
    pub(super) zone: Zone,
    pub(super) before: &'a Told,
    pub(super) after: Option<&'a Told>,
    pub(super) successor: Option<&'a Successor>,
    pub(super) reason: &'a Note,
}

/// The text in both languages.
pub(super) fn message(facts: &Facts) -> Message {
    Message { en: Text { language: ENGLISH, is_latin: true }.of(facts), zh: Text { language: CHINESE, is_latin: false }.of(facts) }
}

/// A text in one language.
struct Text {
    language: LanguageIdentifier,
    /// Whether that is written in Latin letters, so that whatever has a name in these is called by it.
    is_latin: bool,
}

impl Text {
    fn of(&self, facts: &Facts) -> String {
        let Facts { code, module, latin_module, zone, before, after, successor, reason } = *facts;
        let module = self.name(module, latin_module);
        let zoned =
            |told: &Told| self.say("time-with-zone", &[("time", &self.time(zone, told.starts_at, told.ends_at)), ("zone", zone.as_str())]);
        let session = [("code", code.as_str()), ("module", module.as_str()), ("before", &zoned(before))];
        let [of_code, of_module, from] = session;
        let other = successor.map(|other| (other.code.as_str(), self.time(zone, other.starts_at, other.ends_at)));
        let mut sentences = Vec::new();
        match (after, &other) {
            (None, other) => {
                sentences.push(self.say("cancelled", &session));
                sentences.extend(other.as_ref().map(|(code, time)| self.say("replaced", &[("code", code), ("time", time)])));
            }
            (Some(after), Some((other, time))) => {
                let continued = [of_code, of_module, from, ("end", &self.end(zone, after)), ("other", other), ("time", time)];
                sentences.push(self.say("continued", &continued));
            }
            (Some(after), None) if after.starts_at != before.starts_at => {
                let time = self.time(zone, after.starts_at, after.ends_at);
                sentences.push(self.say("moved", &[of_code, of_module, from, ("after", &time)]));
            }
            (Some(after), None) if after.ends_at != before.ends_at => {
                let ends = [of_code, of_module, from, ("end", &self.end(zone, after)), ("instead", &self.end(zone, before))];
                sentences.push(self.say("ends", &ends));
            }
            (Some(_), None) => sentences.push(self.say("changed", &session)),
        }
        sentences.extend(after.map(|after| self.differences(before, after)).unwrap_or_default());
        sentences.push(self.say("reason", &[("reason", reason.as_str())]));
        sentences.join(&self.say("between-sentences", &[]))
    }

    /// What else is not as it was.
    fn differences(&self, before: &Told, after: &Told) -> Vec<String> {
        let parts = |told: &Told| {
            [
                ("mode", self.say(told.mode.as_str(), &[])),
                ("length", told.length_minutes.map_or_else(|| self.say("by-the-clock", &[]), |minutes| self.number("minutes", minutes))),
                ("breaks", self.number("minutes", told.break_minutes)),
                ("place", self.place(told)),
                ("instructors", self.names(&told.instructors)),
                ("cohorts", self.names(&told.cohorts)),
            ]
        };
        let differences = parts(before).into_iter().zip(parts(after)).filter(|((_, before), (_, after))| before != after);
        differences.map(|((key, before), (_, after))| self.say(key, &[("before", &before), ("after", &after)])).collect()
    }

    /// Where it is, and where one joins it.
    fn place(&self, told: &Told) -> String {
        let place = told.place.clone().unwrap_or_else(|| self.say("nothing", &[]));
        match &told.link {
            Some(link) => self.say("place-with-link", &[("place", &place), ("link", link.as_str())]),
            None => place,
        }
    }

    fn name<'a>(&self, name: &'a Name, latin_name: Option<&'a Name>) -> &'a Name {
        latin_name.filter(|_| self.is_latin).unwrap_or(name)
    }

    fn names(&self, subjects: &[Subject]) -> String {
        let names: Vec<&str> = subjects.iter().map(|one| self.name(&one.name, one.latin_name.as_ref()).as_str()).collect();
        if names.is_empty() { self.say("nothing", &[]) } else { names.join(&self.say("between-names", &[])) }
    }

    fn time(&self, zone: Zone, from: Instant, until: Instant) -> String {
        let (date, end_date) = (zone.date(from), zone.date(until));
        let key = if date == end_date { "time-of-one-day" } else { "time-over-midnight" };
        let (date, end_date) = (self.date(date), self.date(end_date));
        self.say(key, &[("date", &date), ("end_date", &end_date), ("from", &zone.clock(from)), ("until", &zone.clock(until))])
    }

    /// The end by the clock; with the date where that is not the date of the start.
    fn end(&self, zone: Zone, told: &Told) -> String {
        let (date, end) = (zone.date(told.ends_at), zone.clock(told.ends_at));
        if date == zone.date(told.starts_at) { end } else { self.say("end-on-another-day", &[("date", &self.date(date)), ("time", &end)]) }
    }

    fn date(&self, date: NaiveDate) -> String {
        let (month, weekday) = (self.number("month", date.month()), self.number("weekday", date.weekday().number_from_monday()));
        // As text, for a year is no quantity.
        let (year, day) = (date.year().to_string(), date.day().to_string());
        self.say("date", &[("year", &year), ("month", &month), ("day", &day), ("weekday", &weekday)])
    }

    fn number(&self, key: &'static str, number: impl Into<FluentValue<'static>>) -> String {
        self.fill(key, HashMap::from([(Cow::from(key), number.into())]))
    }

    fn say(&self, key: &str, values: &[(&'static str, &str)]) -> String {
        self.fill(key, values.iter().map(|(name, value)| (Cow::from(*name), FluentValue::from(*value))).collect())
    }

    fn fill(&self, key: &str, values: HashMap<Cow<'static, str>, FluentValue<'_>>) -> String {
        LOCALES.lookup_with_args(&self.language, key, &values)
    }
}

#[cfg(test)]
mod tests;
