//! The list of all checks.

use std::sync::Arc;

use super::{accounts, changes, concurrency, draws, holds, load};
use crate::money::billing::Billing;

/// Runs every check, one after the other.
pub async fn run(billing: Arc<dyn Billing>) {
    let billing = &billing;

    accounts::open_and_change_kind(billing).await;
    accounts::nobody(billing).await;
    accounts::entries_tell_the_story(billing).await;
    accounts::pages_of_entries(billing).await;

    changes::happen_once(billing).await;
    changes::same_key_other_change(billing).await;
    changes::prepaid_never_below_zero(billing).await;
    changes::unlimited_below_zero(billing).await;
    changes::corrections_and_refunds(billing).await;
    changes::details_come_back(billing).await;
    changes::bad_input(billing).await;
    changes::nothing_is_lost_at_the_limits(billing).await;
    changes::hostile_texts(billing).await;

    holds::release(billing).await;
    holds::release_closes_a_key(billing).await;
    holds::never_held(billing).await;
    holds::what_is_held_is_not_available(billing).await;
    holds::of_unlimited_accounts(billing).await;
    holds::end_for_their_pod(billing).await;

    draws::pays_from_the_hold(billing).await;
    draws::tops_up_as_far_as_it_goes(billing).await;
    draws::writes_off_what_nobody_can_pay(billing).await;
    draws::happens_once(billing).await;
    draws::needs_an_open_hold(billing).await;
    draws::without_hold(billing).await;
    draws::of_unlimited_accounts(billing).await;
    draws::what_is_left_ends_as_it_should(billing).await;
    draws::never_charge_more_than_a_cap(billing).await;
    draws::bad_input(billing).await;

    concurrency::one_of_many_gets_the_last_money(billing).await;
    concurrency::one_key_counts_once(billing).await;

    load::random_operations(billing).await;
}
