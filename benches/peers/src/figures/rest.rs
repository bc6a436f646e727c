//! What a platform at rest asks of the API server: a thousand running pods in a cluster with ten thousand of others.

use std::time::Duration;

use anyhow::{Context, Result};
use tokio::time::sleep;

use crate::clients::Crowd;
use crate::fleet::Fleet;
use crate::peer::once;
use crate::processor;
use crate::table::{Goal, Report, Table, milliseconds, number};

const PODS: usize = 1_000;
/// The pods of others for each of them.
const OTHERS: usize = 10;
/// The time after which everything was listed, and nothing is left of the start.
const SETTLE: Duration = Duration::from_mins(7);
const TIME: Duration = Duration::from_mins(5);

pub(super) async fn measure(pods: Option<usize>, report: &mut Report) -> Result<()> {
    let pods = pods.unwrap_or(PODS);
    let others = OTHERS * pods;
    let fleet = Fleet::start().await?;
    once(Crowd::Fill { count: others }, fleet.kubeconfig()).await?;
    let mut replica = fleet.replica(false)?;
    fleet.create(pods).await?;
    fleet.report_ready(pods).await?;
    eprintln!("rest: {pods} pods run beside {others} of others");
    sleep(SETTLE).await;
    let server = fleet.site.control_plane.api_server_process();
    let server = server.context("the API server has ended")?;
    replica.ask("requests").await?;
    let (ours, theirs) = (replica.processor().await?, processor::time_of(server)?);
    sleep(TIME).await;
    let requests = replica.ask("requests").await?;
    let ours = replica.processor().await?.saturating_sub(ours);
    let with = processor::time_of(server)?.saturating_sub(theirs);
    fleet.until_running(pods).await?;
    replica.kill().await?;
    // What the server does by itself, and for its controllers.
    sleep(Duration::from_secs(10)).await;
    let before = processor::time_of(server)?;
    sleep(TIME).await;
    let without = processor::time_of(server)?.saturating_sub(before);

    let row = |what: &str, value: String| vec![what.to_owned(), value];
    let minutes = TIME.as_secs() / 60;
    let table = Table {
        title: format!(
            "A platform at rest for {minutes} minutes: {pods} running pods beside {others} of others, loopback"
        ),
        header: ["", "value"].map(String::from).to_vec(),
        rows: vec![
            row("requests to the API server", requests.to_string()),
            row("CPU of the API server, ms", milliseconds(with)),
            row("… of as long without the platform, ms", milliseconds(without)),
            row("CPU of the platform, ms", milliseconds(ours)),
        ],
    };
    table.print();
    report.goals.push(Goal::at_most(
        format!("requests at rest in {minutes} minutes"),
        number(requests),
        5.0,
    ));
    report.goals.push(Goal::at_most(
        format!("CPU of the API server at rest in {minutes} minutes, ms"),
        (with.as_secs_f64() - without.as_secs_f64()) * 1000.0,
        50.0,
    ));
    Ok(())
}
