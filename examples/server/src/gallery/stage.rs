//! Creates the pods of the gallery.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use jiff::Timestamp;
use neuropod::money::BillingExt;
use neuropod::sim::{ObjectKey, ObjectKind, SimCluster};
use neuropod::{Actor, CreatePod, Money, Pod, UserId};
use tokio::time::sleep;

use super::choice::chosen;
use super::director::Director;
use super::past::write;
use super::scenarios::{GalleryOwner, Past, Scenario};
use crate::app::Shared;
use crate::auth::Profile;
use crate::backends::Store;

/// The additional credit of the pods' owner, enough for all of them.
const CREDIT: Money = Money::from_cents(50_000);

/// Creates the pods of the configured scenarios, unless they exist from an earlier run, and starts the
/// director.
///
/// # Errors
/// Those of the store.
pub(crate) async fn open(app: &Shared, store: &Store, cluster: SimCluster) -> Result<()> {
    let mut cast = HashMap::new();
    for scenario in chosen(&app.config.scenario) {
        let pod = make(app, store, scenario)
            .await
            .with_context(|| scenario.name.to_owned())?;
        for mishap in scenario.mishaps {
            cluster.inject(&pod.id, *mishap);
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
    for account in GalleryOwner::ALL {
        settle(app, account).await?;
    }
    let director = Director::new(app.platform.clone(), Arc::clone(&store.pods), cluster, cast);
    tokio::spawn(app.stopping.clone().run_until_cancelled_owned(director.direct()));
    Ok(())
}

fn owner(pod: &Pod) -> Actor {
    Actor::client(pod.owner.as_str())
}

/// The pod of a scenario, with its history.
async fn make(app: &Shared, store: &Store, scenario: &Scenario) -> Result<Pod> {
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
    store.billing.deposit(&key, &user.id, CREDIT).await?;
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
    write(store.pods.as_ref(), &pod.id, past).await
}

/// Adjusts an account once its pods exist.
async fn settle(app: &Shared, account: GalleryOwner) -> Result<()> {
    let admin = Actor::admin("gallery");
    let Some(user) = app.platform.user_by_email(&admin, account.email()).await? else {
        return Ok(());
    };
    match account {
        GalleryOwner::Gallery => {}
        GalleryOwner::Suspended => drop(app.platform.suspend(&admin, &user.id, true).await?),
        GalleryOwner::Empty => drop(tokio::spawn(empty(Arc::clone(app), user.id))),
    }
    Ok(())
}

/// Takes all money of a user, once the hold of their pod is released.
async fn empty(app: Shared, user: UserId) {
    let emptied = async {
        let admin = Actor::admin("gallery");
        while app.platform.balance(&admin, &user).await?.held > Money::ZERO {
            sleep(Duration::from_millis(100)).await;
        }
        let key = format!("gallery-empty-{user}");
        app.platform.set_balance(&admin, &user, Money::ZERO, &key).await
    };
    if let Some(Err(error)) = app.stopping.run_until_cancelled(emptied).await {
        tracing::warn!(%error, "an account of the gallery can't be emptied");
    }
}
