//! Lenient reading of a document of the existing backend: plain functions without I/O.
//!
//! Mongoose casts values when it reads them (`"20"` is 20) and fills in the defaults of its schema; so do these
//! functions. Invalid values are replaced by sensible defaults and reported, never dropped silently.

use jiff::Timestamp;
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{Bson, Document};
use neuropod_core::pod::Port;
use neuropod_core::pod::image::ImageReference;

use super::finding::{Finding, Oddity};

/// The largest valid disk size in GB. It is above the limit for new pods, because larger existing disks are
/// kept.
const BIGGEST_DISK_GB: u32 = 16_384;
/// The maximum length of a name, in characters; the rest is cut off.
const LONGEST_NAME: usize = 200;

/// A document being read, and the problems found so far.
pub(super) struct Old<'a> {
    document: &'a Document,
    collection: &'static str,
    id: String,
    findings: Vec<Finding>,
}

/// A port of a pod or a template, with the document that it was read from.
pub(super) struct OldPort<'a> {
    pub(super) port: Port,
    pub(super) document: &'a Document,
}

impl<'a> Old<'a> {
    pub(super) fn new(document: &'a Document, collection: &'static str) -> Self {
        Self {
            document,
            collection,
            id: id_of(document),
            findings: Vec::new(),
        }
    }

    pub(super) fn findings(self) -> Vec<Finding> {
        self.findings
    }

    pub(super) fn document(&self) -> &'a Document {
        self.document
    }

    /// The id as text.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Reports a problem.
    pub(super) fn report(&mut self, oddity: Oddity) {
        let finding = Finding::new(self.collection, &self.id, oddity);
        self.findings.push(finding);
    }

    /// Reports why the document can't be migrated.
    pub(super) fn reject<T>(&mut self, oddity: Oddity) -> Option<T> {
        self.report(oddity);
        None
    }

    pub(super) fn get(&self, field: &str) -> Option<&'a Bson> {
        self.document.get(field).filter(|value| **value != Bson::Null)
    }

    /// The id that other documents refer to. `in_place`: this library must find the document under it.
    pub(super) fn own_id(&mut self, in_place: bool) -> Option<String> {
        let found = match self.document.get("_id") {
            Some(Bson::ObjectId(id)) => Some(id.to_hex()),
            // This library would search for such a text as an ObjectId.
            Some(Bson::String(id)) if !(id.is_empty() || in_place && is_object_id(id)) => Some(id.clone()),
            _ => None,
        };
        match found {
            Some(id) => Some(id),
            None => self.reject(Oddity::IdUnusable),
        }
    }

    /// A text, trimmed and without invisible characters; `None` if nothing remains.
    pub(super) fn text(&self, field: &str) -> Option<String> {
        let text = match self.get(field)? {
            Bson::String(text) => visible(text),
            number => number_text(number)?,
        };
        (!text.is_empty()).then_some(text)
    }

    /// A boolean.
    pub(super) fn flag(&self, field: &str) -> Option<bool> {
        match self.get(field)? {
            Bson::Boolean(flag) => Some(*flag),
            Bson::String(text) if text == "true" => Some(true),
            Bson::String(text) if text == "false" => Some(false),
            other => number(other).map(|number| number != 0.0),
        }
    }

    /// A size in GB. An invalid size is reported and replaced by `instead`; one above the limit `most` is
    /// reported and kept.
    pub(super) fn size(&mut self, field: &'static str, most: u32, instead: u32) -> u32 {
        let was = shown(self.get(field));
        let Some(size) = self.get(field).and_then(number).filter(|size| size.is_finite()) else {
            self.report(Oddity::Size {
                field,
                was,
                now: instead,
            });
            return instead;
        };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is whole and in the range"
        )]
        let now = size.ceil().clamp(1.0, f64::from(BIGGEST_DISK_GB)) as u32;
        if f64::from(now).total_cmp(&size).is_ne() {
            self.report(Oddity::Size { field, was, now });
        } else if now > most {
            self.report(Oddity::SizeAbove {
                field,
                size: now,
                most,
            });
        }
        now
    }

    /// The image; an error is not reported yet.
    pub(super) fn image(&self) -> Result<ImageReference, String> {
        let image = self.text("dockerImage").unwrap_or_default();
        image.parse().map_err(|error| format!("{image:?}: {error}"))
    }

    /// A reference to another document.
    pub(super) fn reference(&self, field: &str) -> Option<String> {
        match self.get(field)? {
            Bson::ObjectId(id) => Some(id.to_hex()),
            Bson::String(id) if !id.is_empty() => Some(id.clone()),
            _ => None,
        }
    }

    /// The first valid time among `fields`, else the time in the `ObjectId`, else `now`, which is reported.
    pub(super) fn time(&mut self, fields: &[&str], now: Timestamp) -> Timestamp {
        let made = self.document.get_object_id("_id").ok();
        let made = made.map(|id| Bson::DateTime(id.timestamp()));
        let found = fields.iter().filter_map(|field| self.get(field));
        if let Some(time) = found.chain(&made).find_map(time) {
            return time;
        }
        self.report(Oddity::NoDate);
        now
    }

    /// The ports in the list `field`. Invalid and duplicate ports are reported and left out.
    pub(super) fn ports(&mut self, field: &'static str) -> Vec<OldPort<'a>> {
        let list = match self.get(field) {
            None => return Vec::new(),
            Some(Bson::Array(list)) => list,
            Some(other) => {
                let was = shown(Some(other));
                self.report(Oddity::PortLeftOut { field, was });
                return Vec::new();
            }
        };
        let mut ports: Vec<OldPort<'a>> = Vec::new();
        for item in list {
            let port = item.as_document().and_then(|document| {
                let port = as_whole(number(document.get("port")?)?).filter(|port| *port > 0)?;
                let name = document.get_str("serviceName").map(visible).unwrap_or_default();
                let port = Port::http(u16::try_from(port).ok()?);
                let port = if name.is_empty() {
                    port
                } else {
                    port.with_name(name)
                };
                Some(OldPort { port, document })
            });
            match port {
                Some(port) if ports.iter().all(|other| other.port.number != port.port.number) => {
                    ports.push(port);
                }
                _ => {
                    let was = item
                        .as_document()
                        .map_or_else(|| shown(Some(item)), |document| shown(document.get("port")));
                    self.report(Oddity::PortLeftOut { field, was });
                }
            }
        }
        ports
    }
}

