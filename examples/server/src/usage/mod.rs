//! The usage of pods, measured from time to time.

mod dcgm;
mod figures;
#[cfg(test)]
mod tests;
mod watch;

pub(crate) use self::{
    dcgm::percent as gpu_percent,
    figures::{Figures, Stats},
    watch::watch,
};
