//! Amounts received as floating point numbers.

use neuropod::Money;

/// The maximum accepted amount: a thousand million.
const BIGGEST: Money = Money::from_cents(100_000_000_000);

/// An amount, exact to the millionth, so that every amount that was shown can be sent back; `None` if it is
/// negative, has more than six decimals, or is not an amount.
pub(crate) fn exact(number: f64) -> Option<Money> {
    // A floating point number prints as the shortest decimal that reads back as itself, never with an exponent.
    let amount = Money::from_decimal(&number.to_string())?;
    (Money::ZERO..=BIGGEST).contains(&amount).then_some(amount)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_millionths() {
        assert_eq!(exact(12.34), Some(Money::from_cents(1234)));
        assert_eq!(exact(9.027_917), Some(Money::from_micros(9_027_917)));
        assert_eq!(exact(0.000_001), Some(Money::from_micros(1)));
        assert_eq!(exact(0.0), Some(Money::ZERO));
        assert_eq!(exact(-0.0), Some(Money::ZERO));
        assert_eq!(exact(0.1 + 0.2), None, "0.30000000000000004");
        for wrong in [-0.01, 0.000_000_1, f64::NAN, f64::INFINITY, 1e18, 1e300] {
            assert_eq!(exact(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn every_shown_amount_is_accepted() {
        let biggest = BIGGEST.micros();
        let samples = (0..20_000).map(|step| biggest / 20_000 * step + step * 7);
        for micros in (0..20_000).chain(samples).chain([biggest - 1, biggest]) {
            let amount = Money::from_micros(micros);
            assert_eq!(exact(amount.as_f64()), Some(amount));
        }
    }
}
