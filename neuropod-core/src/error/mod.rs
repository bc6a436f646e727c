//! Errors: their kinds, and everything that is wrong with a request.

pub mod kind;
pub mod validation;

pub use self::{
    kind::{Error, ErrorKind, Result},
    validation::{Problem, ValidationErrors, Violation},
};
