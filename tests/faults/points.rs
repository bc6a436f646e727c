//! The points of the story that are tried, and the place of records and money.

use std::fmt;

/// The place of records and money.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Keep {
    Memory,
    File,
}

/// With a file, one of this many successive points is tried, because a disk is slow; `NEUROPOD_TEST_STRIDE`
/// overrides it. Each run tries others.
const STRIDE: usize = 40;

/// The points to try.
pub(crate) struct Points {
    pub(crate) keep: Keep,
    first: usize,
    stride: usize,
}

impl Points {
    /// All points.
    pub(crate) fn in_memory() -> Self {
        Self {
            keep: Keep::Memory,
            first: 1,
            stride: 1,
        }
    }

    /// One of each [`STRIDE`] points, starting from a random one, or from `NEUROPOD_TEST_SEED`.
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

    /// Their numbers, endlessly.
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
