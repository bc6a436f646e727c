//! Compresses answers according to the client's preferences (RFC 9110, 12.5.3).

use std::io::Write as _;

use axum::body::{Body, HttpBody as _, to_bytes};
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, VARY};
use http::{HeaderMap, HeaderValue};

/// A shorter answer fits into one packet uncompressed.
const WORTH_IT: u64 = 1024;

/// The encoding of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// By Brotli (RFC 7932).
    Brotli,
    /// By gzip (RFC 1952).
    Gzip,
    /// Unencoded.
    Identity,
}

impl Encoding {
    /// Its name in `Content-Encoding`.
    pub(crate) fn name(self) -> Option<&'static str> {
        match self {
            Self::Brotli => Some("br"),
            Self::Gzip => Some("gzip"),
            Self::Identity => None,
        }
    }

    /// A body in this encoding, as small as possible; `None` if encoding fails. This is slow, so it is for
    /// bodies that are sent many times.
    pub(crate) fn smallest(self, plain: &[u8]) -> Option<Bytes> {
        match self {
            Self::Brotli => {
                // The best quality takes some tenths of a second, once; without optimisation it would take tens
                // of seconds.
                let quality = if cfg!(debug_assertions) { 5 } else { 11 };
                let mut encoder = brotli::CompressorWriter::new(Vec::new(), 4096, quality, 22);
                encoder.write_all(plain).ok()?;
                Some(encoder.into_inner().into())
            }
            Self::Gzip => gzip(plain, Compression::best()),
            Self::Identity => None,
        }
    }
}

fn gzip(plain: &[u8], level: Compression) -> Option<Bytes> {
    let mut encoder = GzEncoder::new(Vec::new(), level);
    encoder.write_all(plain).ok()?;
    encoder.finish().ok().map(Bytes::from)
}

/// Middleware that compresses long answers of the API: a list of 200 pods is some 400 KB of JSON, and a
/// twentieth of that with gzip. Streams are not compressed.
///
/// Attacks that derive a secret from the length of a compressed answer (BREACH) need requests in the victim's
/// name. No foreign page can make those here, because the token is in a header that only the dashboard sets.
pub(crate) async fn compress(request: Request, next: Next) -> Response {
    let accepts = Accepted::from_headers(request.headers()).takes(Encoding::Gzip);
    let mut response = next.run(request).await;
    if response.headers().contains_key(CONTENT_ENCODING) || !is_text(response.headers()) {
        return response;
    }
    response
        .headers_mut()
        .append(VARY, HeaderValue::from_static("accept-encoding"));
    if !accepts
        || response
            .body()
            .size_hint()
            .exact()
            .is_none_or(|size| size < WORTH_IT)
    {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    // It is in memory already, so its size is known.
    let Ok(plain) = to_bytes(body, usize::MAX).await else {
        return Response::from_parts(parts, Body::empty());
    };
    let Some(body) = gzip(&plain, Compression::fast()) else {
        return Response::from_parts(parts, plain.into());
    };
    parts.headers.remove(CONTENT_LENGTH);
    parts
        .headers
        .insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    Response::from_parts(parts, body.into())
}

fn is_text(headers: &HeaderMap) -> bool {
    let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    media_type.is_some_and(|value| {
        ["application/json", "text/html", "text/css", "text/javascript"]
            .iter()
            .any(|start| value.starts_with(start))
    })
}

/// The encodings that a client accepts, from `Accept-Encoding`. Without the header, only the identity.
pub(crate) struct Accepted(Vec<(String, f32)>);

impl Accepted {
    /// Reads these headers.
    pub(crate) fn from_headers(headers: &HeaderMap) -> Self {
        let values = headers.get_all(ACCEPT_ENCODING).iter();
        Self::read(values.filter_map(|value| value.to_str().ok()))
    }

    fn read<'a>(values: impl Iterator<Item = &'a str>) -> Self {
        let weight = |part: &str| {
            let (name, parameters) = part.split_once(';').unwrap_or((part, ""));
            let weight = match parameters.trim().strip_prefix("q=") {
                Some(weight) => weight.trim().parse().ok()?,
                None => 1.0,
            };
            let name = name.trim().to_ascii_lowercase();
            Some((name, weight)).filter(|(name, _)| !name.is_empty())
        };
        Self(
            values
                .flat_map(|value| value.split(','))
                .filter_map(weight)
                .collect(),
        )
    }

    /// Whether the client accepts this encoding.
    pub(crate) fn takes(&self, encoding: Encoding) -> bool {
        let Some(name) = encoding.name() else {
            return true;
        };
        let quality_of = |wanted: &str| self.0.iter().find(|(name, _)| name == wanted);
        quality_of(name)
            .or_else(|| quality_of("*"))
            .is_some_and(|(_, weight)| *weight > 0.0)
    }

    /// The most compact encoding that the client accepts.
    pub(crate) fn smallest(&self) -> Encoding {
        let all = [Encoding::Brotli, Encoding::Gzip];
        all.into_iter()
            .find(|each| self.takes(*each))
            .unwrap_or(Encoding::Identity)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn the_smallest_accepted_encoding_is_used() {
        use Encoding::{Brotli, Gzip, Identity};
        for (accepted, chosen) in [
            ("", Identity),
            ("gzip, deflate, br, zstd", Brotli),
            ("gzip, deflate", Gzip),
            ("GZIP", Gzip),
            ("br;q=0, gzip", Gzip),
            ("br ; q=0.0, gzip;q=0.1", Gzip),
            ("br;q=0.1, gzip;q=1", Brotli),
            ("*", Brotli),
            ("*;q=0", Identity),
            ("*;q=0, gzip", Gzip),
            ("br;q=0, *", Gzip),
            ("identity", Identity),
            ("deflate", Identity),
            ("br;q=often", Identity),
            (",,;q=1,", Identity),
        ] {
            assert_eq!(
                Accepted::read([accepted].into_iter()).smallest(),
                chosen,
                "{accepted}"
            );
        }
        let two_lines = Accepted::read(["deflate", "gzip"].into_iter());
        assert_eq!(two_lines.smallest(), Gzip);
        assert!(two_lines.takes(Identity) && !two_lines.takes(Brotli));
    }

    #[test]
    fn compressed_bodies_can_be_decompressed() {
        let plain = b"export const text = 1;\n".repeat(500);
        let mut read = Vec::new();
        let gzip = Encoding::Gzip.smallest(&plain).unwrap();
        flate2::read::GzDecoder::new(&gzip[..])
            .read_to_end(&mut read)
            .unwrap();
        assert!(read == plain && gzip.len() < plain.len());
        read.clear();
        let coded = Encoding::Brotli.smallest(&plain).unwrap();
        brotli::Decompressor::new(&coded[..], 4096)
            .read_to_end(&mut read)
            .unwrap();
        assert!(read == plain && coded.len() < plain.len());
    }
}
