//! The platform as applications hold it.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

use super::admission::Admission;
use super::audit_trail::AuditTrail;
use super::departures::Departures;
use super::feed::Feed;
use super::funds::Funds;
use super::ledger_folding::FoldingRules;
use super::price_book::PriceBook;
use super::records::Records;
use super::requests::Requests;
use super::rules::Rules;
use super::wakeups::Wakeups;
use crate::clock::SteadyClock;
use crate::cluster::backend::ClusterBackend;
use crate::cluster::catalogue::Catalogue;
use crate::cluster::replicas::Replicas;
use crate::money::billing::Billing;
use crate::money::currency::Currency;
use crate::naming::Naming;
use crate::pod::image::ImageRules;
use crate::pod::limits::Limits;
use crate::store::hints::PodHints;
use crate::store::traits::{TemplateStore, UserStore};
use crate::token::TokenExtractor;

/// A platform of personal pods on one cluster, one store and one billing. Clones are the same platform.
///
/// The crate's facade, `neuropod`, has a whole example.
#[derive(Clone)]
pub struct Platform(pub(super) Arc<Parts>);

/// The parts of a platform: the backends, and what stands on them.
pub(super) struct Parts {
    pub(super) cluster: Arc<dyn ClusterBackend>,
    pub(super) users: Arc<dyn UserStore>,
    pub(super) templates: Arc<dyn TemplateStore>,
    pub(super) billing: Arc<dyn Billing>,
    pub(super) tokens: Arc<dyn TokenExtractor>,
    pub(super) hints: Option<Arc<dyn PodHints>>,
    pub(super) replicas: Option<Arc<dyn Replicas>>,
    pub(super) clock: Arc<SteadyClock>,
    pub(super) rules: Arc<Rules>,
    pub(super) records: Arc<Records>,
    pub(super) funds: Arc<Funds>,
    pub(super) admission: Arc<Admission>,
    pub(super) requests: Arc<Requests>,
    pub(super) price_book: Arc<PriceBook>,
    pub(super) departures: Arc<Departures>,
    pub(super) audit: AuditTrail,
    pub(super) folding: Option<FoldingRules>,
    pub(super) feed: Arc<Feed>,
    pub(super) wakeups: Arc<Wakeups>,
}

impl Platform {
    /// The time by which the platform charges: that of its clock, without jumps.
    pub fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// How this platform makes names.
    pub fn naming(&self) -> &Naming {
        &self.0.rules.naming
    }

    /// How much a pod may ask for.
    pub fn limits(&self) -> &Limits {
        &self.0.rules.limits
    }

    /// The registries from which images may come.
    pub fn image_rules(&self) -> &ImageRules {
        &self.0.rules.images
    }

    /// The currency of all amounts.
    pub fn currency(&self) -> &Currency {
        &self.0.rules.currency
    }

    /// The GPU types on offer.
    pub fn catalogue(&self) -> &Catalogue {
        &self.0.rules.catalogue
    }
}

impl fmt::Debug for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Platform")
            .field("naming", &self.0.rules.naming)
            .finish_non_exhaustive()
    }
}
