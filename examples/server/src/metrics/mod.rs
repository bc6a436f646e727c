//! Metrics for Prometheus.

mod cluster;
mod progress;
mod recorder;
mod report;
mod request;

pub(crate) use self::{
    cluster::MeteredCluster,
    progress::Progress,
    recorder::begin,
    report::{text, upkeep},
    request::request,
};
