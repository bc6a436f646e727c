//! One-time preparation for starting servers.

use crate::{
    assets::{Assets, Program, gateway},
    data_dir::require_linux,
    error::Result,
    images::Image,
    mongo, node, postgres,
};

/// Finds or builds the servers of a control plane, and the Gateway API: some minutes the first time.
pub fn prepare_control_plane() -> Result<()> {
    require_linux()?;
    Assets::from_env().prepare(&Program::CONTROL_PLANE)?;
    gateway::definitions().map(drop)
}

/// Does the same for a node: installs Debian packages where they are missing, builds servers and all images.
pub fn prepare_node() -> Result<()> {
    node::install()?;
    prepare_control_plane()?;
    Assets::from_env().prepare(&Program::NODE)?;
    Image::PODS
        .into_iter()
        .try_for_each(|image| image.archive().map(drop))
}

/// Does the same for a node with its surroundings: an ingress controller, and metrics-server.
pub fn prepare_edge() -> Result<()> {
    prepare_node()?;
    Assets::from_env().prepare(&Program::EDGE)?;
    Image::EDGE
        .into_iter()
        .try_for_each(|image| image.archive().map(drop))
}

/// Prepares the server for the tests of `MongoStore`: downloads the image, or finds or builds FerretDB, which takes a minute
/// the first time, and a PostgreSQL for it. Does nothing if a server is configured.
pub fn prepare_mongo() -> Result<()> {
    mongo::prepare()
}

/// Does the same for the tests of `PostgresStore`: installs Debian's PostgreSQL where it is missing. Does nothing if a server
/// is configured.
pub fn prepare_postgres() -> Result<()> {
    postgres::prepare()
}
