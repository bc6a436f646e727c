//! The domains at which browsers find pods and the control plane.

/// The domains at which browsers find pods and the control plane. The two have to be different sites, that is,
/// different registrable domains (one label below a public suffix). On the same site a page of a pod could set
/// cookies for the control plane, and its requests would count as the control plane's own.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Domains {
    /// The domain below which pods get their host names, as in [`Naming`](neuropod_core::Naming); empty: it is
    /// not checked.
    pub pods: String,
    /// The hosts where people sign in: dashboards, the API.
    pub control_plane: Vec<String>,
    /// Whether sharing one site is intended.
    pub allow_same_site: bool,
}

impl Domains {
    /// The domain of the pods, and the hosts of the control plane.
    pub fn new(pods: impl Into<String>, control_plane: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            pods: pods.into(),
            control_plane: control_plane.into_iter().map(Into::into).collect(),
            allow_same_site: false,
        }
    }

    /// Sets [`allow_same_site`](Self::allow_same_site).
    pub fn with_allow_same_site(mut self, allowed: bool) -> Self {
        self.allow_same_site = allowed;
        self
    }
}
