//! Errors: their kinds, and the mistakes of a request.

pub mod kind;
pub mod validation;

pub use self::{
    kind::{Error, ErrorKind, Result},
    validation::{Problem, ValidationErrors, Violation},
};
