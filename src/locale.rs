//! The texts that people are told in their language (`locales/`).

use fluent_templates::{LanguageIdentifier, Loader, langid, static_loader};

pub(crate) const ENGLISH: LanguageIdentifier = langid!("en");
pub(crate) const CHINESE: LanguageIdentifier = langid!("zh-CN");

static_loader! {
    pub(crate) static LOCALES = {
        locales: "./locales",
        fallback_language: "en",
        // Marks around what is filled in would be forwarded too, and some programs show them.
        customise: |bundle| bundle.set_use_isolating(false),
    };
}

/// What a stable code says in Chinese, where that is written (`locales/zh-CN/problems.ftl`); the English is what the code itself says.
pub(crate) fn in_chinese(code: &str) -> Option<String> {
    LOCALES.try_lookup(&CHINESE, &code.replace('_', "-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_wrong_when_signing_in_is_said_in_chinese() {
        for code in [
            "unauthenticated",
            "wrong_credentials",
            "too_many_attempts",
            "second_factor_needed",
            "wrong_second_factor",
            "invitation_not_good",
            "invalid",
            "wrong_password",
            "password_too_short",
            "password_too_common",
            "password_unchanged",
            "code_malformed",
            "missing_field",
        ] {
            let chinese = in_chinese(code).unwrap_or_default();
            assert!(chinese.chars().any(|c| matches!(c, '\u{4E00}'..='\u{9FFF}')), "{code}: {chinese}");
        }
        assert_eq!(in_chinese("weekday_of_nothing"), None);
    }
}
