//! Histograms of latencies.

use anyhow::{Context, Result};
use hdrhistogram::Histogram;

/// An empty histogram of microseconds, up to five minutes.
pub(crate) fn empty() -> Result<Histogram<u64>> {
    Histogram::new_with_max(300_000_000, 3).context("three digits")
}
