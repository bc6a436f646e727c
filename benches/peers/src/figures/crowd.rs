//! What a call and a watch cost in a namespace with ten thousand pods, and with twenty thousand.

use std::time::Duration;

use anyhow::Result;

use crate::clients::Crowd;
use crate::peer::once;
use crate::site::Site;
use crate::table::{Goal, Report, Table, milliseconds, number};

const PODS: usize = 10_000;

pub(super) async fn measure(report: &mut Report) -> Result<()> {
    let site = Site::start().await?;
    let way = site.way(Duration::ZERO).await?;
    let ask = async |what| once(what, &way.kubeconfig).await;
    ask(Crowd::Fill { count: PODS }).await?;
    eprintln!("crowd: there are {PODS} pods");
    let observe = Duration::from_micros(ask(Crowd::Observe).await?);
    let inventory = Duration::from_micros(ask(Crowd::Inventory).await?);
    let watch = per_pod(ask(Crowd::Watch).await?);
    let reflector = per_pod(ask(Crowd::Reflector).await?);
    ask(Crowd::Fill { count: PODS }).await?;
    let twice = Duration::from_micros(ask(Crowd::Inventory).await?);

    let row = |what: &str, value: String| vec![what.to_owned(), value];
    let table = Table {
        title: format!("Among {PODS} pod objects, loopback"),
        header: ["", "value"].map(String::from).to_vec(),
        rows: vec![
            row("one pod with 3 ports looked at, ms", milliseconds(observe)),
            row("the whole inventory, ms", milliseconds(inventory)),
            row("the inventory of twice as many, ms", milliseconds(twice)),
            row("memory of the watch for each pod, bytes", format!("{watch:.0}")),
            row(
                "memory of a reflector of kube for each pod, bytes",
                format!("{reflector:.0}"),
            ),
        ],
    };
    table.print();
    let goals = &mut report.goals;
    goals.push(Goal::at_most(
        "one pod looked at among 10,000, ms".into(),
        observe.as_secs_f64() * 1000.0,
        3.0,
    ));
    goals.push(Goal::at_most(
        "inventory of 10,000, s".into(),
        inventory.as_secs_f64(),
        0.6,
    ));
    let times = [Ok(twice), Ok(inventory)];
    goals.push(Goal::ratio(
        "inventory, 20,000 over 10,000".into(),
        times,
        Some(2.2),
    )?);
    goals.push(Goal::none(
        "memory of a watched pod: ours over a reflector of kube".into(),
        watch / reflector,
    ));
    Ok(())
}

fn per_pod(bytes: u64) -> f64 {
    number(bytes) / number(PODS.try_into().unwrap_or(u64::MAX))
}
