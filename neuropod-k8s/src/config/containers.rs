//! The rights of containers, and when their images are pulled.

/// The rights of containers on their node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Security {
    /// The rights of ordinary images that start as root: the Pod Security level `baseline`.
    #[default]
    Baseline,
    /// No root and no capabilities: the Pod Security level `restricted`. Images that start as root fail.
    Restricted,
}

/// When the kubelet asks the registry for an image (`imagePullPolicy`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum ImagePullPolicy {
    /// At every start of a container, as with Kubernetes' admission plug-in `AlwaysPullImages`. Layers that are
    /// on the node are not downloaded again. A user who may not pull the image, or whose credentials have
    /// expired, can't use the node's copy either, and a tag is always the newest. While the registry does not
    /// respond, nothing starts.
    #[default]
    Always,
    /// Only if the node has no image of that name. Everybody can use every image that anybody has pulled there,
    /// including private ones. For images that were loaded onto the nodes, and for clusters that may lose their
    /// registries.
    IfNotPresent,
    /// Never: an image that is not on the node does not start.
    Never,
}

impl ImagePullPolicy {
    /// The name that Kubernetes uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Always => "Always",
            Self::IfNotPresent => "IfNotPresent",
            Self::Never => "Never",
        }
    }
}
