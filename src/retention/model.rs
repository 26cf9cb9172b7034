//! What names a person, and whether a text does.

use std::collections::{HashMap, HashSet};

use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::{
    clock::Instant,
    journal::Gone,
    people::{PersonId, Retained},
    text::pattern,
};

/// How somebody stands after they were to be restricted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// From now on, or until another day than before.
    Restricted(Retained),
    /// As before.
    Waiting(Retained),
    /// Their day has come.
    Due(Retained),
}

/// What an erasure came to. Of the person it says nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Erased {
    pub person_id: PersonId,
    pub erased_at: Instant,
    #[serde(flatten)]
    pub taken: Taken,
}

/// What was taken out besides the person's own rows, in numbers; the journal keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Taken {
    #[serde(flatten)]
    pub gone: Gone,
    pub imports: usize,
    pub answers: usize,
}

/// What a person is found by in texts that were written for something else.
#[derive(Clone, Debug, Default)]
pub(super) struct Traces {
    /// What an entry of the journal may be about, so that all of it is about the person.
    subjects: HashSet<Uuid>,
    /// The person and their enrollments.
    ids: Vec<String>,
    /// What they are called and reached by.
    texts: Vec<Trace>,
    /// What was said about a correction they asked for, by the session in whose entries it may stand again.
    said: HashMap<Uuid, Vec<String>>,
}

/// A name, a number or an address.
#[derive(Clone, Debug)]
struct Trace {
    text: String,
    /// As it stands in JSON.
    escaped: String,
    /// Whether it is long enough to be meant wherever it stands; of what is shorter only the whole value is.
    is_telling: bool,
}

impl Trace {
    fn of(text: String) -> Self {
        let escaped = Value::from(text.as_str()).to_string().trim_matches('"').to_owned();
        let (all, own) = (text.chars().count(), text.chars().filter(|c| !c.is_ascii()).count());
        Self { text, escaped, is_telling: all >= 5 || own >= 2 }
    }

    /// Whether it stands in `text` and is not only part of a longer word or number.
    fn is_in(&self, text: &str) -> bool {
        if !self.is_telling {
            return text == self.text;
        }
        let goes_on = |one: Option<char>, other: Option<char>| [one, other].iter().all(|c| c.is_some_and(|c| c.is_ascii_alphanumeric()));
        text.match_indices(&self.text).any(|(at, found)| {
            let (before, after) = (text.get(..at).unwrap_or_default(), text.get(at + found.len()..).unwrap_or_default());
            !goes_on(before.chars().next_back(), found.chars().next()) && !goes_on(found.chars().next_back(), after.chars().next())
        })
    }

    fn is_in_json(&self, value: &Value) -> bool {
        match value {
            Value::String(text) => self.is_in(text),
            Value::Array(values) => values.iter().any(|value| self.is_in_json(value)),
            Value::Object(fields) => fields.values().any(|value| self.is_in_json(value)),
            Value::Null | Value::Bool(_) | Value::Number(_) => false,
        }
    }
}

impl Traces {
    pub(super) fn of(ids: impl IntoIterator<Item = Uuid>, texts: impl IntoIterator<Item = String>) -> Self {
        let ids: Vec<Uuid> = ids.into_iter().collect();
        Self {
            ids: ids.iter().map(Uuid::to_string).collect(),
            subjects: ids.into_iter().collect(),
            texts: texts.into_iter().map(Trace::of).collect(),
            said: HashMap::new(),
        }
    }

    /// Things that are the person's own, whose ids nobody else's words hold.
    pub(super) fn add_subjects(&mut self, ids: impl IntoIterator<Item = Uuid>) {
        self.subjects.extend(ids);
    }

    pub(super) fn add_said(&mut self, session: Uuid, text: &str) {
        self.said.entry(session).or_default().push(Trace::of(text.to_owned()).escaped);
    }

