//! Bundles a second, of many who create at once: on a control plane in which there is nothing yet, and on one with
//! thousands of Services.

use std::time::Duration;

use anyhow::Result;

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
        alone.of(Kind::Ours) / alone.of(Kind::KubeSpawner),
        2.0,
    ));
    report.goals.push(Goal::at_most(
        "CPU of the client for one object, saturated: ours over raw".into(),
        alone.processor_of(Kind::Ours) / alone.processor_of(Kind::Raw),
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
        among.of(Kind::Ours) / among.of(Kind::KubeSpawnerServices),
        10.0,
    ));
    Ok(())
}

/// The bundles a second of each, and the time of its processor for one object in seconds.
#[derive(Default)]
struct Rates(Vec<(Kind, f64, f64)>);

impl Rates {
    async fn measure(&mut self, site: &Site, kind: Kind) -> Result<()> {
        let way = site.way(Duration::ZERO).await?;
        let mut peer = Peer::start(kind, &way.kubeconfig)?;
        for _ in 0..3 {
            peer.create(PORTS).await?;
        }
        let (count, processor) = peer.flood(TIME, PORTS, WIDTH).await?;
        let objects = number(count) * f64::from(kind.objects(PORTS));
        let rate = number(count) / TIME.as_secs_f64();
        self.0.push((kind, rate, processor.as_secs_f64() / objects));
        Ok(())
    }

    fn of(&self, wanted: Kind) -> f64 {
        let found = self.0.iter().find(|(kind, ..)| *kind == wanted);
        found.map_or(f64::NAN, |(_, rate, _)| *rate)
    }

    fn processor_of(&self, wanted: Kind) -> f64 {
        let found = self.0.iter().find(|(kind, ..)| *kind == wanted);
        found.map_or(f64::NAN, |(.., processor)| *processor)
    }

    fn print(&self, place: &str) {
        let row = |(kind, rate, processor): &(Kind, f64, f64)| {
            let objects = kind.objects(PORTS);
            vec![
                kind.name().to_owned(),
                objects.to_string(),
                format!("{rate:.1}"),
                format!("{:.0}", rate * f64::from(objects)),
                format!("{:.0}", processor * 1e6),
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
