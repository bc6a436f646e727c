//! The ways in which a call goes wrong.

use std::time::Duration;

use crate::error::kind::{Error, ErrorKind};
use crate::money::amount::Money;

/// The `Retry-After` of an overloaded backend.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// One way in which a call goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The call fails with [`ErrorKind::Unavailable`] and has no effect.
    ErrorBefore,
    /// The call takes effect, and its result is lost: it fails with [`ErrorKind::Timeout`].
    ErrorAfter,
    /// The process crashes before the call takes effect: neither it nor any later call returns.
    CrashBefore,
    /// The call takes effect, and the process crashes before it returns.
    CrashAfter,
    /// The call takes effect at once, and returns [ten seconds](Self::LATENESS) late.
    Late,
    /// The backend is overloaded: [`ErrorKind::RateLimited`], to be retried in five seconds.
    RateLimited,
    /// The backend returns something unknown: [`ErrorKind::Unexpected`], which is not retryable.
    Unexpected,
    /// Another writer was first: [`ErrorKind::Conflict`].
    Conflict,
    /// The cluster refuses the content of the call, as an admission webhook does: [`ErrorKind::Rejected`].
    Refused,
    /// A cluster quota is used up: [`ErrorKind::QuotaExceeded`].
    Quota,
    /// The account can't pay: [`ErrorKind::InsufficientFunds`].
    NoMoney,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::ErrorBefore,
        Self::ErrorAfter,
        Self::CrashBefore,
        Self::CrashAfter,
        Self::Late,
        Self::RateLimited,
        Self::Unexpected,
        Self::Conflict,
        Self::Refused,
        Self::Quota,
        Self::NoMoney,
    ];
    /// The delay of a [late](Self::Late) call.
    pub const LATENESS: Duration = Duration::from_secs(10);

    /// Whether this can happen to a call such as `cluster.apply`.
    pub fn concerns(self, call: &str) -> bool {
        match self {
            Self::ErrorBefore | Self::ErrorAfter | Self::CrashBefore | Self::CrashAfter | Self::Late => true,
            Self::RateLimited | Self::Unexpected => {
                !call.starts_with("cluster.watch") && call != "cluster.logs.next"
            }
            Self::Conflict => matches!(
                call,
                "cluster.apply" | "cluster.remove" | "store.update" | "store.remove"
            ),
            Self::Refused => matches!(call, "cluster.apply" | "cluster.remove"),
            Self::Quota => call == "cluster.apply",
            Self::NoMoney => call == "billing.hold",
        }
    }

    /// Whether it crashes the process.
    pub fn is_crash(self) -> bool {
        matches!(self, Self::CrashBefore | Self::CrashAfter)
    }

    /// The error that the call returns. Its text begins with `injected`.
    pub(super) fn error(self, call: &str) -> Error {
        let (kind, what) = match self {
            Self::ErrorAfter => (ErrorKind::Timeout, "the answer was lost"),
            Self::RateLimited => (ErrorKind::RateLimited, "too many requests"),
            Self::Unexpected => (ErrorKind::Unexpected, "an answer that nobody understands"),
            Self::Conflict => (ErrorKind::Conflict, "somebody else was quicker"),
            Self::Refused => (ErrorKind::Rejected, "a webhook says no"),
            Self::Quota => (ErrorKind::QuotaExceeded, "the quota is used up"),
            Self::NoMoney => {
                let (required, available) = (Money::from_cents(1), Money::ZERO);
                let kind = ErrorKind::InsufficientFunds { required, available };
                (kind, "not enough money")
            }
            Self::ErrorBefore | Self::CrashBefore | Self::CrashAfter | Self::Late => {
                (ErrorKind::Unavailable, "the connection was refused")
            }
        };
        let error = Error::new(kind, format!("injected: {what}")).with_context("call", call);
        if self == Self::RateLimited {
            error.with_retry_after(RETRY_AFTER)
        } else {
            error
        }
    }
}
