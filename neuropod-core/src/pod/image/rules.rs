//! The registries from which images may come.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::{ImageReference, host};
use crate::error::validation::Violation;

/// The port of a registry that names none.
const HTTPS: &str = "443";
/// The registry of images that name none.
const DOCKER_HUB: &str = "docker.io";
/// Names under which Docker Hub is known too.
const DOCKER_HUB_NAMES: [&str; 3] = [DOCKER_HUB, "index.docker.io", "registry-1.docker.io"];
/// Characters of a refused registry that are repeated.
const SHOWN_LEN: usize = 100;
/// Most registries that are named to somebody whose image is from another one.
const MAX_NAMED: usize = 8;

/// The registries from which images may come: all of the public internet, or only some; and those of the
/// platform's own network that are open to its users.
///
/// The node that runs a pod downloads its image, from wherever the image's name says, and what it gets back instead of
/// an image is shown as the pod's reason. So without rules everybody who may create a pod could make the nodes ask
/// `169.254.169.254` or `127.0.0.1:10250`, and read part of the answer. By default a host that is not of the public
/// internet is refused, in every spelling: loopback, link-local, private, shared and reserved addresses, `localhost`, names
/// without a dot, and names such as `*.local`, `*.internal` and `*.svc`.
///
/// That is decided from the text alone. Somebody's own domain may resolve to a private address, and a registry may
/// redirect to one; only a list of registries ([`only`](Self::only)), or a firewall on the nodes, keeps that out.
///
/// ```
/// use neuropod_core::pod::image::ImageRules;
///
/// let rules = ImageRules::default();
/// assert!(rules.check(&"pytorch/pytorch:latest".parse()?).is_ok());
/// assert!(rules.check(&"169.254.169.254/latest".parse()?).is_err());
///
/// let rules = rules.only(["ghcr.io/my-team", "docker.io/library"])?.internal(["registry.lan:5000"])?;
/// assert!(rules.check(&"ubuntu:24.04".parse()?).is_ok());
/// assert!(rules.check(&"registry.lan:5000/lab".parse()?).is_ok());
/// assert!(rules.check(&"ghcr.io/others/lab".parse()?).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ImageRules {
    only: Vec<Registry>,
    internal: Vec<Registry>,
}

impl ImageRules {
    /// Only images from these registries are allowed, and from those of [`internal`](Self::internal); from all public ones
    /// where the list is empty.
    ///
    /// # Errors
    /// The first text that names no registry.
    pub fn only<'a>(mut self, registries: impl IntoIterator<Item = &'a str>) -> Result<Self, NoRegistry> {
        self.only = read(registries)?;
        Ok(self)
    }

    /// Images from these registries are allowed although their hosts are not of the public internet.
    ///
    /// # Errors
    /// The first text that names no registry.
    pub fn internal<'a>(mut self, registries: impl IntoIterator<Item = &'a str>) -> Result<Self, NoRegistry> {
        self.internal = read(registries)?;
        Ok(self)
    }

    /// The registries that images may come from, as they were given; empty: all public ones.
    pub fn allowed(&self) -> impl Iterator<Item = &str> {
        let internal = self.internal.iter().filter(|_| !self.only.is_empty());
        self.only
            .iter()
            .chain(internal)
            .map(|registry| registry.text.as_str())
    }

    /// Whether an image may be used.
    ///
    /// # Errors
    /// [`Violation::RegistryInternal`], [`Violation::RegistryNotAllowed`].
    pub fn check(&self, image: &ImageReference) -> Result<(), Violation> {
        let (registry, repository) = image.place();
        let (host, port) = split(&registry);
        let from = |allowed: &Registry| allowed.has(host, port, &repository);
        if self.internal.iter().any(from) || self.only.iter().any(from) {
            return Ok(());
        }
        let shown = || registry.chars().take(SHOWN_LEN).collect();
        if !self.only.is_empty() {
            return Err(Violation::RegistryNotAllowed {
                registry: shown(),
                allowed: self.allowed().take(MAX_NAMED).map(str::to_owned).collect(),
            });
        }
        if host::is_public(host) {
            Ok(())
        } else {
            Err(Violation::RegistryInternal(shown()))
        }
    }
}

fn read<'a>(registries: impl IntoIterator<Item = &'a str>) -> Result<Vec<Registry>, NoRegistry> {
    registries.into_iter().map(str::parse).collect()
}

