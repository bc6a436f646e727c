//! The fuzz targets of `fuzz/`: plain functions of the input, which panic if something is wrong.
//!
//! `cargo fuzz` runs them with generated inputs on a nightly toolchain; `tests/corpus.rs` runs them on any
//! toolchain with the inputs in `fuzz/corpus` and with damaged copies of those.
#![allow(
    clippy::missing_panics_doc,
    clippy::expect_used,
    reason = "a fuzz target reports by panicking"
)]

mod api_server;
mod exporter;
mod images;
mod names;
mod objects;
mod quantities;
mod requests;
mod tokens;

pub use self::{
    exporter::exporter_text,
    images::images,
    names::names,
    objects::{partial_objects, watch_lines},
    quantities::quantities,
    requests::request_bodies,
    tokens::token_lines,
};

/// Accepts any input, and panics if something is wrong.
pub type Target = fn(&[u8]);

/// All targets by name. The name is that of the folder in `fuzz/corpus` and of the file in `fuzz/fuzz_targets`.
pub const TARGETS: [(&str, Target); 8] = [
    ("exporter_text", exporter_text),
    ("images", images),
    ("names", names),
    ("partial_objects", partial_objects),
    ("quantities", quantities),
    ("request_bodies", request_bodies),
    ("token_lines", token_lines),
    ("watch_lines", watch_lines),
];
