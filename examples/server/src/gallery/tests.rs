use std::collections::HashSet;
use std::time::Duration;

use neuropod::cluster::{ReasonCode, Step};
use neuropod::{Actor, Pod, Status};
use tokio::time::{Instant, sleep};

use super::choice::ALL;
use super::scenarios::{SCENARIOS, Scenario, Shows};
use super::{check, list};
use crate::app::App;
use crate::config::Config;

/// Reasons without a scenario, with an explanation.
const NOT_SHOWN: &[(ReasonCode, &str)] = &[];

#[test]
fn every_reason_has_its_scenario() {
    for code in ReasonCode::ALL {
        let shown = SCENARIOS
            .iter()
            .any(|scenario| scenario.shows == Shows::Reason(code));
        let excused = NOT_SHOWN.iter().any(|(known, _)| *known == code);
        assert!(shown != excused, "{code:?}: a scenario, or why there is none");
    }
}

#[test]
fn every_lasting_state_has_its_scenario() {
    let shown = |status, step| {
        let is_it = |scenario: &&Scenario| matches!(scenario.shows, Shows::Step(shown, at, _) if shown == status && at == step);
        SCENARIOS.iter().find(is_it).is_some()
    };
    for (status, step) in [
        // Accepted and scheduling only last as long as a write to the store; a pod that stays there has a
        // reason.
        (Status::Creating, Step::Preparing),
        (Status::Creating, Step::PullingImage),
        (Status::Creating, Step::Starting),
        (Status::Running, Step::Ready),
        (Status::Stopped, Step::Stopping),
        (Status::Stopped, Step::Stopped),
    ] {
        assert!(shown(status, step), "{status:?} {step:?}");
    }
}

#[test]
fn names_are_unique_and_known_and_others_are_not() {
    let names: Vec<_> = SCENARIOS
        .iter()
        .map(|scenario| scenario.name.to_owned())
        .collect();
    assert_eq!(names.iter().collect::<HashSet<_>>().len(), names.len());
    check(&names).unwrap();
    let listed = list();
    for name in names.iter().map(String::as_str).chain([ALL]) {
        assert!(
            listed.lines().any(|line| line.starts_with(&format!("{name} "))),
            "{name}"
        );
    }
    let error = check(&["running".into(), "runing".into()])
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("\"runing\"") && error.contains("--scenario list"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn each_scenario_reaches_its_state_within_seconds() {
    crate::tls::use_ring();
    let config = Config {
        dev: true,
        store: "memory".into(),
        scenario: vec![ALL.into()],
        ..Config::default()
    };
    let metrics = metrics_exporter_prometheus::PrometheusBuilder::new()
        .build_recorder()
        .handle();
    let app = Box::pin(App::start(config, metrics)).await.unwrap();
    let driver = tokio::spawn({
        let platform = app.platform.clone();
        async move { platform.run(std::future::pending()).await }
    });
    let begun = Instant::now();
    let admin = Actor::admin("test");
    loop {
        let pods = app.platform.list_all(&admin, None).await.unwrap();
        let differs = |scenario: &&Scenario| {
            let pod = pods.iter().find(|pod| pod.name == scenario.name);
            !pod.is_some_and(|pod| match scenario.shows {
                Shows::Reason(code) => pod.reason.as_ref().is_some_and(|reason| reason.code == code),
                Shows::Step(status, step, _) => {
                    pod.status == status && pod.step == step && pod.reason.is_none()
                }
            })
        };
        let missing: Vec<_> = SCENARIOS
            .iter()
            .filter(differs)
            .map(|scenario| scenario.name)
            .collect();
        if missing.is_empty() {
            break;
        }
        if begun.elapsed() > Duration::from_secs(30) {
            let seen = |pod: &Pod| format!("{}: {:?} {:?} {:?}", pod.name, pod.status, pod.step, pod.reason);
            let seen: Vec<_> = pods
                .iter()
                .filter(|pod| missing.contains(&pod.name.as_str()))
                .map(seen)
                .collect();
            panic!("{missing:?}: {seen:#?}");
        }
        sleep(Duration::from_millis(50)).await;
    }
    driver.abort();
}
