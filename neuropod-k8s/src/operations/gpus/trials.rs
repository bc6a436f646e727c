//! The nodes and pods of `tests/trials/input/gpus-*.json`, with their GPUs and the room for pods of each type.

use std::collections::BTreeMap;
use std::path::Path;

use neuropod_core::cluster::Catalogue;
use neuropod_core::cluster::gpus::{GpuStock, by_model};
use serde::Deserialize;

use super::node::Node;
use super::stock::by_node;
use super::tenant::Tenant;

#[derive(Deserialize)]
struct Trial {
    source: String,
    nodes: Vec<Node>,
    pods: Vec<Tenant>,
    #[serde(default)]
    catalogue: Catalogue,
    expect: Expect,
}

#[derive(Deserialize)]
struct Expect {
    stock: Vec<Stock>,
    room: BTreeMap<String, u32>,
}

#[derive(Debug, Deserialize, PartialEq)]
struct Stock {
    resource: String,
    model: Option<String>,
    total: u32,
    free: u32,
}

#[test]
fn each_trial_is_as_expected() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/trials/input");
    let files = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path());
    let mut count = 0;
    for path in files {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        if !name.starts_with("gpus-") {
            continue;
        }
        count += 1;
        let trial: Trial = serde_json::from_slice(&std::fs::read(&path).unwrap())
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let nodes = by_node(&trial.nodes, &trial.pods, "mine");
        let stock = by_model(&nodes).into_iter();
        let stock = stock.map(
            |GpuStock {
                 resource,
                 model,
                 total,
                 free,
                 ..
             }| Stock {
                resource,
                model,
                total,
                free,
            },
        );
        let why = format!("{name} ({})", trial.source);
        assert_eq!(stock.collect::<Vec<_>>(), trial.expect.stock, "{why}");
        for (id, room) in &trial.expect.room {
            let gpu = trial
                .catalogue
                .get(id)
                .unwrap_or_else(|| panic!("{why}: no type {id}"));
            assert_eq!(gpu.room_on(&nodes), Some(*room), "{why}: {id}");
        }
    }
    assert!(count >= 10, "{count} trials");
}
