//! From the order of a bundle until the API server has accepted its last object.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result};
use kube::Client;
use tokio::time::Instant;

use crate::peer::{Created, Kind, Peer};
use crate::site::{Site, Way};
use crate::table::{Goal, Report, Table, median, milliseconds};

const ROUND_TRIPS: [Duration; 2] = [Duration::ZERO, Duration::from_millis(20)];
const PORTS: [u16; 2] = [3, 10];
const WARM_UP: usize = 3;

/// All measured creations of one peer at one place with so many ports.
type Samples = BTreeMap<(Kind, u16), Vec<Created>>;

pub(super) async fn measure(rounds: usize, report: &mut Report) -> Result<()> {
    let site = Site::start().await?;
    for round_trip in ROUND_TRIPS {
        let way = site.way(round_trip).await?;
        let really = really(&way.client).await?;
        let samples = run(&site, &way, rounds).await?;
        table(round_trip, really, &samples)?.print();
        goals(round_trip, &samples, &mut report.goals)?;
    }
    Ok(())
}

/// The time of a small request on an open connection.
async fn really(client: &Client) -> Result<Duration> {
    let mut times = Vec::new();
    for _ in 0..10 {
        let started = Instant::now();
        client
            .apiserver_version()
            .await
            .context("the version of the API server")?;
        times.push(started.elapsed());
    }
    median(times)
}

async fn run(site: &Site, way: &Way, rounds: usize) -> Result<Samples> {
    let start = |kind| Peer::start(kind, &way.kubeconfig);
    let mut peers = Kind::TURNS.into_iter().map(start).collect::<Result<Vec<_>>>()?;
    let mut samples = Samples::new();
    for ports in PORTS {
        for round in 0..WARM_UP + rounds {
            for peer in &mut peers {
                let created = peer.create(ports).await?;
                site.clear(peer.kind).await?;
                if round >= WARM_UP {
                    samples.entry((peer.kind, ports)).or_default().push(created);
                }
            }
            // Nobody always comes after the same one, whose deletions the servers may still be busy with.
            peers.reverse();
            eprintln!(
                "create, {ports} ports: round {} of {}",
                round + 1,
                WARM_UP + rounds
            );
        }
    }
    Ok(samples)
}

fn took(samples: &Samples, kind: Kind, ports: u16) -> Result<Duration> {
    let samples = samples.get(&(kind, ports)).context("no samples")?;
    median(samples.iter().map(|created| created.took).collect())
}

/// The processor time of one object.
fn processor(samples: &Samples, kind: Kind, ports: u16) -> Result<Duration> {
    let samples = samples.get(&(kind, ports)).context("no samples")?;
    let whole = median(samples.iter().map(|created| created.processor).collect())?;
    Ok(whole / u32::from(kind.objects(ports)))
}

fn table(round_trip: Duration, really: Duration, samples: &Samples) -> Result<Table> {
    let mut rows = Vec::new();
    for kind in Kind::TURNS {
        let mut row = vec![kind.name().to_owned()];
        for ports in PORTS {
            row.push(kind.objects(ports).to_string());
            row.push(milliseconds(took(samples, kind, ports)?));
            row.push(if matches!(kind, Kind::OursCold | Kind::RawCold) {
                "–".into()
            } else {
                milliseconds(processor(samples, kind, ports)?)
            });
        }
        rows.push(row);
    }
    let place = place(round_trip);
    Ok(Table {
        title: format!(
            "Create, {place} (a small request takes {} ms), medians in ms; CPU is that of the client for one object",
            milliseconds(really)
        ),
        header: ["", "objects", "3 ports", "CPU", "objects", "10 ports", "CPU"]
            .map(String::from)
            .to_vec(),
        rows,
    })
}

fn place(round_trip: Duration) -> String {
    if round_trip.is_zero() {
        "loopback".into()
    } else {
        format!("{} ms round trip", round_trip.as_millis())
    }
}

fn goals(round_trip: Duration, samples: &Samples, goals: &mut Vec<Goal>) -> Result<()> {
    let place = place(round_trip);
    let far = !round_trip.is_zero();
    for ports in PORTS {
        let times = [Kind::Ours, Kind::Raw].map(|kind| took(samples, kind, ports));
        goals.push(Goal::ratio(
            format!("create, {ports} ports, {place}: ours over raw"),
            times,
            far.then_some(1.05),
        )?);
    }
    let times = [Kind::OursCold, Kind::RawCold].map(|kind| took(samples, kind, 3));
    goals.push(Goal::ratio(
        format!("cold, 3 ports, {place}: ours over raw"),
        times,
        Some(1.15),
    )?);
    if !far {
        let times = [Kind::Ours, Kind::Raw].map(|kind| processor(samples, kind, 10));
        goals.push(Goal::ratio(
            "CPU of the client for one object, 10 ports, warm: ours over raw".into(),
            times,
            Some(1.3),
        )?);
    }
    Ok(())
}
