//! Amounts that come as numbers of euros.

use neuropod::Money;

/// The biggest amount that is taken from outside: a thousand million euros.
const BIGGEST: Money = Money::from_cents(100_000_000_000);
const CENT: i64 = Money::from_cents(1).micros();

/// An amount of whole cents; `None`: it is negative, has more than two decimals, or is no amount.
pub(crate) fn amount(euros: f64) -> Option<Money> {
    price(euros).filter(|amount| amount.micros() % CENT == 0)
}

/// A price per hour, to the micro-euro; `None`: it is negative, has more than six decimals, or is no amount.
pub(crate) fn price(euros: f64) -> Option<Money> {
    // A floating point number prints as the shortest decimal that reads back as itself, never with an exponent.
    let amount = Money::from_euros(&euros.to_string())?;
    (Money::ZERO..=BIGGEST).contains(&amount).then_some(amount)
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
        for wrong in [-1.0, f64::NAN, 0.000_000_1, 1e18] {
            assert_eq!(price(wrong), None, "{wrong}");
        }
    }
}
