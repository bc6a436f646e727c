//! Money: whole millionths of a currency, never floating point.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Neg, Sub, SubAssign};

use serde::{Deserialize, Serialize};

/// An amount in the currency of the platform ([`Currency`](crate::money::currency::Currency)), in millionths of it: 1.00 is 1,000,000.
///
/// Sums saturate instead of wrapping: ±9.2 million million is beyond any account.
///
/// An amount is rounded in one place: the price of a period, by [`for_seconds`](Self::for_seconds). From there
/// on amounts are added, sent and stored exactly. Pages should show the items of a sum exactly, with the same
/// number of decimals (2 to 6), so that lines add up to their total, and only round separate figures to cents,
/// halves away from zero. Errors about money round so that a required amount never looks like the available one
/// ([`up_to_cents`](Self::up_to_cents), [`down_to_cents`](Self::down_to_cents)).
///
/// ```
/// use neuropod_core::Money;
///
/// let hour = Money::from_cents(250);
/// assert_eq!(hour.for_seconds(1), Money::from_micros(694));
/// assert_eq!((hour + Money::from_cents(30)).to_string(), "2.80");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Money(i64);

impl Money {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    const MICROS_PER_CENT: i64 = 10_000;
    const MICROS_PER_UNIT: i64 = 1_000_000;

    /// An amount in millionths of the currency.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// An amount in hundredths of the currency.
    pub const fn from_cents(cents: i64) -> Self {
        Self(cents.saturating_mul(Self::MICROS_PER_CENT))
    }

    /// Parses an amount in decimal notation, exactly: digits, at most six decimals, an optional leading minus.
    /// `None` for anything else, and beyond the range.
    ///
    /// ```
    /// use neuropod_core::Money;
    ///
    /// assert_eq!(Money::from_decimal("2.5"), Some(Money::from_cents(250)));
    /// assert_eq!(Money::from_decimal("1e3"), None);
    /// ```
    pub fn from_decimal(text: &str) -> Option<Self> {
        let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
        let number = |text: &str| {
            let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse::<i64>().ok().filter(|_| plain)
        };
        if fraction.len() > 6 {
            return None;
        }
        let micros = number(&format!("{fraction:0<6}")).filter(|_| number(fraction).is_some())?;
        let units = number(whole)?.checked_mul(Self::MICROS_PER_UNIT)?;
        Some(Self(sign * units.checked_add(micros)?))
    }

    /// The amount in millionths of the currency.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// This price multiplied by the number of units.
    pub const fn times(self, units: u32) -> Self {
        Self(self.0.saturating_mul(units as i64))
    }

    /// The price of `seconds` at this price per hour, rounded to the nearest millionth, halves away from zero.
    pub fn for_seconds(self, seconds: i64) -> Self {
        let product = i128::from(self.0) * i128::from(seconds);
        let half = 1800 * product.signum();
        let rounded = (product + half) / 3600;
        let limit = if product < 0 { i64::MIN } else { i64::MAX };
        Self(i64::try_from(rounded).unwrap_or(limit))
    }

    /// The amount as a floating point number, for JSON formats that require one. Never for sums.
    #[expect(
        clippy::cast_precision_loss,
        reason = "exact up to 9 thousand million, and for display only"
    )]
    pub fn as_f64(self) -> f64 {
        self.0 as f64 / Self::MICROS_PER_UNIT as f64
    }

    /// The amount rounded down to whole cents: for people.
    pub fn down_to_cents(self) -> Self {
        Self(
            self.0
                .div_euclid(Self::MICROS_PER_CENT)
                .saturating_mul(Self::MICROS_PER_CENT),
        )
    }

    /// The amount rounded up to whole cents: for people.
    pub fn up_to_cents(self) -> Self {
        -(-self).down_to_cents()
    }

    /// Whether it is negative.
    pub const fn is_negative(self) -> bool {
        self.0 < 0
    }
}

impl fmt::Display for Money {
    /// With two decimals, or more if the amount has them: `10.00`, `0.000694`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = self.0.unsigned_abs();
        let per_unit = Self::MICROS_PER_UNIT.unsigned_abs();
        let fraction = format!("{:06}", micros % per_unit);
        let (cents, rest) = fraction.split_at(2);
        let sign = if self.0 < 0 { "-" } else { "" };
        write!(
            f,
            "{sign}{}.{cents}{}",
            micros / per_unit,
            rest.trim_end_matches('0')
        )
    }
}

impl Add for Money {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for Money {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl AddAssign for Money {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl SubAssign for Money {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

impl Neg for Money {
    type Output = Self;
    fn neg(self) -> Self {
        Self(self.0.saturating_neg())
    }
}

impl Sum for Money {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_is_rounded_and_an_hour_is_exact() {
        let hour = Money::from_cents(100);
        assert_eq!(hour.for_seconds(3600), hour);
        assert_eq!(hour.for_seconds(1), Money::from_micros(278));
        assert_eq!(hour.for_seconds(-1), Money::from_micros(-278));
        assert_eq!(
            Money::from_micros(i64::MAX).for_seconds(i64::MAX),
            Money::from_micros(i64::MAX)
        );
    }

    #[test]
    fn cents_are_rounded_down_or_up() {
        for (micros, down, up) in [
            (20_000, 2, 2),
            (20_001, 2, 3),
            (29_999, 2, 3),
            (0, 0, 0),
            (-1, -1, 0),
        ] {
            let money = Money::from_micros(micros);
            assert_eq!(money.down_to_cents(), Money::from_cents(down), "{micros}");
            assert_eq!(money.up_to_cents(), Money::from_cents(up), "{micros}");
        }
        // An amount that can't be rounded stays in the range.
        assert!(Money::from_micros(i64::MAX).up_to_cents() <= Money::from_micros(i64::MAX));
        assert!(Money::from_micros(i64::MIN).down_to_cents() <= Money::ZERO);
    }

    #[test]
    fn decimals_are_read_exactly_or_not_at_all() {
        let micros = |text| Money::from_decimal(text).map(Money::micros);
        assert_eq!(micros("0.1"), Some(100_000));
        assert_eq!(micros("-0.000001"), Some(-1));
        assert_eq!(micros("9223372036854.775807"), Some(i64::MAX));
        let refused = [
            "",
            "-",
            ".",
            ".5",
            "5.",
            "+1",
            "1,5",
            "1e3",
            "NaN",
            "inf",
            "0.0000001",
            "9223372036855",
            "--1",
            "1.2.3",
            "1.-5",
            " 1",
            "１",
        ];
        for text in refused {
            assert_eq!(micros(text), None, "{text:?}");
        }
    }

    #[test]
    fn sums_saturate() {
        let most = Money::from_micros(i64::MAX);
        assert_eq!(most + Money::from_cents(1), most);
        assert_eq!(Money::from_cents(i64::MAX), most);
    }

    #[test]
    fn display_shows_cents_and_no_idle_zeros() {
        assert_eq!(Money::from_cents(1000).to_string(), "10.00");
        assert_eq!(Money::from_micros(-694).to_string(), "-0.000694");
        assert_eq!(Money::from_micros(i64::MIN).to_string(), "-9223372036854.775808");
    }
}
