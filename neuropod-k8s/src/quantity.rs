//! Kubernetes quantities: `500m`, `4Gi`, `20G`, `1e9`.

/// The quantity in thousandths, rounded down; `None` where it is none, or beyond what fits.
///
/// The grammar is that of `resource.Quantity`: a decimal number, then an SI suffix (`n` to `E`), a binary one
/// (`Ki` to `Ei`) or a decimal exponent.
pub(crate) fn millis(text: &str) -> Option<u64> {
    let digits = text
        .find(|c: char| !c.is_ascii_digit() && c != '.' && c != '+')
        .unwrap_or(text.len());
    let (number, suffix) = text.split_at(digits);
    let number = number.strip_prefix('+').unwrap_or(number);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.len() > 18 {
        return None;
    }
    // The number without its point, and what to divide by for it.
    let value: u128 = format!("{whole}{fraction}").parse().ok()?;
    let divisor = 10_u128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let (multiplier, thousandths) = scale(suffix)?;
    let scaled = value.checked_mul(multiplier)?.checked_mul(1000)?;
    u64::try_from(scaled / divisor.checked_mul(thousandths)?).ok()
}

/// The quantity rounded down to whole units.
pub(crate) fn units(text: &str) -> Option<u64> {
    millis(text).map(|millis| millis / 1000)
}

/// A size in GB (10^9 bytes), rounded down.
pub(crate) fn gigabytes(text: &str) -> Option<u32> {
    u32::try_from(units(text)? / 1_000_000_000).ok()
}

/// What a suffix multiplies and divides by.
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
    fn what_is_no_quantity_is_none() {
        for text in ["", "-1", "GiB", "1Zi", "1e", "1.2.3", "99E", "1e400", "١"] {
            assert_eq!(millis(text), None, "{text:?}");
        }
    }
}
