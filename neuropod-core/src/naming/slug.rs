use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::error::NamingError;
use super::limits::{KEYED_LEN, MAX_KEPT_SLUG_LEN, MAX_SLUG_LEN};

/// The form of a pod's display name in object and host names.
///
/// [`Naming::slug`](super::Naming::slug) makes it of lower-case ASCII letters, digits and single inner hyphens,
/// starting with a letter, at most [`MAX_SLUG_LEN`] characters. The slug of a migrated pod
/// ([`Naming::kept_slug`](super::Naming::kept_slug)) may have repeated or final hyphens, and up to
/// [`MAX_KEPT_SLUG_LEN`] characters. Two display names can have the same slug (`My Pod`, `my-pod`): to check
/// that a name is free among the pods of an owner, compare slugs, not display names.
///
/// ```
/// use neuropod_core::naming::Slug;
///
/// assert!("my-pod".parse::<Slug>().is_ok());
/// assert!("my--pod-".parse::<Slug>().is_ok(), "kept by a migration");
/// assert!("1-pod".parse::<Slug>().is_err());
/// assert!("xn--pod".parse::<Slug>().is_err(), "an internationalised name (RFC 5890)");
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
        let valid = text.len() <= MAX_KEPT_SLUG_LEN
            && text.starts_with(|c: char| c.is_ascii_lowercase())
            // With the hyphen before the hash, `xn-` begins like an internationalised name, too.
            && !text.starts_with("xn--")
            && text != "xn-"
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

impl Slug {
    /// Whether it has the form of [`make`]: single inner hyphens only, and no more than [`MAX_SLUG_LEN`].
    pub(super) fn is_made(&self) -> bool {
        self.0.len() <= MAX_SLUG_LEN && !self.0.ends_with('-') && !self.0.contains("--")
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
    shorten(transliterate(display_name), digest)
}

/// Makes the slug of a display name on a deployment with names of the existing backend: as in that backend if
/// the result is not empty, else as [`make`].
pub(super) fn make_legacy(display_name: &str, digest: impl Fn(&str) -> String) -> Result<Slug, NamingError> {
    let parts = as_existing_backend(display_name);
    let parts: Vec<_> = parts.split('-').filter(|part| !part.is_empty()).collect();
    if parts.is_empty() {
        make(display_name, digest)
    } else {
        shorten(parts.join("-"), digest)
    }
}

/// The display name as in the existing backend: lower case, and a hyphen for every UTF-16 unit that is not
/// `a-z`, `0-9` or hyphen, so two for an emoji. Kubernetes does not accept every result.
pub(super) fn as_existing_backend(display_name: &str) -> String {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let mut out = String::new();
    for c in display_name.to_lowercase().chars() {
        if plain(c) {
            out.push(c);
        } else {
            out.extend(std::iter::repeat_n('-', c.len_utf16()));
        }
    }
    out
}

/// Makes a slug of lower-case ASCII letters and digits with single inner hyphens.
fn shorten(mut whole: String, digest: impl Fn(&str) -> String) -> Result<Slug, NamingError> {
    if whole.is_empty() {
        return Err(NamingError::Empty);
    }
    // A Service name starts with a letter (RFC 1035), and a label that starts with `xn--` is an
    // internationalised name (RFC 5890). `--` can't occur, but its remains must not look like one either.
    if whole.starts_with(|c: char| c.is_ascii_digit()) || whole == "xn" || whole.starts_with("xn-") {
        whole.insert_str(0, "p-");
    }
    // A slug used in full is shorter than the limit and a cut one has exactly the limit, so the two never
    // collide.
    if whole.len() >= MAX_SLUG_LEN {
        whole = cut(&whole, &digest(&whole));
    }
    Ok(Slug(whole))
}

/// The start of a long slug, and enough of its digest to reach the limit: [`KEYED_LEN`] characters, or one more
/// if the start would end in a hyphen.
fn cut(whole: &str, digest: &str) -> String {
    let start = whole[..MAX_SLUG_LEN - KEYED_LEN - 1].trim_end_matches('-');
    let rest = MAX_SLUG_LEN - start.len() - 1;
    format!("{start}-{}", &digest[..rest])
}

/// Lower-case ASCII letters and digits, with a single hyphen for anything between them.
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

/// A character beyond ASCII in ASCII. A space for word separators; the empty text for characters that only
/// shape their neighbour: combining accents, joiners, direction marks.
fn in_ascii(c: char) -> &'static str {
    match c {
        // Enclosed letters and pictographs. Some count as letters (U+1F170), but people see emoji, and
        // deunicode would spell them out (a crab becomes "crab") into a name that nobody typed.
        '\u{1F100}'..='\u{1FAFF}' => " ",
        _ => match deunicode::deunicode_char(c) {
            Some("") => "",
            Some(text) if c.is_alphanumeric() => text,
            _ => " ",
        },
    }
}
