//! Source maps (ECMA-426) relate the lines of a script to the lines of its modules, so that developer tools
//! show errors and breakpoints in the modules.

use serde_json::json;

/// The map of a script whose lines are whole lines of modules.
#[derive(Debug, Default)]
pub(super) struct SourceMap {
    names: Vec<String>,
    texts: Vec<String>,
    mappings: String,
    now: Option<[usize; 3]>,
    before: [usize; 3],
}

impl SourceMap {
    /// Adds a module and returns its number.
    pub(super) fn source(&mut self, name: &str, text: &str) -> usize {
        self.names.push(name.to_owned());
        self.texts.push(text.to_owned());
        self.names.len() - 1
    }

    /// Maps the current line to this line of this module, from this column on; both are counted from zero.
    pub(super) fn line_is(&mut self, module: usize, line: usize, column: usize) {
        self.now = Some([module, line, column]);
    }

    /// Ends the current line.
    pub(super) fn end_line(&mut self) {
        if let Some(now) = self.now.take() {
            // The column here; then module, line and column there, each as the difference to the previous one.
            self.number(0);
            for (now, before) in now.into_iter().zip(self.before) {
                self.number(difference(now, before));
            }
            self.before = now;
        }
        self.mappings.push(';');
    }

    /// The map in the format for browsers.
    pub(super) fn json(&self) -> String {
        json!({
            "version": 3,
            "sources": self.names,
            "sourcesContent": self.texts,
            "names": [],
            "mappings": self.mappings,
        })
        .to_string()
    }

    /// Base64 VLQ: the sign is the lowest bit, and each digit shows whether more follow.
    fn number(&mut self, value: i64) {
        const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let mut left = (value.unsigned_abs() << 1) | u64::from(value < 0);
        loop {
            let digit = (left & 31) as usize;
            left >>= 5;
            let more = if left > 0 { 32 } else { 0 };
            self.mappings.push(char::from(DIGITS[digit | more]));
            if left == 0 {
                return;
            }
        }
    }
}

fn difference(now: usize, before: usize) -> i64 {
    // Numbers of lines and modules are far within the range of an i64.
    i64::try_from(now).unwrap_or(i64::MAX) - i64::try_from(before).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_encoded_as_in_the_standard() {
        for (value, text) in [
            (0, "A"),
            (1, "C"),
            (-1, "D"),
            (15, "e"),
            (16, "gB"),
            (-16, "hB"),
            (1000, "w+B"),
        ] {
            let mut map = SourceMap::default();
            map.number(value);
            assert_eq!(map.mappings, text, "{value}");
        }
    }

    #[test]
    fn each_line_is_mapped_to_its_module() {
        let mut map = SourceMap::default();
        let one = map.source("one.js", "a\nb\n");
        map.end_line();
        for line in 0..2 {
            map.line_is(one, line, line * 2);
            map.end_line();
        }
        let two = map.source("two.js", "c\n");
        map.line_is(two, 0, 0);
        map.end_line();
        let json: serde_json::Value = serde_json::from_str(&map.json()).unwrap();
        assert_eq!(json["mappings"], ";AAAA;AACE;ACDF;");
        assert_eq!(json["sources"], json!(["one.js", "two.js"]));
        assert_eq!(json["sourcesContent"][1], "c\n");
    }
}
