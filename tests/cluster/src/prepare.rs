//! Makes ready, once, what starting a server needs.

use crate::{
    assets::{Assets, Program},
    data_dir::require_linux,
    error::Result,
    images::Image,
    mongo, node,
};

/// Finds or builds the servers of a control plane: some minutes the first time.
pub fn prepare_control_plane() -> Result<()> {
    require_linux()?;
    Assets::from_env().prepare(&Program::CONTROL_PLANE)
}

/// Does the same for a node: installs Debian packages where they are missing, builds servers and all images.
pub fn prepare_node() -> Result<()> {
    node::install()?;
    let assets = Assets::from_env();
    assets.prepare(&Program::CONTROL_PLANE)?;
    assets.prepare(&Program::NODE)?;
    Image::ALL
        .into_iter()
        .try_for_each(|image| image.archive().map(drop))
}

/// Finds or builds the server for the tests of `MongoStore`: a minute the first time. Nothing where one is given.
pub fn prepare_mongo() -> Result<()> {
    if mongo::given().is_some() {
        return Ok(());
    }
    require_linux()?;
    Assets::from_env().prepare(&[Program::FerretDb])
}
