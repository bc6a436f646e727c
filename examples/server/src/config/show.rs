//! `--print-config`: the effective configuration with its sources; with `--explain` also meanings and allowed
//! values.

use std::fmt::Write;

use anyhow::Result;
use serde_json::Value;

use super::keys::{self, Key, Kind};
use super::load::Loaded;
use super::reference::default;

/// The width of explanations, in characters.
const WIDTH: usize = 110;

impl Loaded {
    /// Every value as in a configuration file, with its source. Secrets show as `…`. With `explain`, also the
    /// meaning, the allowed values and the default of each.
    ///
    /// # Errors
    /// Never for a configuration that was loaded.
    pub fn show(&self, explain: bool) -> Result<String> {
        let mut text = String::new();
        let all = serde_json::to_value(&self.config)?;
        let all = all.as_object().cloned().unwrap_or_default();
        for key in &keys::all().0 {
            if explain {
                if !text.is_empty() {
                    text.push('\n');
                }
                comment(&mut text, &key.meaning)?;
                comment(
                    &mut text,
                    &format!("Allowed: {}. Default: {}.", key.allowed_with_unit(), default(key)),
                )?;
            }
            self.line(&mut text, key, key.value(&all))?;
        }
        Ok(text)
    }

    fn line(&self, text: &mut String, key: &Key, value: Option<&Value>) -> Result<()> {
        let name = &key.name;
        let Some(value) = value else {
            writeln!(text, "# {name} is not set")?;
            return Ok(());
        };
        let shown = match value {
            Value::Object(table) if key.kind == Kind::Table && table.values().any(Value::is_object) => {
                let ids: Vec<_> = table.keys().map(String::as_str).collect();
                format!("{{ {} }}", ids.join(", "))
            }
            value => toml::Value::try_from(value)?.to_string(),
        };
        let origin = self.origin(name).unwrap_or_else(|| "default".into());
        writeln!(text, "{name} = {shown}  # {origin}")?;
        Ok(())
    }
}

/// Writes a text as comment lines.
fn comment(text: &mut String, words: &str) -> Result<()> {
    let mut line = String::from("#");
    for word in words.split(' ') {
        if line.chars().count() + word.chars().count() >= WIDTH {
            writeln!(text, "{line}")?;
            line = String::from("#");
        }
        line.push(' ');
        line.push_str(word);
    }
    writeln!(text, "{line}")?;
    Ok(())
}
