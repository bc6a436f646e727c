//! The plan of a request, without storing or holding anything.

use crate::cluster::plan;
use crate::cluster::workload::Workload;
use crate::error::kind::Result;
use crate::id::Actor;
use crate::money::pricing::Quote;
use crate::platform::handle::Platform;
use crate::pod::request::CreatePod;

/// The plan of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Plan {
    /// The objects that would be created in the cluster. A generated token in it differs from that of the
    /// created pod.
    pub workload: Workload,
    /// The public hosts of its ports, in the order of the ports.
    pub hosts: Vec<String>,
    /// The cost.
    pub quote: Quote,
}

impl Platform {
    /// The result that [`create`](Self::create) would have, with all of its checks. Nothing is stored or held,
    /// so the name stays free, and the account is read only for daily caps.
    ///
    /// # Errors
    /// `Invalid` lists everything that is wrong; `TooManyPods`; `SpendCapReached`; `Forbidden` when the owner is suspended or
    /// was deleted.
    pub async fn plan(&self, actor: &Actor, request: &CreatePod) -> Result<Plan> {
        let pod = self.accept(actor, request, None).await?;
        let rules = &*self.0.rules;
        let prices = self.0.price_book.current().await?;
        let options = &pod.options;
        let workload = plan::plan(&pod, &rules.catalogue, &rules.naming, &rules.layout)?;
        Ok(Plan {
            hosts: workload
                .endpoints
                .iter()
                .map(|endpoint| endpoint.host.clone())
                .collect(),
            workload,
            quote: prices.quote(options.gpu(), options.disk_gb(), options.volume_gb()),
        })
    }
}
