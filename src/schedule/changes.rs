//! What is told of a change to whoever it concerns: from what to what, why, and one text ready to be forwarded; pure.

use std::{borrow::Cow, collections::HashMap};

use chrono::{Datelike, NaiveDate, NaiveDateTime};
use diesel::{Insertable, Queryable, Selectable};
use fluent_templates::{LanguageIdentifier, Loader, fluent_bundle::FluentValue, langid, static_loader};
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
    id::Id,
    intakes::{CohortId, IntakeId, SessionMode},
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

/// How a session stands, as far as those who are to come have to know; with the names of that time, for what was told once stays as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Standing {
    pub(super) starts_at: Instant,
    pub(super) ends_at: Instant,
    pub(super) break_minutes: i32,
    pub(super) length_minutes: Option<i32>,
    pub(super) mode: SessionMode,
    pub(super) room: Option<RoomOfSession>,
    pub(super) place: Option<Place>,
    pub(super) cohorts: Vec<Subject>,
    /// The lead first.
    pub(super) instructors: Vec<Subject>,
}

impl Standing {
    pub(super) fn of(session: &Session, cohorts: &HashMap<CohortId, Name>) -> Self {
        let cohort = |id: &CohortId| Some(Subject { id: id.cast(), name: cohorts.get(id)?.clone() });
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
            instructors: session.instructors.iter().map(|one| Subject { id: one.id.cast(), name: one.name.clone() }).collect(),
        }
    }

    pub(super) fn told(self, zone: Zone) -> Told {
        let Self { starts_at, ends_at, break_minutes, length_minutes, mode, room, place, cohorts, instructors } = self;
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
            place: if places.is_empty() { None } else { Some(places.join(", ")) },
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
    pub(super) reason: Option<Note>,
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
    /// Why, if it was said.
    pub reason: Option<Note>,
    /// When the change was made.
    pub created_at: Instant,
    /// Ready to be forwarded.
    pub message: Message,
}

static_loader! {
    static LOCALES = {
        locales: "./locales",
        fallback_language: "en",
        // Marks around what is filled in would be forwarded too, and some programs show them.
        customise: |bundle| bundle.set_use_isolating(false),
    };
}

/// What a text is made of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts<'a> {
    pub(super) code: &'a Code,
    pub(super) module: &'a Name,
    pub(super) zone: Zone,
    pub(super) before: &'a Told,
    pub(super) after: Option<&'a Told>,
    pub(super) successor: Option<&'a Successor>,
    pub(super) reason: Option<&'a Note>,
}

/// The text in both languages.
pub(super) fn message(facts: &Facts) -> Message {
    Message { en: Text(langid!("en")).of(facts), zh: Text(langid!("zh-CN")).of(facts) }
}

/// A text in one language.
struct Text(LanguageIdentifier);

impl Text {
    fn of(&self, facts: &Facts) -> String {
        let Facts { code, module, zone, before, after, successor, reason } = *facts;
        let zoned = |told: &Told| {
            self.say("time-with-zone", &[("time", &self.time(told.local_starts_at, told.local_ends_at)), ("zone", zone.as_str())])
        };
        let session = [("code", code.as_str()), ("module", module.as_str()), ("before", &zoned(before))];
        let [of_code, of_module, from] = session;
        let other = successor.map(|other| (other.code.as_str(), self.time(zone.local(other.starts_at), zone.local(other.ends_at))));
        let mut sentences = Vec::new();
        match (after, &other) {
            (None, other) => {
                sentences.push(self.say("cancelled", &session));
                sentences.extend(other.as_ref().map(|(code, time)| self.say("replaced", &[("code", code), ("time", time)])));
            }
            (Some(after), Some((other, time))) => {
                let continued = [of_code, of_module, from, ("end", &self.end(after)), ("other", other), ("time", time)];
                sentences.push(self.say("continued", &continued));
            }
            (Some(after), None) if after.starts_at != before.starts_at => {
                let time = self.time(after.local_starts_at, after.local_ends_at);
                sentences.push(self.say("moved", &[of_code, of_module, from, ("after", &time)]));
            }
            (Some(after), None) if after.ends_at != before.ends_at => {
                let ends = [of_code, of_module, from, ("end", &self.end(after)), ("instead", &self.end(before))];
                sentences.push(self.say("ends", &ends));
            }
            (Some(_), None) => sentences.push(self.say("changed", &session)),
        }
        sentences.extend(after.map(|after| self.differences(before, after)).unwrap_or_default());
        sentences.extend(reason.map(|reason| self.say("reason", &[("reason", reason.as_str())])));
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
                ("instructors", self.names(told.instructors.iter().map(|one| &one.name))),
                ("cohorts", self.names(told.cohorts.iter().map(|one| &one.name))),
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

    fn names<'a>(&self, names: impl Iterator<Item = &'a Name>) -> String {
        let names: Vec<&str> = names.map(Name::as_str).collect();
        if names.is_empty() { self.say("nothing", &[]) } else { names.join(&self.say("between-names", &[])) }
    }

