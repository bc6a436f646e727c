use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{MAX_SLUG_LEN, NamingError, hash::KEYED_LEN};

/// A pod's display name as it appears in object and host names: lower-case ASCII letters, digits and single
/// inner hyphens, starting with a letter, at most [`MAX_SLUG_LEN`] characters.
///
/// Made by [`Naming::slug`](super::Naming::slug). Two display names can have one slug (`My Pod`, `my-pod`):
/// whoever checks that a name is free among the pods of an owner compares slugs, not display names.
///
/// ```
/// use neuropod_core::naming::Slug;
///
/// assert!("my-pod".parse::<Slug>().is_ok());
/// assert!("my--pod".parse::<Slug>().is_err());
/// assert!("1-pod".parse::<Slug>().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Slug(String);

impl Slug {
    /// The slug as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Slug {
    type Err = NamingError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let valid = text.len() <= MAX_SLUG_LEN
            && text.starts_with(|c: char| c.is_ascii_lowercase())
            && !text.ends_with('-')
            && !text.contains("--")
            && text
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if valid {
            Ok(Self(text.to_owned()))
        } else {
            Err(NamingError::InvalidSlug)
        }
    }
}

impl TryFrom<String> for Slug {
    type Error = NamingError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Slug> for String {
    fn from(slug: Slug) -> Self {
        slug.0
    }
}

impl AsRef<str> for Slug {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Makes the slug of a display name; `digest` turns a slug that is too long into base32.
///
/// Time and memory are linear in the length of the name.
pub(super) fn make(display_name: &str, digest: impl Fn(&str) -> String) -> Result<Slug, NamingError> {
    let mut whole = transliterate(display_name);
    if whole.is_empty() {
        return Err(NamingError::Empty);
    }
    // A Service name starts with a letter (RFC 1035), and a label that starts with `xn--` is an
    // internationalised name (RFC 5890); `--` can't occur, and its remains shall not look like one either.
    if whole.starts_with(|c: char| c.is_ascii_digit()) || whole == "xn" || whole.starts_with("xn-") {
        whole.insert_str(0, "p-");
    }
    // A slug used whole is shorter than the limit and a cut one has exactly the limit, so the two never meet.
    if whole.len() >= MAX_SLUG_LEN {
        whole = cut(&whole, &digest(&whole));
    }
    Ok(Slug(whole))
}

/// The start of a long slug and as much of its digest as fills the limit: [`KEYED_LEN`] characters, or one
/// more where the start would end in a hyphen.
fn cut(whole: &str, digest: &str) -> String {
    let start = whole[..MAX_SLUG_LEN - KEYED_LEN - 1].trim_end_matches('-');
    let rest = MAX_SLUG_LEN - start.len() - 1;
    format!("{start}-{}", &digest[..rest])
}

/// Lower-case ASCII letters and digits, with one hyphen for whatever stands between them.
fn transliterate(name: &str) -> String {
    let mut out = String::new();
    let mut gap = false;
    let mut push = |c: char| {
        if c.is_ascii_alphanumeric() {
            if gap && !out.is_empty() {
                out.push('-');
            }
            gap = false;
            out.push(c.to_ascii_lowercase());
        } else {
            gap = true;
        }
    };
    for c in name.chars() {
        if c.is_ascii() {
            push(c);
        } else {
            in_ascii(c).chars().for_each(&mut push);
        }
    }
    out
}

/// What a character beyond ASCII is in ASCII. A space stands for whatever separates words; the empty text for
/// what only shapes its neighbour: combining accents, joiners, direction marks.
fn in_ascii(c: char) -> &'static str {
    match c {
        // Enclosed letters and pictographs. Some count as letters (U+1F170), yet people see emoji, and
        // deunicode would spell them out (a crab becomes "crab"): a name nobody typed.
        '\u{1F100}'..='\u{1FAFF}' => " ",
        _ => match deunicode::deunicode_char(c) {
            Some("") => "",
            Some(text) if c.is_alphanumeric() => text,
            _ => " ",
        },
    }
}
