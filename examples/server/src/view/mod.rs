//! What the API shows, field by field as the contract has it.

pub(crate) mod audit;
pub(crate) mod money;
pub(crate) mod pod;
pub(crate) mod pricing;
pub(crate) mod template;
pub(crate) mod user;
