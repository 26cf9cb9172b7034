//! From when to when somebody was there, and how many minutes of a session that comes to; pure.

use std::{fmt, iter};

use chrono::{DateTime, TimeDelta};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::ToSchema;

use crate::{
    clock::Instant,
    db::types::stored_as_text,
    error::FieldFault,
    zone::{EnteredTime, Zone},
};

/// Segments of one line.
pub(super) const MOST: usize = 400;

/// From when to when somebody was there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub struct Segment {
    pub starts_at: Instant,
    pub ends_at: Instant,
}

/// A segment to be recorded; times without an offset are meant in the time zone of the intake.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSegment {
    #[schema(value_type = String, example = "2020-06-01T09:10")]
    pub starts_at: EnteredTime,
    #[schema(value_type = String, example = "2020-06-01T09:55")]
    pub ends_at: EnteredTime,
}

/// The segments of a line, at least one, by their start, none of them within another. Kept as text: they are read and written whole.
#[derive(Clone, Debug, PartialEq, Eq, diesel::expression::AsExpression, diesel::deserialize::FromSqlRow)]
#[diesel(sql_type = diesel::sql_types::Text)]
pub struct Segments {
    list: Vec<Segment>,
    /// The same as intervals of ISO 8601, with a space between them.
    text: String,
}

/// Where at least one of these is, by start: those that overlap or touch become one.
pub(super) fn union(segments: impl IntoIterator<Item = Segment>) -> Vec<Segment> {
    let mut segments: Vec<Segment> = segments.into_iter().collect();
    segments.sort_unstable();
    let mut list: Vec<Segment> = Vec::with_capacity(segments.len());
    for segment in segments {
        match list.last_mut() {
            Some(last) if segment.starts_at <= last.ends_at => last.ends_at = last.ends_at.max(segment.ends_at),
            _ => list.push(segment),
        }
    }
    list
}

impl Segments {
    fn of(list: Vec<Segment>) -> Self {
        let text = list.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        Self { list, text }
    }

    /// Reads what was sent for a line; none if nothing was.
    ///
    /// # Errors
    /// What is wrong with each, at its place below `pointer`.
    pub(super) fn entered(sent: &[NewSegment], zone: Zone, pointer: &str) -> Result<Option<Self>, Vec<FieldFault>> {
        if sent.len() > MOST {
            return Err(vec![FieldFault::new(pointer, "too_many", format!("at most {MOST} segments"))]);
        }
        let (mut list, mut faults) = (Vec::with_capacity(sent.len()), Vec::new());
        for (index, NewSegment { starts_at, ends_at }) in sent.iter().enumerate() {
            let at = |entered: EnteredTime, field: &str| {
                let pointer = format!("{pointer}/{index}/{field}");
                let at = entered.instant(zone).map_err(|unclear| unclear.fault(&pointer))?;
                let is_whole = at.unix_micros() % 1_000_000 == 0;
                if is_whole { Ok(at) } else { Err(FieldFault::new(pointer, "not_whole_seconds", "must be a whole second")) }
            };
            match (at(*starts_at, "starts_at"), at(*ends_at, "ends_at")) {
                (Ok(starts_at), Ok(ends_at)) if starts_at < ends_at => list.push((Segment { starts_at, ends_at }, index)),
                (Ok(_), Ok(_)) => {
                    faults.push(FieldFault::new(format!("{pointer}/{index}/ends_at"), "before_start", "must be after the start"))
                }
                (starts_at, ends_at) => faults.extend(starts_at.err().into_iter().chain(ends_at.err())),
            }
        }
        list.sort_unstable();
        for pair in list.windows(2) {
            if let [(one, _), (other, index)] = pair
                && other.starts_at < one.ends_at
            {
                faults.push(FieldFault::new(format!("{pointer}/{index}/starts_at"), "overlapping", format!("overlaps {one}")));
            }
        }
        let list: Vec<Segment> = list.into_iter().map(|(segment, _)| segment).collect();
        if faults.is_empty() { Ok((!list.is_empty()).then(|| Self::of(list))) } else { Err(faults) }
    }

    /// Where at least one of these is; none if there are none.
    pub(super) fn united(segments: impl IntoIterator<Item = Segment>) -> Option<Self> {
        let list = union(segments);
        (!list.is_empty()).then(|| Self::of(list))
    }

    pub(super) fn count(&self) -> usize {
        self.list.len()
    }

    /// How long nobody was there yet at the beginning of a session, and no more at its end; negative where they came before or stayed on.
    pub(super) fn missing(&self, (starts_at, ends_at): (Instant, Instant)) -> Option<(TimeDelta, TimeDelta)> {
        let (first, last) = (self.list.first()?, self.list.last()?);
        Some((first.starts_at.since(starts_at), ends_at.since(last.ends_at)))
    }

    /// The minutes of a session from `starts_at` to `ends_at` that they cover: in seconds, clipped to it, rounded half up to minutes once
    /// (DOMAIN section 3). No more than `whole`, the session's minutes: nobody says when the breaks were.
    pub(super) fn minutes(&self, (starts_at, ends_at): (Instant, Instant), whole: i32) -> i32 {
        let seconds: i64 = self.within((starts_at, ends_at)).iter().map(|part| part.ends_at.since(part.starts_at).num_seconds()).sum();
        i32::try_from((seconds + 30) / 60).unwrap_or(i32::MAX).min(whole)
    }

