//! What containers may do, and when their images are pulled.

/// What containers may do on their node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Security {
    /// The rights that ordinary images need which start as root: the Pod Security level `baseline`.
    #[default]
    Baseline,
    /// No root and no capabilities: the Pod Security level `restricted`. Images that start as root fail.
    Restricted,
}

/// When the kubelet asks the registry for an image (`imagePullPolicy`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum ImagePullPolicy {
    /// At every start of a container, as Kubernetes' admission plug-in `AlwaysPullImages` demands. Layers that are on the
    /// node are not downloaded again. A user who may not pull the image, or whose credentials have ended, does not get it
    /// from the node either, and a tag is always the newest. While the registry does not respond, nothing starts.
    #[default]
    Always,
    /// Only when no image of the name is on the node. Everybody can use every image that anybody has pulled there,
    /// including private ones. For images that were loaded onto the nodes, and for clusters that lose their registries.
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
