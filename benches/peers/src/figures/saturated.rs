//! Bundles a second, of many who create at once: on a control plane in which there is nothing yet, and on one with
//! thousands of Services.

use std::time::Duration;

use anyhow::{Context, Result};

use crate::clients::Crowd;
use crate::peer::{Kind, Peer, once};
use crate::site::Site;
use crate::table::{Goal, Report, Table, number};

const TIME: Duration = Duration::from_secs(10);
/// The pods of kubespawner have one port.
const PORTS: u16 = 1;
const WIDTH: usize = 64;
/// The Services with addresses that are there already.
const SERVICES: usize = 20_000;
const ALONE: [Kind; 4] = [
    Kind::Ours,
    Kind::Raw,
    Kind::KubeSpawner,
    Kind::KubeSpawnerServices,
];
const AMONG_SERVICES: [Kind; 3] = [Kind::Ours, Kind::Raw, Kind::KubeSpawnerServices];

pub(super) async fn measure(report: &mut Report) -> Result<()> {
    let mut alone = Rates::default();
    for kind in ALONE {
        alone.measure(&Site::start().await?, kind).await?;
    }
    alone.print("a fresh control plane each");
    report.goals.push(Goal::at_least(
        "bundles a second, saturated: ours over kubespawner".into(),
        alone.of(Kind::Ours)?.bundles / alone.of(Kind::KubeSpawner)?.bundles,
        2.0,
    ));
    report.goals.push(Goal::at_most(
        "CPU of the client for one object, saturated: ours over raw".into(),
        alone.of(Kind::Ours)?.processor / alone.of(Kind::Raw)?.processor,
        1.3,
    ));

    let site = Site::start().await?;
    let way = site.way(Duration::ZERO).await?;
    once(Crowd::Services { count: SERVICES }, &way.kubeconfig).await?;
    let mut among = Rates::default();
    for kind in AMONG_SERVICES {
        among.measure(&site, kind).await?;
        site.clear(kind).await?;
    }
    among.print(&format!("one control plane with {SERVICES} Services"));
    report.goals.push(Goal::at_least(
        format!("bundles a second, with {SERVICES} Services there: ours over kubespawner with its Service"),
        among.of(Kind::Ours)?.bundles / among.of(Kind::KubeSpawnerServices)?.bundles,
        10.0,
    ));
    Ok(())
}

/// What a peer does when it has as much to do as it can.
struct Rate {
    kind: Kind,
    /// The bundles a second.
    bundles: f64,
    /// The time of its processor for one object, in seconds.
    processor: f64,
}

#[derive(Default)]
struct Rates(Vec<Rate>);

impl Rates {
    async fn measure(&mut self, site: &Site, kind: Kind) -> Result<()> {
        let way = site.way(Duration::ZERO).await?;
        let mut peer = Peer::start(kind, &way.kubeconfig)?;
        for _ in 0..3 {
            peer.create(PORTS).await?;
        }
        let (count, processor) = peer.flood(TIME, PORTS, WIDTH).await?;
        let objects = number(count) * f64::from(kind.objects(PORTS));
        self.0.push(Rate {
            kind,
            bundles: number(count) / TIME.as_secs_f64(),
            processor: processor.as_secs_f64() / objects,
        });
        Ok(())
    }

    fn of(&self, kind: Kind) -> Result<&Rate> {
        let found = self.0.iter().find(|rate| rate.kind == kind);
        found.with_context(|| format!("{} was not measured", kind.name()))
    }

    fn print(&self, place: &str) {
        let row = |rate: &Rate| {
            let objects = rate.kind.objects(PORTS);
            vec![
                rate.kind.name().to_owned(),
                objects.to_string(),
                format!("{:.1}", rate.bundles),
                format!("{:.0}", rate.bundles * f64::from(objects)),
                format!("{:.0}", rate.processor * 1e6),
            ]
        };
        let header = [
            "",
            "objects of a bundle",
            "bundles a second",
            "objects a second",
            "CPU of an object, µs",
        ];
        let table = Table {
            title: format!(
                "Saturated: {WIDTH} at once for {} s, loopback, {place}",
                TIME.as_secs()
            ),
            header: header.map(String::from).to_vec(),
            rows: self.0.iter().map(row).collect(),
        };
        table.print();
    }
}
