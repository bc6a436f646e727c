//! Money: amounts, prices, accounts and the ledger, and the charges of a pod.
//!
//! [`Billing`] is the trait of account backends. [`PriceList`] has the prices per hour, [`meter`] turns running
//! time into charges, [`standing`] reports the standing of an account and [`statement`] explains its charges.
//! [`LedgerFolding`] is an optional power of a billing: it keeps ledgers short.

pub mod amount;
pub mod billing;
pub mod currency;
pub mod folding;
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
    folding::{Folded, FoldedCharges, LedgerFolding},
    meter::{Meter, Price},
    pricing::{OpeningCredit, PriceList, PricePolicy, Quote},
    standing::{Low, Standing},
    statement::Statement,
};
