//! The gallery of `--scenario`: pods in every state and with every failure that the simulated cluster knows, to learn
//! what each means, to try a page on, and to look at.
//!
//! A scenario is data (`scenarios.rs`). Its pod is created as any other, before the driver starts; what stands in its
//! way is told to the cluster, and what only time would bring (a balance that ran out, a volume that nobody paid for) is
//! written into its record. From then on everything is the platform's own work. `director.rs` follows the cluster, and
//! does what has to wait until a pod got far enough.

mod director;
mod scenarios;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use jiff::{SignedDuration, Timestamp};
use neuropod::message::{self, Language};
use neuropod::money::BillingExt;
use neuropod::sim::{ObjectKey, ObjectKind, Settings, SimCluster};
use neuropod::{Actor, CreatePod, ErrorKind, Money, Pod, PodId, PodStore, UserId};
use tokio::time::sleep;

use self::director::Director;
use self::scenarios::{Account, Past, SCENARIOS, Scenario, Shows};
use crate::app::Shared;
use crate::auth::Profile;
use crate::config::Config;

/// All scenarios, as one name.
const ALL: &str = "all";
/// What the owner of the pods has, beside what new clients get: enough for all of them.
const CREDIT: Money = Money::from_cents(50_000);

/// Whether these are names of scenarios.
///
/// # Errors
/// The one that is not.
pub fn check(names: &[String]) -> Result<()> {
    for name in names {
        let known = name == ALL || SCENARIOS.iter().any(|scenario| scenario.name == name);
        ensure!(
            known,
            "scenario: there is none with the name {name:?}; --scenario list shows all of them"
        );
    }
    Ok(())
}

/// The scenarios with what each shows, for `--scenario list`.
pub fn list() -> String {
    let line = |scenario: &Scenario| format!("{:<24}{}\n", scenario.name, scenario.shows.text());
    let lines: String = SCENARIOS.iter().map(line).collect();
    format!("{ALL:<24}One pod for each of these\n{lines}")
}

/// Who owns the pods of these scenarios.
pub fn who(names: &[String]) -> String {
    let mut pods: BTreeMap<&str, usize> = BTreeMap::new();
    for scenario in chosen(names) {
        *pods.entry(scenario.account.email()).or_default() += 1;
    }
    let count = |(email, pods)| match pods {
        1 => format!("{email} (1 pod)"),
        _ => format!("{email} ({pods} pods)"),
    };
    format!(
        "sign in as {}",
        pods.into_iter().map(count).collect::<Vec<_>>().join(", ")
    )
}

/// A cluster for the gallery: quick, with a GPU for each pod that needs one.
pub(crate) fn settings(settings: Settings) -> Settings {
    let moment = Duration::from_millis(300);
    Settings {
        schedule: moment,
        prepare: moment,
        pull: moment,
        start: moment,
        ready: moment,
        ..settings
    }
}

/// How many pods a client may have: in a gallery one has as many as it shows, and as many as others besides.
pub(crate) fn max_pods(config: &Config) -> u32 {
    let shown = u32::try_from(chosen(&config.scenario).count()).unwrap_or(u32::MAX);
    config.limits.max_pods.saturating_add(shown)
}

fn chosen(names: &[String]) -> impl Iterator<Item = &'static Scenario> {
    let is_chosen = |scenario: &&Scenario| names.iter().any(|name| name == ALL || name == scenario.name);
    SCENARIOS.iter().filter(is_chosen)
}

impl Shows {
    fn text(&self) -> &'static str {
        match self {
            Self::Reason(code) => message::reason(*code, Language::En),
            Self::Step(.., text) => text,
        }
    }
}

