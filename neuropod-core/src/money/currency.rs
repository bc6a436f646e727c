//! The currency of a platform: all its amounts are in one currency.

use std::borrow::Cow;

use crate::error::validation::{Problem, ValidationErrors, Violation};
use crate::money::amount::Money;

/// The currency of all amounts of a platform, as shown to people. Amounts are never converted, so a platform
/// that changes its currency shows the same numbers under another name.
///
/// ```
/// use neuropod_core::Money;
/// use neuropod_core::money::Currency;
///
/// let amount = Money::from_cents(270);
/// assert_eq!(Currency::default().show(amount), "€2.70");
/// assert_eq!(Currency::new("USD")?.show(amount), "USD 2.70");
/// assert_eq!(Currency::new("USD")?.with_symbol("$").show(amount), "$2.70");
/// # Ok::<(), neuropod_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Currency {
    code: Cow<'static, str>,
    symbol: Cow<'static, str>,
}

impl Currency {
    /// The euro, which is the default.
    pub const EUR: Self = Self {
        code: Cow::Borrowed("EUR"),
        symbol: Cow::Borrowed("€"),
    };

    /// The currency with this ISO 4217 code, such as `USD`. Amounts are shown after the code, unless a
    /// [symbol](Self::with_symbol) is set.
    ///
    /// # Errors
    /// `Invalid` if the code is not three ASCII capital letters.
    pub fn new(code: &str) -> crate::error::kind::Result<Self> {
        if code == Self::EUR.code {
            return Ok(Self::EUR);
        }
        if code.len() != 3 || !code.bytes().all(|byte| byte.is_ascii_uppercase()) {
            return Err(ValidationErrors::from(Problem::new("currency", Violation::Malformed)).into());
        }
        Ok(Self {
            code: code.to_owned().into(),
            symbol: format!("{code} ").into(),
        })
    }

    /// The same with this text in front of amounts, such as `$`.
    #[must_use]
    pub fn with_symbol(mut self, symbol: impl Into<String>) -> Self {
        self.symbol = symbol.into().into();
        self
    }

    /// The ISO 4217 code, such as `EUR`.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// The text in front of amounts, such as `€`.
    pub fn symbol(&self) -> &str {
        &self.symbol
    }

    /// An amount with its symbol.
    pub fn show(&self, amount: Money) -> String {
        format!("{}{amount}", self.symbol)
    }
}

impl Default for Currency {
    /// The euro.
    fn default() -> Self {
        Self::EUR
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_three_capital_letters() {
        for code in ["", "US", "usd", "EURO", "U D", "€€€", "12A"] {
            let error = Currency::new(code).unwrap_err();
            let crate::error::kind::ErrorKind::Invalid(problems) = error.kind() else {
                panic!("{code}: {error}");
            };
            assert_eq!(problems.problems()[0].field, "currency", "{code}");
        }
        assert_eq!(Currency::new("EUR").unwrap(), Currency::default());
    }
}