/// The `_id` of a document, as text for people.
pub(super) fn id_of(document: &Document) -> String {
    match document.get("_id") {
        Some(Bson::ObjectId(id)) => id.to_hex(),
        Some(Bson::String(id)) => visible(id),
        other => shown(other),
    }
}

fn is_object_id(text: &str) -> bool {
    ObjectId::parse_str(text).is_ok_and(|id| id.to_hex() == text)
}

/// A number of any BSON type. JavaScript has a single number type, and Mongoose casts texts.
pub(super) fn number(value: &Bson) -> Option<f64> {
    match value {
        Bson::Double(number) => Some(*number),
        Bson::Int32(number) => Some(f64::from(*number)),
        #[expect(clippy::cast_precision_loss, reason = "as JavaScript reads it")]
        Bson::Int64(number) => Some(*number as f64),
        Bson::Decimal128(number) => number.to_string().parse().ok(),
        Bson::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// A number as an integer; `None` if it is not one.
fn as_whole(number: f64) -> Option<u32> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is whole and in the range"
    )]
    let whole = number as u32;
    (f64::from(whole).total_cmp(&number).is_eq()).then_some(whole)
}

fn number_text(value: &Bson) -> Option<String> {
    match value {
        Bson::Int32(_) | Bson::Int64(_) | Bson::Double(_) => Some(value.to_string()),
        _ => None,
    }
}

fn time(value: &Bson) -> Option<Timestamp> {
    match value {
        Bson::DateTime(time) => Timestamp::from_millisecond(time.timestamp_millis()).ok(),
        Bson::String(text) => text.trim().parse().ok(),
        Bson::Int64(millis) => Timestamp::from_millisecond(*millis).ok(),
        #[expect(clippy::cast_possible_truncation, reason = "whole milliseconds are enough")]
        Bson::Double(millis) if millis.is_finite() => Timestamp::from_millisecond(*millis as i64).ok(),
        _ => None,
    }
}

