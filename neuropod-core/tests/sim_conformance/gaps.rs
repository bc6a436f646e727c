//! A watch that breaks at any of its events conforms all the same.

use std::sync::Arc;

use neuropod_core::conformance::cluster::{CHECKS, Check};
use neuropod_core::sim::Settings;
use neuropod_core::sim::faults::{Fault, Faults};

use crate::stage::SimStage;

fn stage(faults: &Faults) -> SimStage {
    let mut stage = SimStage::new(Settings::still());
    stage.backend = faults.cluster(Arc::clone(&stage.backend));
    stage
}

/// The checks that read a watch during events. The check with two watches reads at the end, when events lost in
/// a gap are no longer reported.
fn watches(check: &Check) -> bool {
    let reads = check.name.contains("watch") || check.name.contains("reason");
    reads && check.name != "every_watch_sees_everything"
}

#[tokio::test(start_paused = true)]
async fn conforms_whichever_event_is_lost() {
    let mut gaps = 0;
    for check in CHECKS.iter().filter(|check| watches(check)) {
        let counting = Faults::none();
        check.run(&stage(&counting)).await;
        let calls = 1..=counting.calls();
        let of_watch = |n: &usize| {
            counting
                .call(*n)
                .is_some_and(|name| name.starts_with("cluster.watch"))
        };
        for n in calls.filter(of_watch) {
            let faults = Faults::at_call(n, Fault::ErrorBefore);
            check.run(&stage(&faults)).await;
            gaps += 1;
        }
    }
    assert!(gaps > 100, "the checks read many events: {gaps}");
}
