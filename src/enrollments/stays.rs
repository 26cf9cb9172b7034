//! Where steps lead, from when to when; pure.

use std::fmt;

use crate::clock::Instant;

/// A step as far as periods follow from it.
#[derive(Clone, Debug)]
pub(super) struct Lead {
    pub(super) to: String,
    pub(super) effective_at: Instant,
    pub(super) recorded_at: Instant,
}

/// A stretch of time in one state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stay {
    pub(super) state: String,
    pub(super) from_at: Instant,
    /// None as long as it lasts.
    pub(super) until_at: Option<Instant>,
    pub(super) recorded_at: Instant,
}

impl fmt::Display for Stay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { state, from_at, until_at, recorded_at } = self;
        let until = until_at.map_or_else(|| "on".to_owned(), |until| format!("until {until}"));
        write!(f, "{state} from {from_at} {until}, recorded {recorded_at}")
    }
}

/// The stays that steps leave, in the order in which these were taken: one that takes effect before the present stay began, or as it did,
/// replaces it and whatever began since then.
pub(super) fn left_by<'a>(steps: impl IntoIterator<Item = &'a Lead>) -> Vec<Stay> {
    let mut stays: Vec<Stay> = Vec::new();
    for Lead { to, effective_at, recorded_at } in steps {
        stays.retain(|stay| stay.from_at < *effective_at);
        if let Some(last) = stays.last_mut() {
            last.until_at = Some(*effective_at);
        }
        stays.push(Stay { state: to.clone(), from_at: *effective_at, until_at: None, recorded_at: *recorded_at });
    }
    stays
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};

    use super::*;

    fn at(day: u32) -> Instant {
        format!("2020-06-{day:02}T00:00:00Z").parse::<DateTime<Utc>>().unwrap().into()
    }

    /// Steps by the days from which they count, in the order in which they were taken; what is left of them.
    fn left(steps: &[(&str, u32)]) -> Vec<(String, Instant, Option<Instant>)> {
        let steps: Vec<Lead> =
            steps.iter().map(|(to, day)| Lead { to: (*to).to_owned(), effective_at: at(*day), recorded_at: at(30) }).collect();
        left_by(&steps).into_iter().map(|stay| (stay.state, stay.from_at, stay.until_at)).collect()
    }

    fn stay(state: &str, from: u32, until: Option<u32>) -> (String, Instant, Option<Instant>) {
        (state.to_owned(), at(from), until.map(at))
    }

    #[test]
    fn each_step_ends_what_was() {
        let steps = [("approved", 1), ("enrolled", 3), ("suspended", 5)];
        assert_eq!(left(&steps), [stay("approved", 1, Some(3)), stay("enrolled", 3, Some(5)), stay("suspended", 5, None)]);
        assert_eq!(left(&[]), []);
    }

    #[test]
    fn what_begins_with_a_step_or_after_it_is_replaced() {
        assert_eq!(left(&[("approved", 4), ("enrolled", 4)]), [stay("enrolled", 4, None)]);
        assert_eq!(left(&[("approved", 4), ("enrolled", 2)]), [stay("enrolled", 2, None)]);
        let steps = [("enrolled", 1), ("suspended", 5), ("enrolled", 7), ("withdrawn", 3)];
        assert_eq!(left(&steps), [stay("enrolled", 1, Some(3)), stay("withdrawn", 3, None)]);
        assert_eq!(left(&[("nominated", 2), ("approved", 6), ("withdrawn", 1)]), [stay("withdrawn", 1, None)]);
    }

    #[test]
    fn a_stay_is_told_from_when_to_when() {
        let lasting = Stay { state: "enrolled".to_owned(), from_at: at(1), until_at: None, recorded_at: at(2) };
        assert_eq!(lasting.to_string(), "enrolled from 2020-06-01T00:00:00Z on, recorded 2020-06-02T00:00:00Z");
        let ended = Stay { until_at: Some(at(3)), ..lasting };
        assert_eq!(ended.to_string(), "enrolled from 2020-06-01T00:00:00Z until 2020-06-03T00:00:00Z, recorded 2020-06-02T00:00:00Z");
    }
}
