//! Rows as CSV (RFC 4180).

use std::fmt::Display;

/// Text of rows.
#[derive(Debug, Default)]
pub(crate) struct Csv(String);

impl Csv {
    /// Starts with a row of these names.
    pub(crate) fn with_head(names: &[&str]) -> Self {
        let mut csv = Self::default();
        csv.row(names.iter().map(|name| Cell::Text(name)));
        csv
    }

    /// Adds a row.
    pub(crate) fn row<'a>(&mut self, cells: impl IntoIterator<Item = Cell<'a>>) {
        for (index, cell) in cells.into_iter().enumerate() {
            if index > 0 {
                self.0.push(',');
            }
            cell.write(&mut self.0);
        }
        self.0.push_str("\r\n");
    }

    /// Returns the text added since the last call.
    pub(crate) fn take_text(&mut self) -> String {
        std::mem::take(&mut self.0)
    }
}

/// A cell of a row.
#[derive(Clone, Copy)]
pub(crate) enum Cell<'a> {
    /// No value.
    Empty,
    /// A text of a person. If a spreadsheet would take it for a formula, it gets a leading apostrophe.
    Text(&'a str),
    /// A number, or another value written by a program, without commas.
    Plain(&'a dyn Display),
}

impl<'a> Cell<'a> {
    /// A text that may be missing.
    pub(crate) fn text(text: Option<&'a str>) -> Self {
        text.map_or(Self::Empty, Self::Text)
    }

    fn write(self, csv: &mut String) {
        match self {
            Self::Empty => {}
            Self::Plain(value) => csv.push_str(&value.to_string()),
            Self::Text(text) => {
                let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
                let guard = if formula { "'" } else { "" };
                if text.contains([',', '"', '\r', '\n']) {
                    csv.extend(["\"", guard, &text.replace('"', "\"\""), "\""]);
                } else {
                    csv.extend([guard, text]);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use neuropod::Money;

    use super::*;

    #[track_caller]
    fn check(cell: Cell<'_>, expected: &str) {
        let mut csv = Csv::default();
        csv.row([cell, Cell::Text("end")]);
        assert_eq!(csv.take_text(), format!("{expected},end\r\n"));
    }

    #[test]
    fn cell_contents_are_escaped_and_never_formulas() {
        check(Cell::Text("a,b"), "\"a,b\"");
        check(Cell::Text("say \"no\""), "\"say \"\"no\"\"\"");
        check(Cell::Text("two\nlines"), "\"two\nlines\"");
        check(Cell::Text("=HYPERLINK(1)"), "'=HYPERLINK(1)");
        check(Cell::Text("@x"), "'@x");
        check(Cell::Text("+1,5"), "\"'+1,5\"");
        check(Cell::Text("año"), "año");
        check(Cell::Plain(&Money::from_micros(-45_000)), "-0.045");
        check(Cell::text(None), "");
    }
}
