//! The HTTP contract of the existing frontend, field by field: the format of requests and replies.
//!
//! Only this module knows the wire format. The library has plain types; their names, defaults and texts for the
//! frontend are made here.
//!
//! | question | place |
//! |---|---|
//! | How is a body read, and how are all its mistakes listed at once? | `fields`; bodies in `create_body`, `template_body`, `price_change` |
//! | What are the names of fields on the wire and in the library? | `names` |
//! | What does a reply look like? | `reply`; its data in `pod`, `pricing`, `template`, `user`, `money`, `audit`, `config` |
//! | Which status, code and text does an error get? | `failure` |
//! | Which amounts are accepted? | `amount` |

pub(crate) mod amount;
pub(crate) mod audit;
pub(crate) mod config;
pub(crate) mod create_body;
pub(crate) mod failure;
pub(crate) mod fields;
pub(crate) mod money;
pub(crate) mod names;
pub(crate) mod pod;
pub(crate) mod price_change;
pub(crate) mod pricing;
pub(crate) mod reply;
pub(crate) mod template;
pub(crate) mod template_body;
pub(crate) mod user;