    fn time(&self, from: NaiveDateTime, until: NaiveDateTime) -> String {
        let (date, end_date) = (self.date(from.date()), self.date(until.date()));
        let (start, end) = (from.format("%H:%M").to_string(), until.format("%H:%M").to_string());
        let key = if from.date() == until.date() { "time-of-one-day" } else { "time-over-midnight" };
        self.say(key, &[("date", &date), ("end_date", &end_date), ("from", &start), ("until", &end)])
    }

    /// The end by the clock; with the date where that is not the date of the start.
    fn end(&self, told: &Told) -> String {
        let (date, end) = (told.local_ends_at.date(), told.local_ends_at.format("%H:%M").to_string());
        if date == told.local_starts_at.date() {
            end
        } else {
            self.say("end-on-another-day", &[("date", &self.date(date)), ("time", &end)])
        }
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
        LOCALES.lookup_with_args(&self.0, key, &values)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    fn at(text: &str) -> Instant {
        serde_json::from_value(serde_json::json!(text)).unwrap()
    }

    fn told(starts_at: &str, ends_at: &str, place: Option<&str>, instructors: &[&str]) -> Told {
        let local = |text: &str| at(text).utc().with_timezone(&chrono_tz::Tz::Asia__Shanghai).naive_local();
        let named = |name: &&str| Subject { id: Id::generate(), name: name.parse().unwrap() };
        Told {
            starts_at: at(starts_at),
            ends_at: at(ends_at),
            local_starts_at: local(starts_at),
            local_ends_at: local(ends_at),
            break_minutes: 0,
            length_minutes: None,
            mode: SessionMode::OnSite,
            place: place.map(ToOwned::to_owned),
            link: None,
            cohorts: vec![named(&"冶金一班")],
            instructors: instructors.iter().map(named).collect(),
        }
    }

    fn in_both(before: &Told, after: Option<&Told>, successor: Option<&Successor>, reason: Option<&str>) -> [String; 2] {
        let (code, module) = ("MET-03".parse().unwrap(), "高炉操作".parse().unwrap());
        let (zone, reason) = ("Asia/Shanghai".parse().unwrap(), reason.map(|reason| reason.parse().unwrap()));
        let message = message(&Facts { code: &code, module: &module, zone, before, after, successor, reason: reason.as_ref() });
        [message.en, message.zh]
    }

    const START: &str = "2020-05-28T01:00:00Z";
    const END: &str = "2020-05-28T02:40:00Z";

    #[test]
    fn a_move_is_told_with_both_times_and_why() {
        let (before, after) = (told(START, END, None, &[]), told("2020-05-29T06:00:00Z", "2020-05-29T07:40:00Z", None, &[]));
        assert_eq!(
            in_both(&before, Some(&after), None, Some("the hall is closed")),
            [
                "The session MET-03 高炉操作 of Thursday, 28 May 2020 09:00–10:40 (Asia/Shanghai) is moved to Friday, 29 May 2020 \
                 14:00–15:40. Reason: the hall is closed",
                "原定于2020年5月28日（星期四）09:00–10:40（Asia/Shanghai）的课次“MET-03 高炉操作”改至2020年5月29日（星期五）14:00–15:40。原因：\
                 the hall is closed",
            ]
        );
        let night = told("2020-05-31T15:00:00Z", "2020-05-31T17:00:00Z", None, &[]);
        let [en, zh] = in_both(&before, Some(&night), None, None);
        assert!(en.ends_with("is moved to Sunday, 31 May 2020 23:00 – Monday, 1 June 2020 01:00."), "{en}");
        assert!(zh.ends_with("改至2020年5月31日（星期日）23:00至2020年6月1日（星期一）01:00。"), "{zh}");
    }

    #[test]
    fn what_changes_beside_the_time_is_told_from_what_to_what() {
        let before = told(START, END, Some("教学楼 301"), &["欧阳旭", "沈岚"]);
        assert_eq!(
            in_both(&before, Some(&Told { place: Some("教学楼 302".to_owned()), ..before.clone() }), None, None),
            [
                "The session MET-03 高炉操作 of Thursday, 28 May 2020 09:00–10:40 (Asia/Shanghai) keeps its time, with changes: Place: \
                 教学楼 302 (before: 教学楼 301).",
                "原定于2020年5月28日（星期四）09:00–10:40（Asia/Shanghai）的课次“MET-03 高炉操作”时间不变，安排有调整：地点：教学楼 302（原为教学楼 301）。",
            ]
        );
        let substituted = told(START, END, None, &["陈一"]);
        let [en, zh] = in_both(&before, Some(&Told { mode: SessionMode::LiveOnline, ..substituted }), None, Some("ill"));
        let ends = "How: live online (before: on site). Place: not yet known (before: 教学楼 301). Taught by: 陈一 (before: 欧阳旭, 沈岚). \
                    Reason: ill";
        assert!(en.ends_with(ends), "{en}");
        let ends = "授课方式：线上直播（原为面授）。地点：待定（原为教学楼 301）。授课教师：陈一（原为欧阳旭、沈岚）。原因：ill";
        assert!(zh.ends_with(ends), "{zh}");
    }

    #[test]
    fn another_break_and_another_length_are_told_in_minutes() {
        let plan = told(START, END, None, &[]);
        let [en, zh] = in_both(&plan, Some(&Told { break_minutes: 10, ..plan.clone() }), None, None);
        assert!(en.ends_with("keeps its time, with changes: Breaks: 10 minutes (before: none)."), "{en}");
        assert!(zh.ends_with("时间不变，安排有调整：课间休息：10分钟（原为无）。"), "{zh}");
        let watched = Told { mode: SessionMode::Recorded, length_minutes: Some(45), ..plan.clone() };
        let [en, zh] = in_both(&watched, Some(&Told { length_minutes: Some(1), ..watched.clone() }), None, None);
        assert!(en.ends_with("Length: 1 minute (before: 45 minutes)."), "{en}");
        assert!(zh.ends_with("时长：1分钟（原为45分钟）。"), "{zh}");
        let [en, zh] = in_both(&plan, Some(&watched), None, None);
        assert!(en.ends_with("How: recorded (before: on site). Length: 45 minutes (before: from start to end)."), "{en}");
        assert!(zh.ends_with("授课方式：录播（原为面授）。时长：45分钟（原为按起止时间计）。"), "{zh}");
    }

    #[test]
    fn another_end_is_told_as_such() {
        let (before, shorter) = (told(START, END, None, &[]), told(START, "2020-05-28T02:00:00Z", None, &[]));
        let (en, zh) = (
            "The session MET-03 高炉操作 of Thursday, 28 May 2020 09:00–10:40 (Asia/Shanghai) ends at 10:00",
            "原定于2020年5月28日（星期四）09:00–10:40（Asia/Shanghai）的课次“MET-03 高炉操作”",
        );
        let expected = [format!("{en} instead of 10:40."), format!("{zh}改为10:00结束（原为10:40）。")];
        assert_eq!(in_both(&before, Some(&shorter), None, None), expected);
        let rest = Successor {
            id: Id::generate(),
            code: "MET-03B".parse().unwrap(),
            starts_at: at("2020-05-29T06:00:00Z"),
            ends_at: at("2020-05-29T06:40:00Z"),
        };
        let expected = [
            format!("{en} and continues as MET-03B on Friday, 29 May 2020 14:00–14:40. Reason: storm"),
            format!("{zh}改为10:00结束，其余部分由2020年5月29日（星期五）14:00–14:40的课次“MET-03B”继续。原因：storm"),
        ];
        assert_eq!(in_both(&before, Some(&shorter), Some(&rest), Some("storm")), expected);
        let [en, zh] = in_both(&before, Some(&told(START, "2020-05-28T17:00:00Z", None, &[])), None, None);
        assert!(en.ends_with("ends at 01:00 on Friday, 29 May 2020 instead of 10:40."), "{en}");
        assert!(zh.ends_with("改为2020年5月29日（星期五）01:00结束（原为10:40）。"), "{zh}");
    }

    #[test]
    fn where_one_joins_is_told_with_the_place() {
        let before = told(START, END, Some("教学楼 301"), &[]);
        let link = Some("https://meeting.example.org/1".parse().unwrap());
        let online = Told { place: Some("直播间".to_owned()), link, ..before.clone() };
        let [en, zh] = in_both(&before, Some(&online), None, None);
        assert!(en.ends_with("Place: 直播间 https://meeting.example.org/1 (before: 教学楼 301)."), "{en}");
        assert!(zh.ends_with("地点：直播间 https://meeting.example.org/1 （原为教学楼 301）。"), "{zh}");
        let [en, _] = in_both(&online, Some(&Told { link: None, ..online.clone() }), None, None);
        assert!(en.ends_with("Place: 直播间 (before: 直播间 https://meeting.example.org/1)."), "{en}");
    }

    #[test]
    fn a_cancellation_names_what_replaces_it() {
        let before = told(START, END, None, &[]);
        let replacement = Successor {
            id: Id::generate(),
            code: "MET-03B".parse().unwrap(),
            starts_at: at("2020-06-04T01:00:00Z"),
            ends_at: at("2020-06-04T02:40:00Z"),
        };
        assert_eq!(
            in_both(&before, None, Some(&replacement), Some("storm")),
            [
                "The session MET-03 高炉操作 of Thursday, 28 May 2020 09:00–10:40 (Asia/Shanghai) is cancelled. It is replaced by the \
                 session MET-03B of Thursday, 4 June 2020 09:00–10:40. Reason: storm",
                "原定于2020年5月28日（星期四）09:00–10:40（Asia/Shanghai）的课次“MET-03 高炉操作”取消。由2020年6月4日（星期四）09:00–10:40的课次\
                 “MET-03B”代替。原因：storm",
            ]
        );
    }

    /// The keys of a file of texts, each with what it fills in.
    fn keys(text: &str) -> BTreeMap<&str, BTreeSet<&str>> {
        let mut keys: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        let mut key = "";
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            if let Some((name, _)) = line.split_once(" =").filter(|(name, _)| !name.starts_with([' ', '}'])) {
                key = name;
            }
            let filled = line.split('$').skip(1).filter_map(|rest| rest.split([' ', '}']).next());
            keys.entry(key).or_default().extend(filled);
        }
        keys
    }

    #[test]
    fn every_text_is_there_in_both_languages_and_says_the_same() {
        let (en, zh) = (keys(include_str!("../../locales/en/changes.ftl")), keys(include_str!("../../locales/zh-CN/changes.ftl")));
        assert_eq!(en, zh);
        for mode in SessionMode::ALL {
            assert!(en.contains_key(mode.as_str()), "{mode}");
        }
    }
}
