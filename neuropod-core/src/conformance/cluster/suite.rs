//! The list of all checks.

use futures::future::BoxFuture;

use super::stage::Stage;
use super::{details, objects, reasons, removal, watch};

/// One check of the suite, for a test harness that lists them.
pub struct Check {
    /// Its name.
    pub name: &'static str,
    run: for<'a> fn(&'a dyn Stage) -> BoxFuture<'a, ()>,
}

impl Check {
    /// Runs the check.
    ///
    /// # Panics
    /// If the check fails.
    pub async fn run(&self, stage: &dyn Stage) {
        (self.run)(stage).await;
    }
}

macro_rules! checks {
    ($($module:ident::$name:ident),* $(,)?) => {
        &[$(Check { name: stringify!($name), run: |stage| Box::pin($module::$name(stage)) }),*]
    };
}

/// All checks except those of logs and quotas.
pub static CHECKS: &[Check] = checks![
    objects::apply_makes_everything,
    objects::apply_again_changes_nothing,
    objects::apply_twice_at_once_makes_one_pod,
    objects::apply_repairs_what_is_missing,
    objects::apply_of_another_run_leaves_the_pod,
    objects::apply_takes_hostile_content,
    objects::apply_refuses_a_name_of_somebody_else,
    objects::a_volume_never_shrinks,
    objects::inventory_lists_what_is_owned,
    objects::gpus_are_listed_by_node,
    objects::a_token_is_never_shown,
    removal::remove_keeps_the_volume,
    removal::remove_deletes_the_volume_on_request,
    removal::remove_of_nothing_is_fine,
    removal::the_next_run_is_another_pod_on_the_same_volume,
    removal::two_workloads_do_not_disturb_each_other,
    watch::watch_begins_with_what_is_there,
    watch::watch_follows_a_life,
    watch::watch_loses_nothing_when_broken,
    watch::watch_sees_a_pod_replaced_while_broken,
    watch::every_watch_sees_everything,
    details::an_end_says_by_when,
    details::apply_waits_for_what_is_being_deleted,
    details::the_fault_of_a_node_is_reported_as_such,
    details::a_warning_that_may_pass_says_until_when,
    details::the_last_end_is_reported_while_the_next_container_runs,
    details::a_step_says_since_when,
    details::a_closed_port_reveals_another_server,
    reasons::every_reason_is_reported,
    reasons::a_reason_passes,
];

/// Runs all [`CHECKS`], one after the other.
///
/// # Panics
/// If a check fails.
pub async fn run(stage: &dyn Stage) {
    for check in CHECKS {
        tracing::info!(check = check.name, "conformance");
        check.run(stage).await;
    }
}
