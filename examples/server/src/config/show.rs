//! `--print-config`: what holds, and from where.

use std::fmt::Write;

use anyhow::Result;
use serde_json::Value;

use super::Loaded;

impl Loaded {
    /// Every value as it would be in the file, with where it is from. Secrets show as `…`.
    ///
    /// # Errors
    /// Never for a configuration that was loaded.
    pub fn show(&self) -> Result<String> {
        let mut text = String::new();
        let all = serde_json::to_value(&self.config)?;
        for (key, value) in all.as_object().into_iter().flatten() {
            match value {
                Value::Object(table) if key != "catalogue" => {
                    for (inner, value) in table {
                        self.line(&mut text, &format!("{key}.{inner}"), value)?;
                    }
                }
                _ => self.line(&mut text, key, value)?,
            }
        }
        Ok(text)
    }

    fn line(&self, text: &mut String, key: &str, value: &Value) -> Result<()> {
        if value.is_null() {
            writeln!(text, "# {key} is not set")?;
            return Ok(());
        }
        let shown = match value {
            Value::Object(table) if key == "catalogue" => {
                let ids: Vec<_> = table.keys().map(String::as_str).collect();
                format!("{{ {} }}", ids.join(", "))
            }
            value => toml::Value::try_from(value)?.to_string(),
        };
        let origin = self.origin(key).unwrap_or_else(|| "default".into());
        writeln!(text, "{key} = {shown}  # {origin}")?;
        Ok(())
    }
}
