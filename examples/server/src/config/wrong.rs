//! Configuration errors that help to fix them: the key, its source, and the allowed values. The wrong value is
//! repeated only if it can't be a secret.

use anyhow::{Error, anyhow};
use config::{ConfigError, Value, ValueKind};

use super::keys::{self, Key};

/// The minimum similarity of a suggested key, from 0 to 1.
const ALIKE: f64 = 0.8;
/// A hint at further reading.
const MORE: &str = "`--print-config --explain` shows every key";

/// The error for a key that does not exist, if there is one.
pub(super) fn unknown_key(given: &Value) -> Option<Error> {
    let mut found = Vec::new();
    walk("", given, &mut found);
    let (name, origin) = found.into_iter().next()?;
    let names = || {
        let (keys, tables) = keys::all();
        keys.iter()
            .map(|key| &key.name)
            .chain(tables.iter().map(|table| &table.name))
    };
    let likeness = |other: &&String| strsim::jaro_winkler(other, &name);
    let meant = names()
        // The same name in another table is more likely than a similar name.
        .find(|other| other.rsplit('.').next() == name.rsplit('.').next())
        .or_else(|| {
            let best = names().max_by(|one, other| likeness(one).total_cmp(&likeness(other)))?;
            (likeness(&best) >= ALIKE).then_some(best)
        });
    let hint = meant.map_or_else(|| MORE.to_owned(), |meant| format!("did you mean `{meant}`?"));
    // For the environment, people look for the variable.
    let shown = match origin.as_deref() {
        Some("the environment") => format!("NEUROPOD_{}", name.replace('.', "__").to_uppercase()),
        _ => name.clone(),
    };
    Some(anyhow!("{shown}{}: unknown key; {hint}", from(origin.as_deref())))
}

fn walk(place: &str, value: &Value, found: &mut Vec<(String, Option<String>)>) {
    let ValueKind::Table(table) = &value.kind else {
        return;
    };
    let (known, tables) = keys::all();
    for (name, value) in table {
        let full = if place.is_empty() {
            name.clone()
        } else {
            format!("{place}.{name}")
        };
        if tables.iter().any(|table| table.name == full) {
            walk(&full, value, found);
        } else if !known.iter().any(|key| key.name == full) {
            found.push((full, origin_of(value)));
        }
    }
}

/// A table itself has no source, only its contents do.
fn origin_of(value: &Value) -> Option<String> {
    match &value.kind {
        ValueKind::Table(table) => table.values().find_map(origin_of),
        _ => value.origin().map(Into::into),
    }
}

fn from(origin: Option<&str>) -> String {
    origin.map_or_else(String::new, |origin| format!(" ({origin})"))
}

/// The error for a value that can't be used.
pub(super) fn value(error: &ConfigError, origin_of: impl Fn(&str) -> Option<String>) -> Error {
    let mut name = String::new();
    let said = innermost(error, &mut name);
    if let ConfigError::NotFound(field) = said {
        let allowed = keys::find(field).map_or_else(
            || MORE.to_owned(),
            |key| format!("it must be {}", key.allowed_with_unit()),
        );
        return anyhow!("{field}: missing; {allowed}");
    }
    let origin = origin_of(&name);
    let place = from(origin.as_deref());
    // Inside of a list, or of a table with names chosen by the operator, the list or table is explained.
    let known = std::iter::successors(Some(name.as_str()), |name| {
        let cut = name.rfind(['.', '['])?;
        name.get(..cut)
    })
    .find_map(keys::find);
    let given = match said {
        ConfigError::Type { unexpected, .. } if !Key::is_secret(&name) => format!(", not {unexpected}"),
        _ => String::new(),
    };
    match known {
        // The library explains errors inside of a table best.
        Some(key) if key.name == "catalogue" => anyhow!("{name}{place}: {said}"),
        Some(key) => anyhow!("{name}{place}: it must be {}{given}", key.allowed_with_unit()),
        None if Key::is_secret(&name) => anyhow!("{name}{place}: this value can't be used; {MORE}"),
        None if name.is_empty() => anyhow!("this value can't be used; {MORE}"),
        None => anyhow!("{name}{place}: it must be a table{given}; {MORE}"),
    }
}

/// The innermost error, and its key.
fn innermost<'a>(error: &'a ConfigError, name: &mut String) -> &'a ConfigError {
    match error {
        ConfigError::At { error, key, .. } => {
            if let Some(key) = key {
                name.clone_from(key);
            }
            innermost(error, name)
        }
        ConfigError::Type { key: Some(key), .. } => {
            if name.is_empty() {
                name.clone_from(key);
            }
            error
        }
        _ => error,
    }
}
