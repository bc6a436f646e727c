//! What the API shows, field by field as the contract has it.

pub mod money;
pub mod pod;
pub mod pricing;
pub mod template;
pub mod user;
