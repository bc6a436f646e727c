//! The error of the library: its kind, whether a retry can help, and its cause.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use crate::error::validation::ValidationErrors;
use crate::money::amount::Money;

/// The result of every fallible operation of the library.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The kind of an error, which determines the caller's next step.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The request is invalid; the value lists all mistakes.
    Invalid(ValidationErrors),
    /// The pod, user or template does not exist.
    NotFound,
    /// It exists, but the caller has no access to it.
    Forbidden,
    /// Something with this id or name exists already.
    AlreadyExists,
    /// Somebody else changed it meanwhile: read it again and repeat.
    Conflict,
    /// The pod is already in the requested state, or can't reach it from its present one.
    InvalidState,
    /// The account can't pay for it.
    InsufficientFunds {
        /// The amount required.
        required: Money,
        /// The amount available.
        available: Money,
    },
    /// The daily spend cap of the owner or of the pod is reached: it passes at midnight (UTC).
    SpendCapReached {
        /// The cap.
        cap: Money,
        /// The amount spent today.
        spent: Money,
    },
    /// The owner has reached their maximum number of pods.
    TooManyPods {
        /// The maximum.
        limit: u32,
    },
    /// A quota of the cluster (`ResourceQuota`, `LimitRange`) is used up.
    QuotaExceeded,
    /// The cluster refused the content of the object (invalid, or refused by an admission webhook).
    Rejected,
    /// A foreign object has the required name.
    NameTaken,
    /// The credentials of the platform are not accepted, or lack a right.
    PermissionDenied,
    /// An object that the platform needs is missing: a namespace, a storage class, an ingress class.
    NotConfigured,
    /// The backend can't be reached, or can't respond now.
    Unavailable,
    /// The backend asked for fewer requests.
    RateLimited,
    /// There was no response in time: the operation may or may not have taken effect.
    Timeout,
    /// The backend can't do this at all.
    Unsupported,
    /// Anything else; see the cause.
    Unexpected,
}

impl ErrorKind {
    /// A stable, machine-readable name in `snake_case`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "invalid",
            Self::NotFound => "not_found",
            Self::Forbidden => "forbidden",
            Self::AlreadyExists => "already_exists",
            Self::Conflict => "conflict",
            Self::InvalidState => "invalid_state",
            Self::InsufficientFunds { .. } => "insufficient_funds",
            Self::SpendCapReached { .. } => "spend_cap_reached",
            Self::TooManyPods { .. } => "too_many_pods",
            Self::QuotaExceeded => "quota_exceeded",
            Self::Rejected => "rejected",
            Self::NameTaken => "name_taken",
            Self::PermissionDenied => "permission_denied",
            Self::NotConfigured => "not_configured",
            Self::Unavailable => "unavailable",
            Self::RateLimited => "rate_limited",
            Self::Timeout => "timeout",
            Self::Unsupported => "unsupported",
            Self::Unexpected => "unexpected",
        }
    }

    fn retryable_by_nature(&self) -> bool {
        matches!(
            self,
            Self::Conflict | Self::Unavailable | Self::RateLimited | Self::Timeout
        )
    }
}

/// An error of the library or of one of its backends.
///
/// ```
/// use neuropod_core::{Error, ErrorKind};
///
/// let error = Error::new(ErrorKind::Unavailable, "the API server refused the connection")
///     .with_context("pod", "3f9a0c1d2e4b5a68");
/// assert!(error.is_retryable());
/// assert_eq!(error.to_string(), "the API server refused the connection (pod: 3f9a0c1d2e4b5a68)");
/// ```
#[derive(Debug)]
pub struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: ErrorKind,
    message: String,
    retryable: bool,
    retry_after: Option<Duration>,
    context: Vec<(&'static str, String)>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of `kind`. Whether it is retryable follows from the kind.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        let retryable = kind.retryable_by_nature();
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            retryable,
            retry_after: None,
            context: Vec::new(),
            source: None,
        }))
    }

    /// Keeps the error that caused this one.
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Adds a subject of the error, such as `("pod", id)`. Never add a secret here.
    pub fn with_context(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.0.context.push((key, value.into()));
        self
    }

    /// Sets whether a retry can help, if it does not follow from the kind.
    pub fn with_retryable(mut self, retryable: bool) -> Self {
        self.0.retryable = retryable;
        self
    }

    /// Sets how long the backend asked to wait (HTTP `Retry-After`).
    pub fn with_retry_after(mut self, wait: Duration) -> Self {
        self.0.retry_after = Some(wait);
        self.0.retryable = true;
        self
    }

    /// The kind.
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// Whether the same call may succeed later without anybody changing the request.
    pub fn is_retryable(&self) -> bool {
        self.0.retryable
    }

    /// How long the backend asked to wait, if it did.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// The value for `key`, set by [`with_context`](Self::with_context); the last one, if set twice.
    ///
    /// ```
    /// use neuropod_core::{Error, ErrorKind};
    ///
    /// let error = Error::new(ErrorKind::AlreadyExists, "the name is taken").with_context("field", "name");
    /// assert_eq!(error.context("field"), Some("name"));
    /// assert_eq!(error.context("pod"), None);
    /// ```
    pub fn context(&self, key: &str) -> Option<&str> {
        let entry = self.0.context.iter().rev().find(|(entry, _)| *entry == key);
        entry.map(|(_, value)| value.as_str())
    }

    /// The message, without the context.
    pub fn message(&self) -> &str {
        &self.0.message
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        for (index, (key, value)) in self.0.context.iter().enumerate() {
            write!(f, "{}{key}: {value}", if index == 0 { " (" } else { ", " })?;
        }
        if self.0.context.is_empty() {
            Ok(())
        } else {
            f.write_str(")")
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0
            .source
            .as_ref()
            .map(|source| &**source as &(dyn StdError + 'static))
    }
}

impl From<ValidationErrors> for Error {
    fn from(errors: ValidationErrors) -> Self {
        let message = errors.to_string();
        Self::new(ErrorKind::Invalid(errors), message)
    }
}
