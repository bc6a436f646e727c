//! Amounts that come as numbers of euros.

use neuropod::Money;

/// The biggest amount that is taken from outside: a thousand million euros.
const MAX_EUROS: f64 = 1e9;
/// The highest price per hour, as the library has it.
const MAX_PRICE: f64 = 1e6;

/// An amount of whole cents; `None`: it is negative, has more than two decimals, or is no amount.
pub(crate) fn amount(euros: f64) -> Option<Money> {
    let cents = (euros * 100.0).round();
    // The nearest number to a decimal with two places is the one that dividing gives.
    let exact = (0.0..=MAX_EUROS).contains(&euros) && (cents / 100.0).to_bits() == (euros + 0.0).to_bits();
    #[expect(clippy::cast_possible_truncation, reason = "the range was checked")]
    exact.then(|| Money::from_cents(cents as i64))
}

/// A price per hour, to the micro-euro; `None`: it is negative, too high, or no amount.
pub(crate) fn price(euros: f64) -> Option<Money> {
    #[expect(clippy::cast_possible_truncation, reason = "the range was checked")]
    (0.0..=MAX_PRICE)
        .contains(&euros)
        .then(|| Money::from_micros((euros * 1e6).round() as i64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_whole_cents() {
        assert_eq!(amount(12.34), Some(Money::from_cents(1234)));
        assert_eq!(amount(0.1 + 0.2), None, "0.30000000000000004");
        assert_eq!(amount(0.0), Some(Money::ZERO));
        assert_eq!(amount(-0.0), Some(Money::ZERO));
        for wrong in [-0.01, 0.001, f64::NAN, f64::INFINITY, 1e18] {
            assert_eq!(amount(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn prices_have_micro_euros() {
        assert_eq!(price(0.000_001), Some(Money::from_micros(1)));
        assert_eq!(price(2.5), Some(Money::from_cents(250)));
        for wrong in [-1.0, f64::NAN, 1e7] {
            assert_eq!(price(wrong), None, "{wrong}");
        }
    }
}
