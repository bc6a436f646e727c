//! References to container images, as a person writes them, and where images may come from.

mod host;
mod rules;

use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use oci_spec::distribution::{ParseError, Reference};
use regex::Regex;
use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use self::rules::{ImageRules, NoRegistry};

/// Characters in a host name without its port (RFC 1035, as written).
const MAX_HOST_LEN: usize = 253;
/// Bytes that no valid reference exceeds: host, port, repository (255), tag (128) and SHA-512 digest, with
/// what stands between them.
pub const MAX_IMAGE_LEN: usize =
    MAX_HOST_LEN + ":65535/".len() + 255 + ":".len() + 128 + "@sha512:".len() + 128;

/// A reference to an image: `[registry/]repository[:tag][@digest]`, valid as container runtimes read it.
///
/// Keeps the text as it was written: that is what goes into the Pod.
///
/// ```
/// use neuropod_core::pod::image::{ImageError, ImageReference};
///
/// let image: ImageReference = "pytorch/pytorch".parse()?;
/// assert_eq!(image.as_str(), "pytorch/pytorch");
/// assert_eq!("PyTorch".parse::<ImageReference>(), Err(ImageError::NotLowercase));
/// # Ok::<(), ImageError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ImageReference(String);

/// The problem of an image reference, for its author.
///
/// The texts don't repeat the reference: it may be very long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ImageError {
    /// Nothing was written.
    #[error("the image is empty")]
    Empty,
    /// Longer than any valid reference.
    #[error("the image is longer than any image name can be")]
    TooLong,
    /// A space, a line break or a control character, perhaps at an end.
    #[error("the image has a space or a line break in it")]
    Space,
    /// A URL was written, with `https://` in front.
    #[error("write the image without `https://`, as in `ghcr.io/owner/name:tag`")]
    Url,
    /// The repository has capital letters.
    #[error("the image name must be in lower case")]
    NotLowercase,
    /// The repository is over 255 characters.
    #[error("the image name is longer than 255 characters")]
    NameTooLong,
    /// The registry has a port outside 1 to 65535, an over-long host, or an IPv6 address.
    #[error("the registry must be a host name or an IPv4 address, with a port from 1 to 65535 or none")]
    Registry,
    /// The tag is empty, too long, or has characters no tag has; or there are two.
    #[error(
        "the tag must be one, of 1 to 128 letters, digits, `_`, `.` and `-`, and not start with `.` or `-`"
    )]
    Tag,
    /// The digest has the wrong length or an unknown algorithm, or capital letters.
    #[error("the digest must be `sha256:` and 64 hexadecimal digits in lower case (or sha384, sha512)")]
    Digest,
    /// Anything else that is no image reference.
    #[error("this is no image name, as in `pytorch/pytorch:latest`")]
    Malformed,
}

impl ImageReference {
    /// The reference as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ImageReference {
    type Err = ImageError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.to_owned().try_into()
    }
}

impl TryFrom<String> for ImageReference {
    type Error = ImageError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if !is_plain(&text) {
            parse(&text)?;
        }
        Ok(Self(text))
    }
}

impl From<ImageReference> for String {
    fn from(image: ImageReference) -> Self {
        image.0
    }
}

impl AsRef<str> for ImageReference {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ImageReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether this is a reference of the usual form: short, with single separators. Checked without the parser, because every
/// record that is read has one and the parser takes twenty times as long.
fn is_plain(text: &str) -> bool {
    #[expect(clippy::unwrap_used, reason = "the pattern is valid: every test uses it")]
    static PLAIN: LazyLock<Regex> = LazyLock::new(|| {
        let name = "[a-z0-9]+(?:[._-][a-z0-9]+)*";
        Regex::new(&format!("^{name}(?:/{name})*(?::[a-zA-Z0-9_][a-zA-Z0-9_.-]*)?$")).unwrap()
    });
    // An id of an image has 64 digits and looks like a name.
    text.len() < 64 && PLAIN.is_match(text)
}

fn parse(text: &str) -> Result<Reference, ImageError> {
    // First, so that the work is bounded whatever was sent.
    if text.len() > MAX_IMAGE_LEN {
        return Err(ImageError::TooLong);
    }
    if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(if text.trim().is_empty() {
            ImageError::Empty
        } else {
            ImageError::Space
        });
    }
    let parts: Reference = text.parse().map_err(|error| explain(text, &error))?;
    check_registry(parts.registry())?;
    check_repository(parts.repository())?;
    // The library's pattern accepts letters of any script in a tag, and capitals in a digest.
    if !parts.tag().is_none_or(str::is_ascii) {
        return Err(ImageError::Tag);
    }
    if parts.digest().is_some_and(has_capitals) {
        return Err(ImageError::Digest);
    }
    Ok(parts)
}

/// The library checks neither the number of the port nor the length of the host.
fn check_registry(registry: &str) -> Result<(), ImageError> {
    let (host, port) = registry.split_once(':').unwrap_or((registry, "443"));
    let port_exists = port.parse::<u16>().is_ok_and(|port| port > 0);
    if host.len() <= MAX_HOST_LEN && port_exists {
        Ok(())
    } else {
        Err(ImageError::Registry)
    }
}

/// The library reads `Foo/bar` as a repository of Docker Hub, and accepts 64 hexadecimal digits as a name,
/// which runtimes refuse because it resembles the id of an image.
fn check_repository(repository: &str) -> Result<(), ImageError> {
    if has_capitals(repository) {
        return Err(ImageError::NotLowercase);
    }
    let name = repository.strip_prefix("library/").unwrap_or(repository);
    if name.len() == 64 && name.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(ImageError::Malformed);
    }
    Ok(())
}

fn has_capitals(text: &str) -> bool {
    text.contains(|c: char| c.is_ascii_uppercase())
}

/// The library says of most texts only that they are malformed; this finds the likeliest reason.
fn explain(text: &str, error: &ParseError) -> ImageError {
    match error {
        ParseError::NameEmpty => return ImageError::Empty,
        ParseError::NameTooLong => return ImageError::NameTooLong,
        ParseError::NameContainsUppercase => return ImageError::NotLowercase,
        ParseError::TagInvalidFormat => return ImageError::Tag,
        ParseError::DigestInvalidFormat | ParseError::DigestInvalidLength | ParseError::DigestUnsupported => {
            return ImageError::Digest;
        }
        ParseError::ReferenceInvalidFormat => {}
    }
    if text.contains("://") {
        return ImageError::Url;
    }
    // An IPv6 address: the library knows none, with or without brackets.
    if text
        .split_once('/')
        .is_some_and(|(host, _)| host.starts_with('[') || host.contains("::"))
    {
        return ImageError::Registry;
    }
    // Digest and tag are removed; if the rest is a reference, the removed part is at fault.
    let is_reference = |text: &str| text.parse::<Reference>().is_ok();
    let (rest, has_digest) = text
        .split_once('@')
        .map_or((text, false), |(rest, _)| (rest, true));
    if has_digest && is_reference(rest) {
        return ImageError::Digest;
    }
    let path = rest.rfind('/').map_or(0, |slash| slash + 1);
    let name = rest[path..].find(':').map_or(rest, |colon| &rest[..path + colon]);
    if name != rest && is_reference(name) {
        return ImageError::Tag;
    }
    if has_capitals(name) && is_reference(&name.to_ascii_lowercase()) {
        return ImageError::NotLowercase;
    }
    ImageError::Malformed
}

#[cfg(test)]
mod tests;
