//! All pods, for administrators: which ones, in which order, a page at a time. Plain functions over what the live updates
//! know already, so that a page costs the store nothing.

mod order;
mod place;
mod query;
mod select;
#[cfg(test)]
mod tests;

pub(crate) use self::{
    order::{Order, Sort, Use},
    place::Place,
    query::{Query, StatusFilter},
    select::select,
};
