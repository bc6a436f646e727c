//! Bundles a second, of many who create at once on a control plane in which there is nothing yet.

use std::time::Duration;

use anyhow::Result;

use crate::peer::{Kind, Peer};
use crate::site::Site;
use crate::table::{Goal, Report, Table, number};

const TIME: Duration = Duration::from_secs(10);
/// The pods of kubespawner have one port.
const PORTS: u16 = 1;
const WIDTH: usize = 64;
const KINDS: [Kind; 3] = [Kind::Ours, Kind::Raw, Kind::KubeSpawner];

pub(super) async fn measure(report: &mut Report) -> Result<()> {
    let mut rows = Vec::new();
    let mut rates = Vec::new();
    for kind in KINDS {
        let site = Site::start().await?;
        let way = site.way(Duration::ZERO).await?;
        let mut peer = Peer::start(kind, &way.kubeconfig)?;
        for _ in 0..3 {
            peer.create(PORTS).await?;
        }
        let count = peer.flood(TIME, PORTS, WIDTH).await?;
        let rate = number(count) / TIME.as_secs_f64();
        let objects = kind.objects(PORTS);
        rows.push(vec![
            kind.name().to_owned(),
            objects.to_string(),
            format!("{rate:.1}"),
            format!("{:.0}", rate * f64::from(objects)),
        ]);
        rates.push((kind, rate));
    }
    let table = Table {
        title: format!(
            "Saturated: {WIDTH} at once for {} s, loopback, a fresh control plane each",
            TIME.as_secs()
        ),
        header: ["", "objects of a bundle", "bundles a second", "objects a second"]
            .map(String::from)
            .to_vec(),
        rows,
    };
    table.print();
    let rate_of = |wanted| {
        rates
            .iter()
            .find(|(kind, _)| *kind == wanted)
            .map(|(_, rate)| *rate)
    };
    if let (Some(ours), Some(theirs)) = (rate_of(Kind::Ours), rate_of(Kind::KubeSpawner)) {
        report.goals.push(Goal::at_least(
            "bundles a second, saturated: ours over kubespawner".into(),
            ours / theirs,
            2.0,
        ));
    }
    Ok(())
}