/// A text, trimmed, without invisible characters (control characters, direction marks, zero-width characters),
/// and cut off after [`LONGEST_NAME`] characters.
pub(super) fn visible(text: &str) -> String {
    let shows = |c: &char| {
        !c.is_control()
            && !matches!(c, '\u{61C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
                | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
    };
    let kept: String = text.chars().filter(shows).take(LONGEST_NAME).collect();
    kept.trim().to_owned()
}

/// A value for people, shortened; empty if there is none.
pub(super) fn shown(value: Option<&Bson>) -> String {
    let text = match value {
        None | Some(Bson::Null) => String::new(),
        Some(Bson::String(text)) => format!("{text:?}"),
        Some(Bson::ObjectId(id)) => id.to_hex(),
        Some(other) => other.to_string(),
    };
    let mut short: String = text.chars().take(60).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use mongodb::bson::doc;

    use super::*;

    fn size(value: impl Into<Bson>) -> (u32, usize) {
        let document = doc! { "_id": "a", "size": value.into() };
        let mut old = Old::new(&document, "pods");
        let size = old.size("size", 100, 10);
        (size, old.findings().len())
    }

    #[test]
    fn numbers_are_cast_as_by_mongoose_and_sizes_are_clamped() {
        for whole in [
            Bson::Int32(20),
            Bson::Int64(20),
            Bson::Double(20.0),
            " 20 ".into(),
        ] {
            assert_eq!(size(whole), (20, 0));
        }
        for (odd, instead) in [
            (Bson::Double(1.5), 2),
            (Bson::Int32(0), 1),
            (Bson::Int32(-1), 1),
            (Bson::Double(f64::NAN), 10),
            (Bson::Double(f64::INFINITY), 10),
            (Bson::Double(1e300), BIGGEST_DISK_GB),
            ("big".into(), 10),
            (Bson::Null, 10),
            (Bson::Array(Vec::new()), 10),
            // Kept, and reported.
            (Bson::Int32(500), 500),
        ] {
            assert_eq!(size(odd.clone()), (instead, 1), "{odd}");
        }
    }

    #[test]
    fn invalid_and_duplicate_ports_are_left_out_and_reported() {
        let list = |ports: Vec<Bson>| doc! { "_id": "a", "httpServices": ports };
        let document = list(vec![
            doc! { "port": 8888, "serviceName": "Jupyter Lab" }.into(),
            doc! { "port": "7860" }.into(),
            doc! { "port": 8888, "serviceName": "again" }.into(),
            doc! { "port": 0 }.into(),
            doc! { "port": 65_536 }.into(),
            doc! { "port": 80.5 }.into(),
            doc! { "serviceName": "none" }.into(),
            "9000".into(),
        ]);
        let mut old = Old::new(&document, "pods");
        let ports = old.ports("httpServices");
        let ports: Vec<_> = ports
            .iter()
            .map(|port| (port.port.number, port.port.name.as_deref()))
            .collect();
        assert_eq!(ports, [(8888, Some("Jupyter Lab")), (7860, None)]);
        assert_eq!(old.findings().len(), 6);
        let document = doc! { "_id": "a", "httpServices": "8888, 7860" };
        let mut old = Old::new(&document, "pods");
        assert!(old.ports("httpServices").is_empty());
        assert_eq!(old.findings().len(), 1);
    }

    #[test]
    fn times_are_read_from_dates_texts_numbers_and_the_id() {
        let now = Timestamp::UNIX_EPOCH;
        let millis = 1_717_500_000_123;
        let expected = Timestamp::from_millisecond(millis).unwrap();
        for value in [
            Bson::DateTime(mongodb::bson::DateTime::from_millis(millis)),
            Bson::Int64(millis),
            "2024-06-04T11:20:00.123Z".into(),
        ] {
            let document = doc! { "_id": "a", "createdAt": value };
            let mut old = Old::new(&document, "users");
            assert_eq!(old.time(&["registrationDate", "createdAt"], now), expected);
            assert!(old.findings().is_empty());
        }
        let document = doc! { "_id": ObjectId::parse_str("665f1f77bcf86cd799439011").unwrap() };
        let made = Old::new(&document, "users").time(&["createdAt"], now);
        assert_eq!(made.to_string(), "2024-06-04T14:06:47Z");
        let document = doc! { "_id": "a", "createdAt": "yesterday" };
        let mut old = Old::new(&document, "users");
        assert_eq!(old.time(&["createdAt"], now), now);
        assert_eq!(old.findings().len(), 1);
    }

    #[test]
    fn invisible_characters_are_removed() {
        assert_eq!(visible(" \u{202E}Ana\u{200B}\0 María\n"), "Ana María");
        assert_eq!(visible(&"x".repeat(1000)).len(), LONGEST_NAME);
    }
}
