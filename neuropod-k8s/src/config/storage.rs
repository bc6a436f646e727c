//! Workspace volumes.

/// How workspace volumes are provided.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Storage {
    /// The storage class; `None`: the default class of the cluster.
    pub class: Option<String>,
    /// `ReadWriteOnce` (the platform puts all pods of a volume on one node) or `ReadWriteMany`.
    pub access_mode: String,
    /// Whether a volume grows when a pod asks for a larger one. The class has to allow it
    /// (`allowVolumeExpansion`); otherwise the volume keeps its size.
    pub grow: bool,
}

impl Storage {
    /// Sets [`class`](Self::class).
    pub fn with_class(mut self, class: impl Into<String>) -> Self {
        self.class = Some(class.into());
        self
    }

    /// Sets [`access_mode`](Self::access_mode).
    pub fn with_access_mode(mut self, mode: impl Into<String>) -> Self {
        self.access_mode = mode.into();
        self
    }

    /// Sets [`grow`](Self::grow).
    pub fn with_grow(mut self, grow: bool) -> Self {
        self.grow = grow;
        self
    }

    /// Whether all pods of a volume have to be on one node.
    pub(crate) fn is_of_one_node(&self) -> bool {
        self.access_mode == "ReadWriteOnce"
    }
}

impl Default for Storage {
    /// Single-node volumes of the default class that can't grow.
    fn default() -> Self {
        Self {
            class: None,
            access_mode: "ReadWriteOnce".into(),
            grow: false,
        }
    }
}