/// Makes the pods of the scenarios that are configured, where they are not there from an earlier run, and lets the rest
/// follow.
///
/// # Errors
/// Those of the store.
pub(crate) async fn open(app: &Shared, cluster: SimCluster) -> Result<()> {
    let mut cast = HashMap::new();
    for scenario in chosen(&app.config.scenario) {
        let pod = make(app, scenario)
            .await
            .with_context(|| scenario.name.to_owned())?;
        for obstacle in scenario.obstacles {
            cluster.inject(&pod.id, *obstacle);
        }
        if scenario.past == Past::NameTaken {
            for connection in app.platform.connections(&owner(&pod), &pod.id).await? {
                cluster.add_foreign(ObjectKey {
                    namespace: pod.namespace.clone(),
                    kind: ObjectKind::Service,
                    name: connection.objects.service,
                });
            }
        }
        cast.insert(pod.id.clone(), (owner(&pod), scenario.then));
    }
    for account in Account::ALL {
        settle(app, account).await?;
    }
    let director = Director::new(app.platform.clone(), app.store.clone(), cluster, cast);
    tokio::spawn(app.stopping.clone().run_until_cancelled_owned(director.direct()));
    Ok(())
}

fn owner(pod: &Pod) -> Actor {
    Actor::client(pod.owner.as_str())
}

/// The pod of a scenario, with its past.
async fn make(app: &Shared, scenario: &Scenario) -> Result<Pod> {
    let profile =
        Profile::in_development(scenario.account.email()).map_err(|_| anyhow::anyhow!("no address"))?;
    let user = app
        .welcome(&profile)
        .await
        .map_err(|_| anyhow::anyhow!("the account can't be opened"))?;
    let actor = Actor::client(user.id.as_str());
    let known = app.platform.list_all(&actor, None).await?;
    if let Some(pod) = known.into_iter().find(|pod| pod.name == scenario.name) {
        return Ok(pod);
    }
    let key = format!("gallery-{}", user.id);
    app.billing.deposit(&key, &user.id, CREDIT).await?;
    let mut request = CreatePod::from_image(scenario.name, scenario.image)
        .gpu(scenario.gpu)
        .ports(scenario.ports.iter().copied())
        .disks(20, 40)
        .jupyter(scenario.ports.contains(&8888));
    if scenario.past == Past::SpendCap {
        request = request.daily_cap(Money::from_cents(100));
    }
    let pod = app.platform.create(&actor, &request).await?;
    let past = |pod: &mut Pod| scenario.past.write(pod, Timestamp::now());
    write(app.store.as_ref(), &pod.id, past).await
}

/// Writes something that only time would bring into the record of a pod.
async fn write(store: &dyn PodStore, id: &PodId, past: impl Fn(&mut Pod)) -> Result<Pod> {
    loop {
        let mut pod = store.get(id).await?.context("the pod is gone")?;
        past(&mut pod);
        match store.update(&pod).await {
            Err(error) if *error.kind() == ErrorKind::Conflict => {}
            other => return Ok(other?),
        }
    }
}

/// What is to be said of an account once its pods are there.
async fn settle(app: &Shared, account: Account) -> Result<()> {
    let Some(user) = app.store.user_by_email(account.email()).await? else {
        return Ok(());
    };
    let admin = Actor::admin("gallery");
    match account {
        Account::Gallery => {}
        Account::Suspended => drop(app.platform.suspend(&admin, &user.id, true).await?),
        Account::Empty => drop(tokio::spawn(empty(Arc::clone(app), user.id))),
    }
    Ok(())
}

/// Takes all that somebody has, once what was reserved for their pod has come back to them.
async fn empty(app: Shared, user: UserId) {
    let emptied = async {
        while app.billing.balance(&user).await?.held > Money::ZERO {
            sleep(Duration::from_millis(100)).await;
        }
        let key = format!("gallery-empty-{user}");
        let admin = Actor::admin("gallery");
        app.platform.set_balance(&admin, &user, Money::ZERO, &key).await
    };
    if let Some(Err(error)) = app.stopping.run_until_cancelled(emptied).await {
        tracing::warn!(%error, "an account of the gallery can't be emptied");
    }
}

/// So long ago, or from now.
fn hours(now: Timestamp, hours: i64) -> Timestamp {
    now.saturating_add(SignedDuration::from_hours(hours))
        .unwrap_or(now)
}