/// A text that names no registry: it has to be a host such as `ghcr.io`, with a port, the beginning of a path, or `*.`
/// in front where that is meant.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "`{0}` is no registry: write a host, as in `ghcr.io`, `ghcr.io/owner`, `*.example.com` or `registry.lan:5000`"
)]
pub struct NoRegistry(String);

/// A registry or a part of one: `[*.]host[:port][/path]`.
#[derive(Clone, PartialEq, Eq)]
struct Registry {
    text: String,
    /// In lower case.
    host: String,
    /// Whether hosts below `host` are meant, and not `host` itself.
    below: bool,
    port: String,
    /// Without slashes at its ends; empty: all of it.
    path: String,
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Registry {
    type Err = NoRegistry;

    fn from_str(text: &str) -> Result<Self, NoRegistry> {
        let text = text.trim();
        let wrong = || NoRegistry(text.chars().take(SHOWN_LEN).collect());
        let (whole, path) = text.split_once('/').unwrap_or((text, ""));
        let path = path.trim_end_matches('/');
        let (below, place) = match whole.strip_prefix("*.") {
            Some(rest) => (true, rest),
            None => (false, whole),
        };
        let (host, port) = split(place);
        // A place that no image can have is a mistake. The port keeps a host from being read as an owner at
        // Docker Hub.
        let image = format!("{host}:{port}/{}", if path.is_empty() { "x" } else { path });
        if path.contains([':', '@']) || image.parse::<ImageReference>().is_err() {
            return Err(wrong());
        }
        let host = host.to_ascii_lowercase();
        let host = if DOCKER_HUB_NAMES.contains(&host.as_str()) {
            DOCKER_HUB.to_owned()
        } else {
            host
        };
        Ok(Self {
            text: text.to_owned(),
            host,
            below,
            port: port.to_owned(),
            path: path.to_owned(),
        })
    }
}

impl Registry {
    fn has(&self, host: &str, port: &str, repository: &str) -> bool {
        let host = host.to_ascii_lowercase();
        let is_host = if self.below {
            host.strip_suffix(&self.host)
                .is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
        } else {
            host == self.host
        };
        let is_below = repository
            .strip_prefix(&self.path)
            .is_some_and(|rest| self.path.is_empty() || rest.is_empty() || rest.starts_with('/'));
        is_host && port == self.port && is_below
    }
}

/// Host and port of a registry.
fn split(registry: &str) -> (&str, &str) {
    registry.split_once(':').unwrap_or((registry, HTTPS))
}

impl ImageReference {
    /// The registry of the image, `host[:port]`, and the repository in it, where runtimes look: `ubuntu` is
    /// `docker.io` and `library/ubuntu`.
    pub(crate) fn place(&self) -> (String, String) {
        let Ok(parts) = self.as_str().parse::<oci_spec::distribution::Reference>() else {
            // It was parsed when it was made.
            return Default::default();
        };
        let registry = parts.registry();
        let (host, port) = split(registry);
        let is_hub = port == HTTPS && DOCKER_HUB_NAMES.contains(&host.to_ascii_lowercase().as_str());
        let registry = if is_hub { DOCKER_HUB } else { registry };
        (registry.to_owned(), parts.repository().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(rules: &ImageRules, image: &str) -> Option<&'static str> {
        let image: ImageReference = image.parse().unwrap();
        rules.check(&image).err().map(|violation| violation.code())
    }

    const INTERNAL: Option<&str> = Some("registry_internal");
    const NOT_ALLOWED: Option<&str> = Some("registry_not_allowed");

    #[test]
    fn without_rules_images_come_from_the_public_internet() {
        let rules = ImageRules::default();
        for image in [
            "ubuntu",
            "pytorch/pytorch:latest",
            "docker.io/jupyter/scipy-notebook",
            "index.docker.io/library/python:3.12",
            "quay.io/jupyter/pytorch-notebook:cuda12-python-3.11",
            "registry.example.com:5000/team/lab:1",
            "nvcr.io/nvidia/pytorch:25.10-py3",
            // Without a dot or a port the first part is an owner at Docker Hub.
            "2130706433/lab",
            "metadata/lab",
            "0x7f000001/lab",
            "_json_key/img:1",
        ] {
            if let Ok(image) = image.parse::<ImageReference>() {
                assert_eq!(rules.check(&image), Ok(()), "{image}");
            }
        }
        for image in [
            "localhost/lab",
            "localhost:5000/lab",
            "LocalHost:5000/lab",
            "127.0.0.1:10250/pods",
            "169.254.169.254/latest/meta-data",
            "169.254.169.254:80/latest/meta-data:1",
            "0xa9.0xfe.0xa9.0xfe/latest",
            "0xa9fea9fe:80/latest",
            "2852039166:80/latest",
            "10.0.0.7:65535/a/b",
            "192.168.1.10/lab",
            "100.100.100.200/latest",
            "kubernetes.default.svc/api",
            "kubernetes:443/api",
            "registry.kube-system:5000/lab",
            "metadata.google.internal/computemetadata/v1",
        ] {
            assert_eq!(code(&rules, image), INTERNAL, "{image}");
        }
    }

    #[test]
    fn only_listed_registries_are_allowed() {
        let rules = ImageRules::default()
            .only([
                "GHCR.io/my-team",
                "docker.io/library",
                "*.gcr.io",
                "registry.example.com:5000",
            ])
            .unwrap();
        for image in [
            "ubuntu:24.04",
            "library/ubuntu",
            "docker.io/ubuntu",
            "docker.io/library/ubuntu",
            "index.docker.io/library/ubuntu",
            "registry-1.docker.io/library/ubuntu",
            "registry-1.docker.io:443/library/ubuntu",
            "ghcr.io/my-team/lab:1",
            "ghcr.io:443/my-team/lab:1",
            "ghcr.io/my-team/group/lab",
            "eu.gcr.io/any/lab",
            "registry.example.com:5000/lab",
        ] {
            assert_eq!(code(&rules, image), None, "{image}");
        }
        for image in [
            "pytorch/pytorch",
            "librarybooks/ubuntu",
            "ghcr.io/my-team-b/lab",
            "ghcr.io/others/lab",
            "ghcr.io:8443/my-team/lab",
            "gcr.io/any/lab",
            "evilgcr.io/any/lab",
            "registry.example.com/lab",
            "registry.example.com:50/lab",
            "localhost:5000/lab",
            "169.254.169.254/latest",
        ] {
            assert_eq!(code(&rules, image), NOT_ALLOWED, "{image}");
        }
        let refused = rules.check(&"quay.io/a/b".parse().unwrap());
        let Err(Violation::RegistryNotAllowed { registry, allowed }) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!((registry.as_str(), allowed.len()), ("quay.io", 4));
    }

    #[test]
    fn an_internal_registry_is_allowed_at_its_port_alone() {
        let rules = ImageRules::default()
            .internal([
                "localhost",
                "10.0.0.7:5000",
                "registry.kube-system.svc:5000/shared",
            ])
            .unwrap();
        for image in [
            "ubuntu",
            "ghcr.io/a/b",
            "localhost/lab",
            "10.0.0.7:5000/lab",
            "registry.kube-system.svc:5000/shared/lab",
        ] {
            assert_eq!(code(&rules, image), None, "{image}");
        }
        for image in [
            "localhost:10250/pods",
            "10.0.0.7:5001/lab",
            "10.0.0.8:5000/lab",
            "registry.kube-system.svc:5000/own/lab",
        ] {
            assert_eq!(code(&rules, image), INTERNAL, "{image}");
        }
        // Beside a list it stays open, and is named with it.
        let rules = rules.only(["ghcr.io"]).unwrap();
        assert_eq!(code(&rules, "localhost/lab"), None);
        assert_eq!(code(&rules, "ubuntu"), NOT_ALLOWED);
        assert_eq!(rules.allowed().count(), 4);
    }

    #[test]
    fn an_entry_without_a_registry_is_refused() {
        for text in [
            "",
            " ",
            "*",
            "*.",
            "https://ghcr.io",
            "ghcr.io:",
            "ghcr.io:0",
            "ghcr.io:port",
            "ghcr.io/Team",
            "ghcr.io/team:1",
            "ghcr.io//team",
            "ghcr.*",
            "a b",
            "[::1]:5000",
            "-a.io",
        ] {
            assert!(ImageRules::default().only([text]).is_err(), "{text:?}");
        }
        let wrong = ImageRules::default()
            .only(["ghcr.io", "no registry"])
            .unwrap_err();
        assert!(wrong.to_string().contains("`no registry`"), "{wrong}");
    }
}
