//! The list of all checks.

use std::sync::Arc;

use super::fixture::Books;
use super::{keys, sums, together};
use crate::money::billing::Billing;
use crate::money::folding::LedgerFolding;

/// Runs every check but that of [`run_long`], one after the other. Usually both are the same store.
pub async fn run(billing: Arc<dyn Billing>, folding: Arc<dyn LedgerFolding>) {
    let books = &Books::new(billing, folding);

    sums::a_day_of_a_pod_becomes_one_charge(books).await;
    sums::statement_and_balance_stay(books).await;
    sums::other_entries_stay(books).await;
    sums::later_entries_stay(books).await;
    sums::twice_is_once(books).await;
    sums::a_day_goes_on(books).await;
    sums::pages_stay_in_order(books).await;
    sums::nothing_is_lost_at_the_limits(books).await;

    keys::a_folded_charge_is_not_made_again(books).await;
    keys::the_newest_charge_can_be_repeated(books).await;
    keys::an_open_hold_goes_on(books).await;
    keys::keys_that_are_no_charges_stay(books).await;
    keys::a_pod_that_two_accounts_pay(books).await;

    together::draws_during_folding(books).await;
    together::several_fold_at_once(books).await;
}

/// Runs the check of a ledger with thousands of entries, for implementations that fold in steps.
pub async fn run_long(billing: Arc<dyn Billing>, folding: Arc<dyn LedgerFolding>) {
    sums::long_ledgers(&Books::new(billing, folding)).await;
}
