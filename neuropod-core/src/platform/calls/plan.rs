//! What a request would become, without storing or holding anything.

use crate::cluster::plan;
use crate::cluster::workload::Workload;
use crate::error::kind::Result;
use crate::id::Actor;
use crate::money::pricing::Quote;
use crate::platform::handle::Platform;
use crate::pod::request::CreatePod;

/// What a request would become.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Plan {
    /// What would be created in the cluster. A generated token in it is another one when the pod is created.
    pub workload: Workload,
    /// The public hosts of its ports, in the order of the ports.
    pub hosts: Vec<String>,
    /// What it would cost.
    pub quote: Quote,
}

impl Platform {
    /// What [`create`](Self::create) would make of a request, with all of its checks. Nothing is stored or held, so that it
    /// does not reserve the name, and money is not asked for but for daily caps.
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
