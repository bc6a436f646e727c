//! Which points of the story are tried, and where records and money are kept meanwhile.

use std::fmt;

/// Where records and money are kept.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Keep {
    Memory,
    File,
}

/// Of so many points that follow each other one is tried with a file, unless `NEUROPOD_TEST_STRIDE` says otherwise: a
/// disk takes its time. Each run tries others.
const STRIDE: usize = 40;

/// The points to try.
pub(crate) struct Points {
    pub(crate) keep: Keep,
    first: usize,
    stride: usize,
}

impl Points {
    /// All of them.
    pub(crate) fn in_memory() -> Self {
        Self {
            keep: Keep::Memory,
            first: 1,
            stride: 1,
        }
    }

    /// One of each [`STRIDE`], from a random one on, or from the one that `NEUROPOD_TEST_SEED` says.
    pub(crate) fn in_file() -> Self {
        let number = |name| Some(std::env::var(name).ok()?.parse().unwrap());
        let stride = number("NEUROPOD_TEST_STRIDE").unwrap_or(STRIDE);
        let seed = number("NEUROPOD_TEST_SEED").unwrap_or_else(|| rand::random_range(0..stride));
        println!("seed {seed}, stride {stride}");
        Self {
            keep: Keep::File,
            first: 1 + seed % stride,
            stride,
        }
    }

    /// Their numbers, without an end.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = usize> {
        (self.first..).step_by(self.stride)
    }
}

impl fmt::Display for Points {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { keep, first, stride } = self;
        write!(f, "{keep:?}, every {stride}. point from {first}")
    }
}
