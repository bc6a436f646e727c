//! Kubernetes quantities: `500m`, `4Gi`, `20G`, `1e9`.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// The quantity in thousandths, rounded down; `None` if it is not a quantity, is negative, or is too large.
pub(crate) fn millis(text: &str) -> Option<u64> {
    let (value, divisor) = parse(text)?;
    u64::try_from(value.checked_mul(1000)? / divisor).ok()
}

/// The quantity rounded down to whole units; `None` if it is not a quantity, is negative, or is above 2^63 - 1, the
/// limit of Kubernetes.
pub(crate) fn units(text: &str) -> Option<u64> {
    let (value, divisor) = parse(text)?;
    i64::try_from(value / divisor).ok()?.try_into().ok()
}

/// The quantity as a fraction: numerator and denominator.
///
/// The grammar is that of `resource.Quantity`: a decimal number, then an SI suffix (`n` to `E`), a binary one
/// (`Ki` to `Ei`) or a decimal exponent.
fn parse(text: &str) -> Option<(u128, u128)> {
    let number = text.strip_prefix('+').unwrap_or(text);
    let digits = number
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(number.len());
    let (number, suffix) = number.split_at(digits);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.len() > 18 {
        return None;
    }
    // The number without its point, and the divisor that makes up for it.
    let value: u128 = format!("{whole}{fraction}").parse().ok()?;
    let divisor = 10_u128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let (multiplier, parts) = scale(suffix)?;
    Some((value.checked_mul(multiplier)?, divisor.checked_mul(parts)?))
}

/// A size in GB (10^9 bytes), rounded down.
pub(crate) fn gigabytes(text: &str) -> Option<u32> {
    u32::try_from(units(text)? / 1_000_000_000).ok()
}

/// GB (10^9 bytes) as a quantity.
pub(crate) fn from_gigabytes(size: u32) -> String {
    format!("{size}G")
}

/// Quantities as clusters write them: texts, or plain numbers. Other values are skipped.
pub(crate) fn quantities<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, String>, D::Error> {
    let found = Option::<BTreeMap<String, Value>>::deserialize(deserializer)?;
    let text = |value: Value| match value {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let found = found.unwrap_or_default().into_iter();
    Ok(found
        .filter_map(|(name, value)| Some((name, text(value)?)))
        .collect())
}

/// The multiplier and the divisor of a suffix.
fn scale(suffix: &str) -> Option<(u128, u128)> {
    let scale = match suffix {
        "" => (1, 1),
        "n" => (1, 1_000_000_000),
        "u" => (1, 1_000_000),
        "m" => (1, 1000),
        "k" => (1000, 1),
        "M" => (1000_u128.pow(2), 1),
        "G" => (1000_u128.pow(3), 1),
        "T" => (1000_u128.pow(4), 1),
        "P" => (1000_u128.pow(5), 1),
        "E" => (1000_u128.pow(6), 1),
        "Ki" => (1024, 1),
        "Mi" => (1024_u128.pow(2), 1),
        "Gi" => (1024_u128.pow(3), 1),
        "Ti" => (1024_u128.pow(4), 1),
        "Pi" => (1024_u128.pow(5), 1),
        "Ei" => (1024_u128.pow(6), 1),
        _ => {
            let exponent: i32 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
            let power = 10_u128.checked_pow(exponent.unsigned_abs())?;
            if exponent < 0 { (1, power) } else { (power, 1) }
        }
    };
    Some(scale)
}

#[cfg(test)]
mod tests {
    use super::{gigabytes, millis, units};

    #[test]
    fn reads_what_kubernetes_writes() {
        let cases = [
            ("0", 0),
            ("8", 8000),
            ("500m", 500),
            ("1.5", 1500),
            (".5", 500),
            ("250000n", 0),
            ("2500000u", 2500),
            ("1k", 1_000_000),
            ("1Ki", 1_024_000),
            ("1e3", 1_000_000),
            ("12E-1", 1200),
        ];
        for (text, expected) in cases {
            assert_eq!(millis(text), Some(expected), "{text}");
        }
        assert_eq!(units("4Gi"), Some(4 << 30));
        assert_eq!(gigabytes("20G"), Some(20));
        assert_eq!(gigabytes("20Gi"), Some(21));
    }

    #[test]
    fn each_trial_is_as_expected() {
        #[derive(serde::Deserialize)]
        struct Trials {
            cases: Vec<Case>,
        }
        #[derive(serde::Deserialize)]
        struct Case {
            input: String,
            units: Option<u64>,
            millis: Option<u64>,
        }
        let trials = include_str!("../../../tests/trials/input/quantities.json");
        let trials: Trials = serde_json::from_str(trials).unwrap();
        assert!(trials.cases.len() > 30);
        for case in trials.cases {
            let found = (units(&case.input), millis(&case.input));
            assert_eq!(found, (case.units, case.millis), "{:?}", case.input);
        }
    }

    #[test]
    fn invalid_quantities_are_none() {
        for text in ["", "-1", "GiB", "1Zi", "1e", "1.2.3", "99E", "1e400", "١"] {
            assert_eq!(millis(text), None, "{text:?}");
        }
    }
}
