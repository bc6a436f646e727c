//! Money: amounts, prices, accounts and the ledger, and what a pod is charged.
//!
//! [`Billing`] is the trait of whoever keeps the accounts. [`PriceList`] says what an hour costs, [`meter`] turns running
//! time into charges, [`standing`] reports how an account stands and [`statement`] what was charged for what.

pub mod amount;
pub mod billing;
pub mod currency;
pub mod meter;
pub mod pricing;
pub mod standing;
pub mod statement;

pub use self::{
    amount::Money,
    billing::{
        AccountKind, Balance, Billing, BillingExt, Details, Draw, Drawn, EntryKind, EntryOptions, Hold,
        LedgerEntry, Period, Posting, PostingKind, Spent,
    },
    currency::Currency,
    meter::{Meter, Price},
    pricing::{OpeningCredit, PriceList, PricePolicy, Quote},
    standing::{Low, Standing},
    statement::Statement,
};
