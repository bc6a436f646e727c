//! All pods, for administrators: filtered, sorted, a page at a time. Plain functions over the pods that live
//! updates already know, so that a page does not read the store.

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
