//! Putting the parts of a platform together.

use std::sync::Arc;

use super::admission::Admission;
use super::audit_trail::{AuditTrail, Recorder};
use super::departures::Departures;
use super::feed::Feed;
use super::funds::Funds;
use super::handle::Parts;
use super::ledger_folding::FoldingRules;
use super::price_book::PriceBook;
use super::records::Records;
use super::requests::Requests;
use super::rules::Rules;
use super::wakeups::Wakeups;
use crate::clock::SteadyClock;
use crate::cluster::backend::ClusterBackend;
use crate::cluster::replicas::Replicas;
use crate::money::billing::Billing;
use crate::store::hints::PodHints;
use crate::store::traits::{PodStore, PriceStore, RequestStore, TemplateStore, UserStore};
use crate::token::TokenExtractor;

/// The parts of a platform, with a stand-in for each store that was not set.
pub(crate) struct Backends {
    pub(crate) cluster: Arc<dyn ClusterBackend>,
    pub(crate) pods: Arc<dyn PodStore>,
    pub(crate) users: Arc<dyn UserStore>,
    pub(crate) templates: Arc<dyn TemplateStore>,
    pub(crate) prices: Arc<dyn PriceStore>,
    pub(crate) requests: Arc<dyn RequestStore>,
    pub(crate) billing: Arc<dyn Billing>,
    pub(crate) tokens: Arc<dyn TokenExtractor>,
    pub(crate) hints: Option<Arc<dyn PodHints>>,
    pub(crate) replicas: Option<Arc<dyn Replicas>>,
    pub(crate) audit: Option<Recorder>,
    pub(crate) folding: Option<FoldingRules>,
}

/// The parts of a platform on these backends.
pub(super) fn assemble(backends: Backends, rules: Rules, clock: SteadyClock) -> Parts {
    let (rules, clock) = (Arc::new(rules), Arc::new(clock));
    let feed = Arc::new(Feed::default());
    let wakeups = Arc::new(Wakeups::default());
    let records = Arc::new(Records {
        store: backends.pods,
        clock: clock.clone(),
        feed: feed.clone(),
        wakeups: wakeups.clone(),
    });
    let admission = Arc::new(Admission {
        users: backends.users.clone(),
        billing: backends.billing.clone(),
        records: records.clone(),
        rules: rules.clone(),
        clock: clock.clone(),
    });
    let funds = Arc::new(Funds {
        billing: backends.billing.clone(),
        admission: admission.clone(),
        records: records.clone(),
        feed: feed.clone(),
        rules: rules.clone(),
        clock: clock.clone(),
    });
    let requests = Arc::new(Requests {
        store: backends.requests,
        records: records.clone(),
        clock: clock.clone(),
    });
    let price_book = Arc::new(PriceBook {
        store: backends.prices,
        records: records.clone(),
        rules: rules.clone(),
    });
    let departures = Arc::new(Departures {
        users: backends.users.clone(),
        records: records.clone(),
        clock: clock.clone(),
    });
    let audit = AuditTrail {
        recorder: backends.audit,
        users: backends.users.clone(),
        records: records.clone(),
        clock: clock.clone(),
    };
    Parts {
        cluster: backends.cluster,
        users: backends.users,
        templates: backends.templates,
        billing: backends.billing,
        tokens: backends.tokens,
        hints: backends.hints,
        replicas: backends.replicas,
        clock,
        rules,
        records,
        funds,
        admission,
        requests,
        price_book,
        departures,
        audit,
        folding: backends.folding,
        feed,
        wakeups,
    }
}
