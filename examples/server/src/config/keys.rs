//! Every key of the configuration, with its meaning and allowed values: read from the types themselves, so that
//! no key can lack them.

use std::sync::LazyLock;

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

use super::settings::Config;

/// A key of the configuration.
#[derive(Debug)]
pub(super) struct Key {
    /// Its name, with the tables that it is in: `kube.namespace`.
    pub(super) name: String,
    /// The meaning, in sentences for operators.
    pub(super) meaning: String,
    /// The allowed values.
    pub(super) allowed: String,
    /// The unit.
    pub(super) unit: Option<String>,
    /// The default; null if there is none.
    pub(super) default: Value,
    pub(super) kind: Kind,
    /// The smallest and the largest allowed number, also for each item of a list.
    range: (Option<f64>, Option<f64>),
}

/// The kind of a key's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// One value.
    Single,
    /// A list of values, separated by commas in the environment.
    List,
    /// A table whose names the operator chooses.
    Table,
}

/// A table of the configuration.
#[derive(Debug)]
pub(super) struct Table {
    /// Its name: `kube`.
    pub(super) name: String,
    /// Its purpose.
    pub(super) meaning: String,
}

/// All keys, those outside of tables first, and all tables.
pub(super) fn all() -> &'static (Vec<Key>, Vec<Table>) {
    static ALL: LazyLock<(Vec<Key>, Vec<Table>)> = LazyLock::new(|| {
        let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
        let schema = settings.into_generator().into_root_schema_for::<Config>();
        let defaults = serde_json::to_value(Config::default()).unwrap_or_default();
        let (mut keys, mut tables) = (Vec::new(), Vec::new());
        walk("", schema.as_value(), &defaults, &mut keys, &mut tables);
        keys.sort_by_key(|key: &Key| key.name.contains('.'));
        (keys, tables)
    });
    &ALL
}

/// The key with this name.
pub(super) fn find(name: &str) -> Option<&'static Key> {
    all().0.iter().find(|key| key.name == name)
}

fn walk(place: &str, schema: &Value, defaults: &Value, keys: &mut Vec<Key>, tables: &mut Vec<Table>) {
    let properties = schema.get("properties").and_then(Value::as_object);
    for (name, property) in properties.into_iter().flatten() {
        let full = if place.is_empty() {
            name.clone()
        } else {
            format!("{place}.{name}")
        };
        let default = defaults.get(name).cloned().unwrap_or_default();
        let value = without_null(property);
        let meaning = text(property, "description").unwrap_or_default();
        if value.get("properties").is_some() {
            tables.push(Table {
                name: full.clone(),
                meaning,
            });
            walk(&full, &value, &default, keys, tables);
        } else {
            keys.push(key(full, meaning, property, &value, default));
        }
    }
}

/// The schema of a value that is not null.
fn without_null(schema: &Value) -> Value {
    let is_something = |schema: &&Value| schema.get("type").is_none_or(|kind| kind != "null");
    match schema.get("anyOf").and_then(Value::as_array) {
        Some(either) => either.iter().find(is_something).cloned().unwrap_or_default(),
        None => schema.clone(),
    }
}

fn key(name: String, meaning: String, property: &Value, value: &Value, default: Value) -> Key {
    let annotation = |what: &str| text(property, what).or_else(|| text(value, what));
    let kind = match kind_of(value) {
        "array" => Kind::List,
        "object" => Kind::Table,
        _ => Kind::Single,
    };
    let one = match kind {
        Kind::List => value.get("items"),
        Kind::Table => value.get("additionalProperties"),
        Kind::Single => Some(value),
    };
    let one = one.cloned().unwrap_or_default();
    let limit = |name: &str| one.get(name).and_then(Value::as_f64);
    let range = (limit("minimum"), limit("maximum"));
    let allowed = annotation("allowed").unwrap_or_else(|| {
        let each = allowed(&one, range);
        match kind {
            Kind::Single => each,
            Kind::List => format!("a list of: {each}"),
            Kind::Table => format!("a table of: {each}"),
        }
    });
    Key {
        unit: annotation("unit"),
        name,
        meaning,
        allowed,
        default,
        kind,
        range,
    }
}

/// The type of a value other than `null`.
fn kind_of(schema: &Value) -> &str {
    match schema.get("type") {
        Some(Value::Array(kinds)) => kinds
            .iter()
            .filter_map(Value::as_str)
            .find(|kind| *kind != "null")
            .unwrap_or_default(),
        Some(kind) => kind.as_str().unwrap_or_default(),
        None => "",
    }
}

/// The allowed values, according to the type.
fn allowed(schema: &Value, range: (Option<f64>, Option<f64>)) -> String {
    let quoted = |value: &Value| value.as_str().map(|text| format!("`{text}`"));
    let constants = schema.get("oneOf").and_then(Value::as_array);
    let constants = constants.map(|all| all.iter().filter_map(|one| one.get("const")).collect::<Vec<_>>());
    let listed = schema.get("enum").and_then(Value::as_array);
    let choices = constants.or_else(|| listed.map(|all| all.iter().collect()));
    if let Some(choices) = choices {
        let choices: Vec<_> = choices.into_iter().filter_map(quoted).collect();
        return choices.join(" or ");
    }
    let number = match kind_of(schema) {
        "boolean" => return "`true` or `false`".into(),
        "integer" => "a whole number",
        "number" => "a number",
        _ => return "a text".into(),
    };
    match range {
        (Some(least), Some(most)) => format!("{number} from {least} to {most}"),
        (Some(least), None) => format!("{number}, at least {least}"),
        (None, Some(most)) => format!("{number}, at most {most}"),
        (None, None) => number.into(),
    }
}

fn text(schema: &Value, name: &str) -> Option<String> {
    // Doc comments have line breaks for readers of the source.
    let text = schema.get(name)?.as_str()?;
    Some(text.split_whitespace().collect::<Vec<_>>().join(" "))
}

impl Key {
    /// The environment variable for it.
    pub(super) fn variable(&self) -> String {
        format!("NEUROPOD_{}", self.name.replace('.', "__").to_uppercase())
    }

    /// Whether its value is secret.
    pub(super) fn is_secret(name: &str) -> bool {
        name == "store" || name.split('.').next() == Some("secrets")
    }

    /// The allowed values, with the unit.
    pub(super) fn allowed_with_unit(&self) -> String {
        match &self.unit {
            Some(unit) => format!("{} ({unit})", self.allowed),
            None => self.allowed.clone(),
        }
    }

    /// Whether the configured numbers are in the allowed range.
    pub(super) fn is_in_range(&self, config: &Map<String, Value>) -> bool {
        let (least, most) = self.range;
        let fits = |value: &Value| {
            value.as_f64().is_none_or(|number| {
                least.is_none_or(|least| number >= least) && most.is_none_or(|most| number <= most)
            })
        };
        match self.value(config) {
            Some(Value::Array(values)) => values.iter().all(fits),
            Some(Value::Object(values)) => values.values().all(fits),
            Some(value) => fits(value),
            None => true,
        }
    }

    /// The configured value; `None` if there is none.
    pub(super) fn value<'a>(&self, config: &'a Map<String, Value>) -> Option<&'a Value> {
        let mut parts = self.name.split('.');
        let first = config.get(parts.next()?)?;
        parts
            .try_fold(first, |value, part| value.get(part))
            .filter(|value| !value.is_null())
    }
}

/// The names of all keys.
#[cfg(test)]
pub(crate) fn key_names() -> Vec<&'static str> {
    all().0.iter().map(|key| key.name.as_str()).collect()
}