    /// The parts of them that lie within a session from `starts_at` to `ends_at`.
    pub(super) fn within(&self, (starts_at, ends_at): (Instant, Instant)) -> Vec<Segment> {
        let clipped = |part: &Segment| Segment { starts_at: part.starts_at.max(starts_at), ends_at: part.ends_at.min(ends_at) };
        self.list.iter().map(clipped).filter(|part| part.starts_at < part.ends_at).collect()
    }

    /// As they were sent.
    pub(super) fn sent(&self) -> Vec<NewSegment> {
        self.list.iter().map(|one| NewSegment { starts_at: one.starts_at.into(), ends_at: one.ends_at.into() }).collect()
    }

    /// What of a session from `starts_at` to `ends_at` lies outside them.
    pub(super) fn gaps(&self, (starts_at, ends_at): (Instant, Instant)) -> Vec<Segment> {
        let ends = self.list.iter().map(|segment| segment.ends_at);
        let begins = self.list.iter().map(|segment| segment.starts_at);
        let gap = |(from, until): (Instant, Instant)| Segment { starts_at: from.max(starts_at), ends_at: until.min(ends_at) };
        let gaps = iter::once(starts_at).chain(ends).zip(begins.chain(iter::once(ends_at))).map(gap);
        gaps.filter(|gap| gap.starts_at < gap.ends_at).collect()
    }

    fn as_str(&self) -> &str {
        &self.text
    }

    fn parse(text: &str) -> Option<Self> {
        let at = |text: &str| DateTime::parse_from_rfc3339(text).ok().map(|at| Instant::from(at.to_utc()));
        let segment = |interval: &str| {
            let (starts_at, ends_at) = interval.split_once('/')?;
            Some(Segment { starts_at: at(starts_at)?, ends_at: at(ends_at)? })
        };
        let list = text.split(' ').map(segment).collect::<Option<Vec<Segment>>>()?;
        Some(Self::of(list))
    }
}

stored_as_text!(Segments, |text: String| Segments::parse(&text).ok_or_else(|| format!("`{text}` are no segments").into()));

impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.starts_at, self.ends_at)
    }
}

impl Serialize for Segments {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.list.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Segments {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::of(Vec::deserialize(deserializer)?))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn second(second: i64) -> Instant {
        Instant::from_unix_micros(second * 1_000_000).unwrap()
    }

    fn sent(from: i64, until: i64) -> NewSegment {
        NewSegment { starts_at: second(from).into(), ends_at: second(until).into() }
    }

    fn entered(sent: &[NewSegment]) -> Result<Option<Segments>, Vec<FieldFault>> {
        Segments::entered(sent, "Asia/Shanghai".parse().unwrap(), "/segments")
    }

    #[test]
    fn what_is_wrong_with_a_segment_is_pointed_at() {
        let fault = |segments: &[NewSegment]| {
            let faults = entered(segments).unwrap_err();
            faults.into_iter().map(|fault| (fault.pointer, fault.code)).collect::<Vec<_>>()
        };
        let only = |pointer: &str, code: &str| vec![(pointer.to_owned(), code.to_owned())];
        assert_eq!(fault(&[sent(60, 60)]), only("/segments/0/ends_at", "before_start"));
        assert_eq!(fault(&[sent(60, 120), sent(0, 61)]), only("/segments/0/starts_at", "overlapping"));
        assert_eq!(fault(&vec![sent(0, 60); 401]), only("/segments", "too_many"));
        let split = NewSegment { starts_at: Instant::from_unix_micros(1).unwrap().into(), ends_at: second(60).into() };
        assert_eq!(fault(&[split]), only("/segments/0/starts_at", "not_whole_seconds"));
        assert_eq!(entered(&[]).unwrap(), None);
        assert!(entered(&[sent(0, 60), sent(60, 120)]).is_ok());
    }

    #[test]
    fn half_a_minute_counts_as_one() {
        let minutes = |until: i64| entered(&[sent(0, until)]).unwrap().unwrap().minutes((second(0), second(5400)), 90);
        assert_eq!([29, 30, 89, 90, 5400].map(minutes), [0, 1, 1, 2, 90]);
    }

    proptest! {
        /// Held to counting the seconds one by one.
        #[test]
        fn minutes_are_the_seconds_within_the_session(
            cuts in proptest::collection::btree_set(0_i64..2_000, 2..12), session in (0_i64..1_000, 1_i64..1_000), breaks in 0_i32..5,
        ) {
            let cuts: Vec<i64> = cuts.into_iter().collect();
            let pairs: Vec<(i64, i64)> = cuts.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect();
            let segments = entered(&pairs.iter().rev().map(|(from, until)| sent(*from, *until)).collect::<Vec<_>>()).unwrap().unwrap();
            let (from, until) = (session.0, session.0 + session.1);
            let seconds = (from..until).filter(|at| pairs.iter().any(|(from, until)| (from..until).contains(&at))).count();
            let whole = i32::try_from(session.1 / 60).unwrap() - breaks;
            let expected = i32::try_from((seconds + 30) / 60).unwrap().min(whole);
            prop_assert_eq!(segments.minutes((second(from), second(until)), whole), expected);
            prop_assert_eq!(Segments::parse(segments.as_str()).unwrap(), segments);
        }
    }
}
