//! The Gateway API, which a cluster has only once somebody installs its definitions.

use std::{fs, path::Path};

use super::{build::pinned, go::go};
use crate::{
    cache, command,
    error::{Error, IoContext, Result},
};

const TOOL: &str = "tools/gateway";
const MODULE: &str = "sigs.k8s.io/gateway-api";
const GO_MOD: &str = include_str!("../../tools/gateway/go.mod");
/// The kinds of the standard channel that an HTTP controller watches, whether or not there are objects of them.
const FILES: [&str; 7] = [
    "gateway.networking.k8s.io_backendtlspolicies.yaml",
    "gateway.networking.k8s.io_gatewayclasses.yaml",
    "gateway.networking.k8s.io_gateways.yaml",
    "gateway.networking.k8s.io_grpcroutes.yaml",
    "gateway.networking.k8s.io_httproutes.yaml",
    "gateway.networking.k8s.io_referencegrants.yaml",
    "gateway.networking.k8s.io_tlsroutes.yaml",
];

/// The definitions, as YAML. They are downloaded on first use.
pub(crate) fn definitions() -> Result<Vec<String>> {
    let version = pinned(GO_MOD, MODULE).unwrap_or("unknown");
    let folder = cache::get_or_make(&format!("gateway-api-{version}"), |folder| {
        if !command::exists("go") {
            return Err(Error::Unavailable(
                "no Gateway API in the cache, and no `go` to download it".into(),
            ));
        }
        command::run(go(TOOL).args(["mod", "download", MODULE]))?;
        let module = command::run(go(TOOL).args(["list", "-m", "-f", "{{.Dir}}", MODULE]))?;
        let standard = Path::new(module.trim()).join("config/crd/standard");
        fs::create_dir_all(folder).at_path(folder)?;
        for file in FILES {
            let from = standard.join(file);
            let text = fs::read(&from).at_path(&from)?;
            let to = folder.join(file);
            fs::write(&to, text).at_path(&to)?;
        }
        Ok(())
    })?;
    let read = |file| {
        let path = folder.join(file);
        fs::read_to_string(&path).at_path(&path)
    };
    FILES.into_iter().map(read).collect()
}
