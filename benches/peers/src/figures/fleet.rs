//! Ten thousand pods driven by two replicas on PostgreSQL, of which one is killed.

use std::time::Duration;

use anyhow::Result;
use tokio::time::{Instant, sleep};

use crate::fleet::Fleet;
use crate::table::{Goal, Report, Table, number};

const PODS: usize = 10_000;
/// The pods that are lost at the moment in which a replica dies, half of which are in its share.
const LOST: usize = 40;
/// The time after which a replica watches the cluster.
const BEGUN: Duration = Duration::from_secs(15);
/// The time after which no pod is driven because of a call any more.
const SETTLE: Duration = Duration::from_mins(7);

pub(super) async fn measure(pods: Option<usize>, report: &mut Report) -> Result<()> {
    let pods = pods.unwrap_or(PODS);
    let fleet = Fleet::start().await?;
    let (mut first, second) = (fleet.replica(true)?, fleet.replica(true)?);
    // It has connected, and watches a namespace without pods.
    sleep(BEGUN).await;
    first.ask("requests").await?;
    let empty = second.memory()?;
    let created = fleet.create(pods).await?;
    eprintln!("fleet: {pods} pods were created in {created:?}");
    let reported = fleet.report_ready(pods).await?;
    eprintln!("fleet: they run {reported:?} after the first status");
    sleep(SETTLE).await;
    let memory = number(second.memory()?.saturating_sub(empty)) / number(u64::try_from(pods)?);
    let names: Vec<_> = fleet
        .uids()
        .await?
        .into_keys()
        .step_by((pods / LOST).max(1))
        .collect();
    let died = Instant::now();
    first.kill().await?;
    fleet.lose(&names).await?;
    let taken_over = died.elapsed();
    fleet.report_ready(pods).await?;

    let row = |what: &str, time: Duration| vec![what.to_owned(), format!("{:.1}", time.as_secs_f64())];
    let table = Table {
        title: format!("{pods} pods, two replicas on PostgreSQL, loopback"),
        header: ["", "seconds"].map(String::from).to_vec(),
        rows: vec![
            row("created: all pod objects are there", created),
            row("reported as ready: all run in the store", reported),
            row(
                "one replica killed: lost pods of its share are made again",
                taken_over,
            ),
        ],
    };
    table.print();
    report.goals.push(Goal::at_most(
        "memory of a replica for each pod of the cluster, with its watch, KiB".into(),
        memory / 1024.0,
        2.5,
    ));
    report.goals.push(Goal::at_most(
        "takeover after a replica was killed, s".into(),
        taken_over.as_secs_f64(),
        15.0,
    ));
    Ok(())
}
