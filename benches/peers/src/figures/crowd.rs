//! What a call and a watch cost in a namespace with ten thousand pods, and with twenty thousand.

use std::time::Duration;

use anyhow::Result;

use crate::clients::Crowd;
use crate::peer::{once, serve};
use crate::site::{Site, Way};
use crate::table::{Goal, Report, Table, milliseconds, number};

const PODS: usize = 10_000;

pub(super) async fn measure(pods: Option<usize>, report: &mut Report) -> Result<()> {
    let pods = pods.unwrap_or(PODS);
    let site = Site::start().await?;
    let way = site.way(Duration::ZERO).await?;
    let ask = async |what| once(what, &way.kubeconfig).await;
    ask(Crowd::Fill { count: pods }).await?;
    eprintln!("crowd: there are {pods} pods");
    let observe = Duration::from_micros(ask(Crowd::Observe).await?);
    let inventory = Duration::from_micros(ask(Crowd::Inventory).await?);
    let watch = per_pod(ask(Crowd::Watch).await?, pods);
    let peak = per_pod(ask(Crowd::Peak).await?, pods);
    let reflector = per_pod(ask(Crowd::Reflector).await?, pods);
    let again = restart(&site, &way).await?;
    ask(Crowd::Fill { count: pods }).await?;
    let twice = Duration::from_micros(ask(Crowd::Inventory).await?);

    let row = |what: &str, value: String| vec![what.to_owned(), value];
    let table = Table {
        title: format!("Among {pods} pod objects, loopback"),
        header: ["", "value"].map(String::from).to_vec(),
        rows: vec![
            row("one pod with 3 ports looked at, ms", milliseconds(observe)),
            row("the whole inventory, ms", milliseconds(inventory)),
            row("the inventory of twice as many, ms", milliseconds(twice)),
            row(
                "API server killed: all seen again after it is ready, ms",
                milliseconds(again),
            ),
            row("memory of the watch for each pod, bytes", format!("{watch:.0}")),
            row("… at most, during the first list, bytes", format!("{peak:.0}")),
            row(
                "memory of a reflector of kube for each pod, bytes",
                format!("{reflector:.0}"),
            ),
        ],
    };
    table.print();
    let goals = &mut report.goals;
    goals.push(Goal::at_most(
        format!("one pod looked at among {pods}, ms"),
        observe.as_secs_f64() * 1000.0,
        3.0,
    ));
    goals.push(Goal::at_most(
        format!("inventory of {pods}, s"),
        inventory.as_secs_f64(),
        0.6,
    ));
    goals.push(Goal::at_most(
        format!("API server killed: {pods} pods seen again, s"),
        again.as_secs_f64(),
        1.5,
    ));
    let times = [Ok(twice), Ok(inventory)];
    goals.push(Goal::ratio(
        format!("inventory, {} over {pods}", 2 * pods),
        times,
        Some(2.2),
    )?);
    goals.push(Goal::at_most(
        format!("memory of a watched pod among {pods}, KiB"),
        watch / 1024.0,
        1.5,
    ));
    goals.push(Goal::at_most(
        "memory of the watch, at most during the first list over after it".into(),
        peak / watch,
        1.2,
    ));
    goals.push(Goal::none(
        "memory of a watched pod: ours over a reflector of kube".into(),
        watch / reflector,
    ));
    Ok(())
}

/// Kills the API server and starts it again. The time from when it is ready until the watch has shown all pods.
async fn restart(site: &Site, way: &Way) -> Result<Duration> {
    let mut watch = serve(Crowd::Again, &way.kubeconfig)?;
    watch.ask("watch").await?;
    let (again, restarted) = tokio::join!(watch.ask("again"), site.restart_api_server());
    restarted?;
    Ok(Duration::from_micros(again?))
}

fn per_pod(bytes: u64, pods: usize) -> f64 {
    number(bytes) / number(pods.try_into().unwrap_or(u64::MAX))
}
