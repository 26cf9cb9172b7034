//! Which media types a caller takes (RFC 9110 section 12.5.1).

use std::cmp::Reverse;

use actix_web::HttpRequest;
use utoipa::openapi::RefOr;

use super::{problem, query};
use crate::error::Error;

/// The ranges of an `Accept` header; none if there is no header, or nothing in it that can be read, which takes anything.
#[derive(Clone, Debug)]
pub(super) struct Accept(Vec<Range>);

#[derive(Clone, Debug)]
struct Range {
    /// In lower case, such as `text/csv`, `text/*` or `*/*`.
    name: String,
    /// In thousandths; 0 refuses.
    quality: u16,
}

impl Accept {
    pub(super) fn parse(header: &str) -> Self {
        Self(header.split(',').filter_map(Range::parse).collect())
    }

    /// The one of `offers` that the caller would rather have; the first of those that it takes equally. Who names only
    /// `application/problem+json` can be told of problems, so it rules out nothing.
    ///
    /// # Errors
    /// 406 if it takes none of them.
    pub(super) fn choose<'a, T: Copy>(&self, offers: &[T], media_type: impl Fn(T) -> &'a str) -> Result<T, Error> {
        let weighed = offers.iter().rev().filter_map(|offer| Some((self.weight(media_type(*offer))?, *offer)));
        let best = weighed.max_by_key(|(weight, _)| *weight).map(|(_, offer)| offer);
        let takes_problems = self.0.iter().any(|range| range.name == problem::MEDIA_TYPE && range.quality > 0);
        best.or(offers.first().copied().filter(|_| takes_problems)).ok_or_else(|| {
            let types: Vec<&str> = offers.iter().filter_map(|offer| media_type(*offer).split(';').next()).collect();
            Error::not_acceptable(format!("Accept rules out all that is answered here: {}", types.join(", ")))
        })
    }

    /// How much `media_type` is wanted: by its quality, then by how exactly and how early it is named. Nothing if it is not taken.
    fn weight(&self, media_type: &str) -> Option<(u16, usize, Reverse<usize>)> {
        if self.0.is_empty() {
            return Some((1000, 0, Reverse(0)));
        }
        let named = (0..).zip(&self.0).filter_map(|(place, range)| Some((range.exactness(media_type)?, Reverse(place), range.quality)));
        // The most exact range says the quality: `text/csv;q=0, */*` takes all but CSV.
        let (exactness, place, quality) = named.max()?;
        (quality > 0).then_some((quality, exactness, place))
    }

    /// Refuses a header that rules out everything that the operation answers with by the API document.
    pub(super) fn check(&self, request: &HttpRequest) -> Result<(), Error> {
        let responses = query::operation(request).map(|operation| &operation.responses.responses);
        let answers =
            responses.into_iter().flatten().filter(|(status, _)| status.starts_with('2')).filter_map(|(_, answer)| match answer {
                RefOr::T(answer) => Some(answer),
                RefOr::Ref(_) => None,
            });
        let offers: Vec<&str> = answers.flat_map(|answer| answer.content.keys().map(String::as_str)).collect();
        if offers.is_empty() { Ok(()) } else { self.choose(&offers, |offer| offer).map(drop) }
    }
}

impl Range {
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let name = parts.next().filter(|name| name.contains('/'))?.to_ascii_lowercase();
        let quality = parts.filter_map(|part| part.split_once('=')).find(|(name, _)| name.eq_ignore_ascii_case("q"));
        Some(Self { name, quality: quality.and_then(|(_, value)| thousandths(value)).unwrap_or(1000) })
    }

    /// How exactly the range names `media_type`, if it does; parameters are not looked at.
    fn exactness(&self, media_type: &str) -> Option<usize> {
        let plain = media_type.split(';').next().unwrap_or_default();
        let kind = plain.split('/').next().unwrap_or_default();
        match self.name.split_once('/')? {
            ("*", "*") => Some(0),
            (own, "*") => (own == kind).then_some(1),
            _ => (self.name == plain).then_some(2),
        }
    }
}

/// `0.25` as 250: a quality has at most three digits behind the point.
fn thousandths(text: &str) -> Option<u16> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    format!("{whole}{fraction:0<3}").parse().ok().filter(|quality| *quality <= 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    const JSON: &str = "application/json";
    const CSV: &str = "text/csv; charset=utf-8";

    #[test]
    fn the_best_offer_is_found_as_http_says() {
        for (header, best) in [
            ("", Some(JSON)),
            ("nonsense", Some(JSON)),
            ("*/*", Some(JSON)),
            ("application/*", Some(JSON)),
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", Some(JSON)),
            ("text/csv", Some(CSV)),
            ("Text/CSV; charset=utf-8", Some(CSV)),
            ("text/*", Some(CSV)),
            ("text/csv, application/json", Some(CSV)),
            ("application/json, text/csv", Some(JSON)),
            ("application/json, text/csv;q=0.5", Some(JSON)),
            ("application/json;q=0.1, text/csv;q=0.25", Some(CSV)),
            ("*/*, text/csv", Some(CSV)),
            ("text/csv;q=0, */*", Some(JSON)),
            ("text/csv, */*;q=0.1", Some(CSV)),
            ("application/json; Q=0, */*; q=0.001", Some(CSV)),
            ("application/json;q=nonsense", Some(JSON)),
            ("image/png", None),
            ("image/*, application/xml", None),
            ("application/json;q=0", None),
            ("*/*;q=0.0", None),
        ] {
            assert_eq!(Accept::parse(header).choose(&[JSON, CSV], |offer| offer).ok(), best, "{header}");
        }
    }
}
