//! `--print-config`: what holds, and from where.

use std::fmt::Write;

use anyhow::Result;
use toml::Value;

use super::Loaded;

impl Loaded {
    /// Every value as it would be in the file, with where it is from. Secrets show as `…`.
    ///
    /// # Errors
    /// Never for a configuration that was loaded.
    pub fn show(&self) -> Result<String> {
        let mut text = String::new();
        let Value::Table(all) = Value::try_from(&self.config)? else {
            return Ok(text);
        };
        for (key, value) in &all {
            match value {
                Value::Table(table) if key != "catalogue" => {
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
        let shown = match value {
            Value::Table(table) if key == "catalogue" => {
                let ids: Vec<_> = table.keys().map(String::as_str).collect();
                format!("{{ {} }}", ids.join(", "))
            }
            value => value.to_string(),
        };
        let origin = self.origin(key).unwrap_or_else(|| "default".into());
        writeln!(text, "{key} = {shown}  # {origin}")?;
        Ok(())
    }
}