    /// Whether an entry of the journal is about the person or names them.
    pub(super) fn are_in(&self, subject: Uuid, body: &str) -> bool {
        let is_said = |texts: &Vec<String>| texts.iter().any(|text| body.contains(&format!("\"{text}\"")));
        self.subjects.contains(&subject)
            || self.ids.iter().any(|id| body.contains(id))
            || self.said.get(&subject).is_some_and(is_said)
            || self.are_named_in(body)
    }

    fn are_named_in(&self, body: &str) -> bool {
        let possible: Vec<&Trace> = self.texts.iter().filter(|trace| body.contains(&trace.escaped)).collect();
        if possible.is_empty() {
            return false;
        }
        // What cannot be read may say anything.
        let Ok(value) = serde_json::from_str::<Value>(body) else { return true };
        possible.iter().any(|trace| trace.is_in_json(&value))
    }

    /// Whether a text of people names the person.
    pub(super) fn are_in_words(&self, text: &str) -> bool {
        self.texts.iter().any(|trace| trace.is_in(text)) || self.ids.iter().any(|id| text.contains(id))
    }

    /// What a database finds them by, with `\` before what it would not take literally. It finds too many rather than too few.
    pub(super) fn patterns(&self) -> Vec<String> {
        let texts = self.texts.iter().map(|trace| if trace.is_telling { trace.escaped.clone() } else { format!("\"{}\"", trace.escaped) });
        texts.chain(self.ids.iter().cloned()).map(|text| pattern(&text)).collect()
    }

    /// The same without ids, which name nobody who is gone.
    pub(super) fn text_patterns(&self) -> Vec<String> {
        self.patterns().into_iter().take(self.texts.len()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn traces(texts: &[&str]) -> Traces {
        Traces::of([Uuid::from_u128(1)], texts.iter().map(ToString::to_string))
    }

    fn are_in(texts: &[&str], body: &str) -> bool {
        traces(texts).are_in(Uuid::from_u128(2), body)
    }

    #[test]
    fn a_name_is_found_wherever_it_stands() {
        assert!(are_in(&["欧阳旭"], r#"{"reason":"欧阳旭病了"}"#));
        assert!(are_in(&["Ouyang Xu"], r#"{"to":[{"note":"for Ouyang Xu, again"}]}"#));
        assert!(!are_in(&["Ouyang Xu"], r#"{"note":"for Ouyang Xuan"}"#));
        assert!(are_in(&["say \"Li\" to me"], r#"{"name":"say \"Li\" to me"}"#));
        assert!(!are_in(&["欧阳旭"], r#"{"reason":"欧阳病了"}"#));
    }

    #[test]
    fn what_is_short_is_meant_as_a_whole_only() {
        assert!(are_in(&["12"], r#"{"employee_number":"12"}"#));
        assert!(!are_in(&["12"], r#"{"minutes":12,"on":"2020-12-12"}"#));
        assert!(!are_in(&["Li"], r#"{"name":"Li Na"}"#));
        assert!(!are_in(&["0061234"], r#"{"phone":"10061234"}"#));
        assert!(are_in(&["0061234"], r#"{"note":"(0061234)"}"#));
    }

    #[test]
    fn an_id_is_found_in_every_text_and_as_a_subject() {
        let id = Uuid::from_u128(1);
        assert!(are_in(&[], &format!(r#"{{"to":{{"entries":[{{"enrollment_id":"{id}"}}]}}}}"#)));
        assert!(traces(&[]).are_in(id, "{}"));
        assert!(!are_in(&[], "{}"));
    }

    #[test]
    fn what_was_said_of_a_correction_is_found_in_entries_of_its_session_only() {
        let mut traces = traces(&[]);
        traces.add_said(Uuid::from_u128(3), "was ill");
        assert!(traces.are_in(Uuid::from_u128(3), r#"{"reason":"was ill"}"#));
        assert!(!traces.are_in(Uuid::from_u128(3), r#"{"reason":"was ill twice"}"#));
        assert!(!traces.are_in(Uuid::from_u128(4), r#"{"reason":"was ill"}"#));
    }
}
