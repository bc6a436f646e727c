//! Which replicas of a platform run: an optional power of a cluster.

use std::fmt;
use std::str::FromStr;

use async_trait::async_trait;

use crate::error::kind::{Error, ErrorKind, Result};
use crate::id::is_64_bits;

/// Where the replicas of a platform on one cluster and one store show that they run.
///
/// With it, the replicas divide the pods among them, and each drives its own share. Without it, each drives all pods.
/// Nothing depends on it for correctness: records change by compare-and-swap, so two replicas that drive the same pod for a
/// while cost requests and no more. The suite `conformance::replicas` (feature `conformance`) checks implementations.
#[async_trait]
pub trait Replicas: Send + Sync + 'static {
    /// Renews the presence of this replica, which need not exist yet, and returns the presences of all replicas, its own
    /// included.
    ///
    /// Replicas call it every three seconds. One that does not is dead for the others after three of their own calls.
    async fn renew(&self, replica: &ReplicaId) -> Result<Vec<Presence>>;

    /// Removes the presence of a replica: of this one when it ends, or of one that has been dead for an hour. Succeeds if
    /// there is none.
    async fn give_up(&self, replica: &ReplicaId) -> Result<()>;
}

/// One run of a platform's driver: 16 lower-case hexadecimal digits.
///
/// Each run has its own, so that a process that is restarted is never taken for the one before.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReplicaId(String);

impl ReplicaId {
    /// How many hexadecimal digits an id has.
    pub const LENGTH: usize = 16;

    /// An id that has not been used: 64 random bits.
    pub fn random() -> Self {
        Self::from_bits(rand::random())
    }

    /// The id with these 64 bits.
    pub fn from_bits(bits: u64) -> Self {
        Self(format!("{bits:016x}"))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ReplicaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ReplicaId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if is_64_bits(text) {
            Ok(Self(text.to_owned()))
        } else {
            let message = "a replica id has 16 lower-case hexadecimal digits";
            Err(Error::new(ErrorKind::Unexpected, message))
        }
    }
}

/// The sign of life of a replica.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Presence {
    /// The replica.
    pub replica: ReplicaId,
    /// A text that is another one after each renewal. Readers compare it with what they read before, and never with a
    /// clock: the clocks of two machines differ.
    pub stamp: String,
}

impl Presence {
    /// The sign of life of a replica, with this stamp.
    pub fn new(replica: ReplicaId, stamp: impl Into<String>) -> Self {
        Self {
            replica,
            stamp: stamp.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ReplicaId;

    #[test]
    fn an_id_is_read_back_and_nothing_else_is_one() {
        let id = ReplicaId::from_bits(0xab);
        assert_eq!(id.as_str().parse::<ReplicaId>().unwrap(), id);
        for text in [
            "",
            "ab",
            "00000000000000AB",
            "00000000000000abc",
            "ñ00000000000000",
        ] {
            assert!(text.parse::<ReplicaId>().is_err(), "{text}");
        }
    }
}
