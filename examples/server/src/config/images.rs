//! The configuration of images.

use anyhow::{Context, Result};
use neuropod::pod::image::ImageRules;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The allowed sources of images. The nodes download them from the host in the image's name: hosts that are not
/// on the public internet are refused unless they are listed here. The rules apply to new pods, to templates
/// that are created or changed, and to every start and restart; running pods continue.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Images {
    /// The only registries, or parts of registries, that images may come from; all public ones unless given.
    /// Images without a registry come from `docker.io`, and those without an owner from `docker.io/library`.
    #[schemars(extend("allowed" = REGISTRIES))]
    pub registries: Vec<String>,
    /// Registries that are allowed although their hosts are not on the public internet: everybody who may
    /// create a pod can use their images.
    #[schemars(extend("allowed" = REGISTRIES))]
    pub internal_registries: Vec<String>,
}

/// The notation of registries.
const REGISTRIES: &str = "hosts, with a port, the beginning of a path or `*.` in front: `ghcr.io`, `ghcr.io/owner`, `*.example.com`, `registry.lan:5000`";

impl Images {
    /// The rules of the library.
    ///
    /// # Errors
    /// A text that is not a registry, with its key.
    pub fn rules(&self) -> Result<ImageRules> {
        let only = self.registries.iter().map(String::as_str);
        let internal = self.internal_registries.iter().map(String::as_str);
        let rules = ImageRules::default().only(only).context("images.registries")?;
        rules.internal(internal).context("images.internal_registries")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(configured: &str, image: &str) -> bool {
        let images: Images = toml::from_str(configured).unwrap();
        images.rules().unwrap().check(&image.parse().unwrap()).is_ok()
    }

    #[test]
    fn the_lists_reach_the_library() {
        assert!(allows("", "quay.io/a/b") && !allows("", "registry.lan:5000/lab"));
        let list = "registries = [\"docker.io\"]";
        assert!(allows(list, "ubuntu") && !allows(list, "quay.io/a/b"));
        let internal = "internal_registries = [\"registry.lan:5000\"]";
        assert!(allows(internal, "registry.lan:5000/lab") && allows(internal, "quay.io/a/b"));
        assert!(!allows(internal, "registry.lan/lab"));
    }

    #[test]
    fn an_invalid_registry_is_reported_with_its_key() {
        let images: Images = toml::from_str("internal_registries = [\"https://ghcr.io\"]").unwrap();
        let said = format!("{:#}", images.rules().unwrap_err());
        assert!(
            said.starts_with("images.internal_registries: `https://ghcr.io` is no registry: "),
            "{said}"
        );
    }
}
