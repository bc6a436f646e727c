//! The page that explains every key, for the documentation.

use std::fmt::Write;

use serde_json::Value;

use super::keys::{self, Key, Kind};

/// The beginning of the page.
const HEAD: &str = "# Configuration of the example server

<!-- Made by `cargo run --example server -- --config-reference`; a test says whether it is current. -->

Every key may come from a TOML file (`--config FILE` or `NEUROPOD_CONFIG`), from the environment, and some from flags;
flags come before the environment, and that before the file. `--print-config` shows what holds and from where, and
`--print-config --explain` this page beside it. In the environment the values of a list stand with commas between them.
";

/// The page, in Markdown.
pub fn reference() -> String {
    let (keys, tables) = keys::all();
    let mut text = HEAD.to_owned();
    section(&mut text, keys, "");
    for table in tables {
        // Writing to a text does not fail.
        let _ = write!(text, "\n## `[{}]`\n\n{}\n", table.name, table.meaning);
        section(&mut text, keys, &table.name);
    }
    text
}

fn section(text: &mut String, keys: &[Key], table: &str) {
    text.push_str("\n| key | meaning | allowed | default |\n|---|---|---|---|\n");
    for key in keys {
        let (place, name) = key.name.rsplit_once('.').unwrap_or(("", &key.name));
        if place == table {
            let _ = writeln!(
                text,
                "| `{name}`<br>`{}` | {} | {} | {} |",
                key.variable(),
                cell(&key.meaning),
                cell(&key.allowed_with_unit()),
                cell(&default(key)),
            );
        }
    }
}

/// The default, in words.
pub(super) fn default(key: &Key) -> String {
    match &key.default {
        Value::Null => "not set".into(),
        Value::Array(values) if values.is_empty() => "none".into(),
        Value::Object(values) if values.is_empty() => "none".into(),
        // A list of the GPU types is more useful than all their details.
        Value::Object(values) if key.kind == Kind::Table && values.values().all(Value::is_object) => {
            let names: Vec<_> = values.keys().map(|name| format!("`{name}`")).collect();
            names.join(", ")
        }
        value => match toml::Value::try_from(value) {
            Ok(value) => format!("`{value}`"),
            Err(_) => format!("`{value}`"),
        },
    }
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_a_meaning_a_unit_and_allowed_values() {
        for key in &keys::all().0 {
            assert!(key.meaning.ends_with('.'), "{}: no meaning", key.name);
            assert!(!key.allowed.is_empty(), "{}: no allowed values", key.name);
            let is_number = key.allowed.contains("number");
            assert!(
                !is_number || key.unit.is_some(),
                "{}: a number without #[schemars(extend(\"unit\" = …))]",
                key.name
            );
        }
    }

    #[test]
    fn the_page_is_current() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/CONFIGURATION.md");
        if std::env::var_os("NEUROPOD_TEST_UPDATE").is_some() {
            std::fs::write(file, reference()).unwrap();
        }
        let kept = std::fs::read_to_string(file).unwrap();
        assert!(
            kept.replace('\r', "") == reference(),
            "make it anew: cargo run --example server -- --config-reference > examples/deploy/CONFIGURATION.md"
        );
    }
}
