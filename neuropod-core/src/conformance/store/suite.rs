//! The list of all checks.

use std::sync::Arc;

use super::{concurrency, paging, pods, prices, requests, round_trip, templates, users};
use crate::store::traits::{PodStore, PriceStore, RequestStore, Store, TemplateStore, UserStore};

/// Runs every check of every part, one after the other.
pub async fn run(store: Arc<dyn Store>) {
    run_pods(store.clone()).await;
    run_users(store.clone()).await;
    run_templates(store.clone()).await;
    run_prices(store.clone()).await;
    run_requests(store).await;
}

/// Runs every check of a [`PodStore`], one after the other.
pub async fn run_pods(store: Arc<dyn PodStore>) {
    let store = &store;
    pods::insert_get_update_remove(store).await;
    pods::ids_and_names_are_unique(store).await;
    pods::a_name_is_free_again(store).await;
    pods::an_old_version_changes_nothing(store).await;
    pods::some_fields_never_change(store).await;
    pods::what_is_gone(store).await;

    round_trip::every_field(store).await;
    round_trip::every_state(store).await;
    round_trip::times(store).await;
    round_trip::hostile_texts(store).await;
    round_trip::large_texts(store).await;

    paging::sorted_by_creation_and_id(store).await;
    paging::filters(store).await;
    paging::pods_by_name_and_volume(store).await;
    paging::limits(store).await;
    paging::pages_while_pods_come_and_go(store).await;
    paging::all_owners(store).await;

    concurrency::writers_lose_nothing(store).await;
    concurrency::one_of_many_inserts_wins(store).await;
}

/// Runs every check of a [`UserStore`], one after the other.
pub async fn run_users(store: Arc<dyn UserStore>) {
    let store = &store;
    users::insert_get_update_remove(store).await;
    users::ids_and_addresses_are_unique(store).await;
    users::identities_are_unique(store).await;
    users::an_address_is_free_again(store).await;
    users::who_was_removed_is_remembered(store).await;
    users::an_old_version_changes_nothing(store).await;
    users::sorted_by_address(store).await;
    users::texts_are_no_patterns(store).await;

    concurrency::one_of_many_users_wins(store).await;
    concurrency::one_of_many_with_an_identity_wins(store).await;
}

/// Runs every check of a [`TemplateStore`], one after the other.
pub async fn run_templates(store: Arc<dyn TemplateStore>) {
    let store = &store;
    templates::insert_get_update_remove(store).await;
    templates::ids_and_names_are_unique(store).await;
    templates::a_name_is_free_again(store).await;
    templates::an_old_version_changes_nothing(store).await;
    templates::sorted_by_name(store).await;
    templates::hostile_texts(store).await;
}

/// Runs every check of a [`PriceStore`], one after the other.
pub async fn run_prices(store: Arc<dyn PriceStore>) {
    let store = &store;
    prices::every_version_is_kept(store).await;
    prices::writers_lose_nothing(store).await;
}

/// Runs every check of a [`RequestStore`], one after the other.
pub async fn run_requests(store: Arc<dyn RequestStore>) {
    let store = &store;
    requests::the_first_outcome_stays(store).await;
    requests::old_ones_are_forgotten(store).await;
}
