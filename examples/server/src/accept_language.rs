//! The preferred language of a browser.

use http::{HeaderMap, header};
use neuropod::message::Language;

/// The supported language that `Accept-Language` (RFC 9110, section 12.5.4) prefers; Spanish if it names
/// neither.
pub(crate) fn accept_language(headers: &HeaderMap) -> Language {
    let ranges = headers
        .get_all(header::ACCEPT_LANGUAGE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    let mut best = (0.0, Language::Es);
    for range in ranges {
        let mut parts = range.split(';').map(str::trim);
        let tag = parts.next().unwrap_or_default();
        let weight = parts
            .find_map(|part| part.strip_prefix("q="))
            .map_or(1.0, |weight| weight.parse::<f32>().unwrap_or(0.0));
        let language = match tag
            .split('-')
            .next()
            .unwrap_or_default()
            .to_ascii_lowercase()
            .as_str()
        {
            "es" => Language::Es,
            "en" => Language::En,
            _ => continue,
        };
        if weight > best.0 {
            best = (weight, language);
        }
    }
    best.1
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn the_preferred_language_is_used() {
        let cases = [
            ("", Language::Es),
            ("en", Language::En),
            ("en-GB, en;q=0.9", Language::En),
            ("de, en;q=0.5, es;q=0.8", Language::Es),
            ("es-MX;q=0.4, EN;q=0.5", Language::En),
            ("fr, *", Language::Es),
            ("en;q=0", Language::Es),
            ("en;q=nonsense", Language::Es),
        ];
        for (value, language) in cases {
            let headers = [(header::ACCEPT_LANGUAGE, HeaderValue::from_static(value))];
            assert_eq!(
                accept_language(&headers.into_iter().collect()),
                language,
                "{value:?}"
            );
        }
    }
}
