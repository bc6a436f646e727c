//! Putting a platform together.

use std::cmp::Reverse;
use std::sync::Arc;

use jiff::SignedDuration;

use super::absent::{NoPrices, NoRequests, NoTemplates, NoUsers};
use super::assembly::{Backends, assemble};
use super::audit_trail::Recorder;
use super::handle::Platform;
use super::ledger_folding::{FOLD_AFTER, FoldingRules, LEAST_AGE};
use super::rules::Rules;
use crate::clock::{Clock, SteadyClock, SystemClock};
use crate::cluster::backend::ClusterBackend;
use crate::cluster::catalogue::Catalogue;
use crate::cluster::plan::{Layout, NamespaceScope};
use crate::cluster::replicas::Replicas;
use crate::error::kind::{Error, ErrorKind, Result};
use crate::error::validation::{Problem, ValidationErrors, Violation};
use crate::money::amount::Money;
use crate::money::billing::Billing;
use crate::money::currency::Currency;
use crate::money::folding::LedgerFolding;
use crate::money::meter::{HOLD_SECONDS, LOW_BALANCE_SECONDS};
use crate::money::pricing::{PriceList, PricePolicy};
use crate::naming::Naming;
use crate::pod::image::ImageRules;
use crate::pod::limits::Limits;
use crate::reconcile::Deadlines;
use crate::store::audit::AuditLog;
use crate::store::hints::PodHints;
use crate::store::traits::{PodStore, PriceStore, RequestStore, Store, TemplateStore, UserStore};
use crate::token::{JupyterTokens, TokenExtractor};

/// How many pods a client may have.
const MAX_PODS: u32 = 20;
/// How long entries of the audit log are kept: a year.
const AUDIT_KEPT: SignedDuration = SignedDuration::from_hours(365 * 24);

/// The parts of a platform.
#[derive(Default)]
#[must_use]
pub struct PlatformBuilder {
    cluster: Option<Arc<dyn ClusterBackend>>,
    pods: Option<Arc<dyn PodStore>>,
    users: Option<Arc<dyn UserStore>>,
    templates: Option<Arc<dyn TemplateStore>>,
    prices: Option<Arc<dyn PriceStore>>,
    requests: Option<Arc<dyn RequestStore>>,
    billing: Option<Arc<dyn Billing>>,
    tokens: Option<Arc<dyn TokenExtractor>>,
    hints: Option<Arc<dyn PodHints>>,
    replicas: Option<Arc<dyn Replicas>>,
    audit: Option<Arc<dyn AuditLog>>,
    audit_kept: Option<SignedDuration>,
    folding: Option<Arc<dyn LedgerFolding>>,
    fold_after: Option<SignedDuration>,
    clock: Option<Arc<dyn Clock>>,
    naming: Option<Naming>,
    images: ImageRules,
    limits: Limits,
    catalogue: Catalogue,
    price_list: PriceList,
    price_policy: PricePolicy,
    layout: Layout,
    currency: Currency,
    opening_credit: Money,
    daily_cap: Option<Money>,
    max_pods: Option<u32>,
    volume_grace: Option<SignedDuration>,
    start_limit: Option<SignedDuration>,
    /// In seconds.
    low_balance_thresholds: Option<Vec<i64>>,
}

impl PlatformBuilder {
    /// Where pods run. Required.
    pub fn cluster(mut self, cluster: Arc<dyn ClusterBackend>) -> Self {
        self.cluster = Some(cluster);
        self
    }

    /// Where everything is kept: pods, users, templates, price lists and the outcomes of requests. The same as giving it to
    /// each of the five methods below.
    pub fn store(self, store: Arc<dyn Store>) -> Self {
        self.pods(store.clone())
            .users(store.clone())
            .templates(store.clone())
            .prices(store.clone())
            .requests(store)
    }

    /// Where pods are kept. Required, here or as [`store`](Self::store).
    pub fn pods(mut self, store: Arc<dyn PodStore>) -> Self {
        self.pods = Some(store);
        self
    }

    /// Where users are kept. Without, the platform knows no users: the application is responsible for who they are, every
    /// owner is a client, nobody can be suspended, and deletions of users are not known.
    pub fn users(mut self, store: Arc<dyn UserStore>) -> Self {
        self.users = Some(store);
        self
    }

    /// Where templates are kept. Without, there are none.
    pub fn templates(mut self, store: Arc<dyn TemplateStore>) -> Self {
        self.templates = Some(store);
        self
    }

    /// Where price lists are kept that administrators set. Without, [`price_list`](Self::price_list) holds.
    pub fn prices(mut self, store: Arc<dyn PriceStore>) -> Self {
        self.prices = Some(store);
        self
    }

    /// Where the outcomes of requests with an idempotency key are kept for a day. Without, a key is forgotten with the
    /// record of its pod: the same request makes a new pod once the first one is deleted, or could not be paid for.
    pub fn requests(mut self, store: Arc<dyn RequestStore>) -> Self {
        self.requests = Some(store);
        self
    }

    /// The billing, which keeps the money. Required.
    pub fn billing(mut self, billing: Arc<dyn Billing>) -> Self {
        self.billing = Some(billing);
        self
    }

    /// How public names are made. Required.
    pub fn naming(mut self, naming: Naming) -> Self {
        self.naming = Some(naming);
        self
    }

    /// The extractor of access tokens from logs. Default: [`JupyterTokens`].
    pub fn tokens(mut self, tokens: Arc<dyn TokenExtractor>) -> Self {
        self.tokens = Some(tokens);
        self
    }

    /// What reports the pods that other processes change in the store. Default: nothing; other replicas' changes are found
    /// in the cluster, and every few minutes in the store.
    pub fn hints(mut self, hints: Arc<dyn PodHints>) -> Self {
        self.hints = Some(hints);
        self
    }

    /// Where the replicas of this platform show that they run: usually the cluster. With it they divide the pods among them,
    /// by their ids, and one that dies is taken over within 15 seconds. A pod for which a call is made here is driven here
    /// too, for a few minutes. Default: nothing, and each replica drives all pods.
    pub fn replicas(mut self, replicas: Arc<dyn Replicas>) -> Self {
        self.replicas = Some(replicas);
        self
    }

    /// The audit log for the operations of administrators. Default: none. With one, a change that can't be
    /// recorded is not made.
    pub fn audit(mut self, log: Arc<dyn AuditLog>) -> Self {
        self.audit = Some(log);
        self
    }

    /// The retention time of the entries of the audit log. Default: one year.
    pub fn audit_kept(mut self, time: SignedDuration) -> Self {
        self.audit_kept = Some(time);
        self
    }

    /// What folds old entries of the ledger: usually the store that is the billing. While the platform runs, it folds once
    /// a day. Several replicas may have it. Default: nothing, and the ledger keeps every entry.
    ///
    /// ```no_run
    /// use std::sync::Arc;
    ///
    /// use jiff::SignedDuration;
    /// use neuropod_core::money::LedgerFolding;
    /// use neuropod_core::{Billing, Platform};
    ///
    /// # fn example<S: Billing + LedgerFolding>(store: Arc<S>) {
    /// let builder = Platform::builder()
    ///     .billing(store.clone())
    ///     .folding(store)
    ///     .fold_after(SignedDuration::from_hours(31 * 24));
    /// # }
    /// ```
    pub fn folding(mut self, ledger: Arc<dyn LedgerFolding>) -> Self {
        self.folding = Some(ledger);
        self
    }

    /// The age at which days of the ledger are folded, if [`folding`](Self::folding) is given. Default: 2 days; at least
    /// one, because until then a charge can be repeated with its key.
    pub fn fold_after(mut self, age: SignedDuration) -> Self {
        self.fold_after = Some(age);
        self
    }

    /// The registries from which images may come. Default: all of the public internet. The rules apply to new
    /// pods, to new and changed templates, and to every start and restart; running pods continue.
    pub fn images(mut self, rules: ImageRules) -> Self {
        self.images = rules;
        self
    }

    /// The limits of a pod's resources. Default: [`Limits::default`]. They apply to new pods.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The clock. Default: the clock of the machine.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// The GPU types on offer. Default: the default catalogue.
    pub fn catalogue(mut self, catalogue: Catalogue) -> Self {
        self.catalogue = catalogue;
        self
    }

    /// The prices until the store has a price list. Default: the default list.
    pub fn price_list(mut self, prices: PriceList) -> Self {
        self.price_list = prices;
        self
    }

    /// The effect of a price change on running pods. Default: they keep the quoted price.
    pub fn price_policy(mut self, policy: PricePolicy) -> Self {
        self.price_policy = policy;
        self
    }

    /// The layout of pods in the cluster. Default: one volume per user, and one namespace for all.
    pub fn layout(mut self, layout: Layout) -> Self {
        self.layout = layout;
        self
    }

    /// The currency of all amounts as shown to people. Default: euros.
    pub fn currency(mut self, currency: Currency) -> Self {
        self.currency = currency;
        self
    }

    /// The credit of new clients at registration, until administrators set it with the prices
    /// ([`PriceList::opening_credit`]). Default: zero.
    pub fn opening_credit(mut self, credit: Money) -> Self {
        self.opening_credit = credit;
        self
    }

    /// The most that a client may spend on a day (UTC) for all of their pods, unless
    /// [`User::daily_cap`](crate::User::daily_cap) is set. Default: no limit. When it is reached, their pods
    /// stop.
    pub fn daily_cap(mut self, cap: Money) -> Self {
        self.daily_cap = Some(cap);
        self
    }

    /// The most pods of a client, including stopped ones. Default: 20. A client that already has more keeps
    /// them. Administrators have no limit.
    pub fn max_pods(mut self, limit: u32) -> Self {
        self.max_pods = Some(limit);
        self
    }

    /// The time for which the volume of a stopped pod is kept when its owner can't pay for it, from the first
    /// unpaid hour; then it is deleted. Default: no deletion.
    pub fn volume_grace(mut self, grace: SignedDuration) -> Self {
        self.volume_grace = Some(grace);
        self
    }

    /// The time that a pod may stay at one step on its node (its volume, its image, its start) before it is
    /// stopped and its GPU is released, with or without a reported cause; also the time that a start waits for
    /// the deletion of an object of the same name. Default: one hour; at least a minute. Big images on slow
    /// networks need more.
    pub fn start_limit(mut self, limit: SignedDuration) -> Self {
        self.start_limit = Some(limit);
        self
    }

    /// The remaining paid times at which owners are warned, with
    /// [`Update::LowBalance`](crate::Update::LowBalance), each from a second to an hour. Default: 60, 15 and 5
    /// minutes.
    pub fn low_balance_thresholds(mut self, thresholds: impl IntoIterator<Item = SignedDuration>) -> Self {
        let seconds = thresholds.into_iter().map(|threshold| threshold.as_secs());
        self.low_balance_thresholds = Some(seconds.collect());
        self
    }

    /// Builds the platform. Nothing runs until [`Platform::run`] is called.
    ///
    /// # Errors
    /// `NotConfigured` when a required part is missing or a quota is given for a namespace that users share;
    /// `Invalid` when a price, the daily cap or the grace time is below zero or too big, a threshold is out of
    /// range, the limit of a start is below a minute, the retention of the audit log is below an hour, or the age of folded
    /// days is below one day.
    pub fn build(self) -> Result<Platform> {
        let missing =
            |part: &str| Error::new(ErrorKind::NotConfigured, format!("the platform needs a {part}"));
        self.price_list.validate()?;
        let cap = self.daily_cap.is_some_and(Money::is_negative);
        let grace = self.volume_grace.is_some_and(|grace| grace.is_negative());
        let thresholds = self.low_balance_thresholds;
        let mut thresholds = thresholds.unwrap_or_else(|| LOW_BALANCE_SECONDS.to_vec());
        thresholds.sort_unstable_by_key(|seconds| Reverse(*seconds));
        let threshold = thresholds
            .iter()
            .any(|seconds| !(1..=HOLD_SECONDS).contains(seconds));
        let audit_kept = self.audit_kept.unwrap_or(AUDIT_KEPT);
        let fold_after = self.fold_after.unwrap_or(FOLD_AFTER);
        let mut deadlines = Deadlines::default();
        if let Some(limit) = self.start_limit {
            deadlines = deadlines.with_start(limit);
        }
        let wrong = [
            ("auditKept", audit_kept < SignedDuration::from_hours(1)),
            ("dailyCap", cap),
            ("foldAfter", fold_after < LEAST_AGE),
            ("startLimit", deadlines.start < SignedDuration::from_mins(1)),
            ("volumeGrace", grace),
            ("lowBalanceMarks", threshold),
        ];
        let wrong = wrong.into_iter().filter(|(_, wrong)| *wrong);
        ValidationErrors::check(
            wrong
                .map(|(field, _)| Problem::new(field, Violation::Amount))
                .collect(),
        )?;
        if self.layout.quota.is_some() && self.layout.namespace == NamespaceScope::Platform {
            return Err(Error::new(
                ErrorKind::NotConfigured,
                "a quota per user needs a namespace per user: set the layout's namespace to `user`",
            ));
        }
        let clock = self.clock.unwrap_or_else(|| Arc::new(SystemClock));
        let cluster = self.cluster.ok_or_else(|| missing("cluster"))?;
        let route_delay = SignedDuration::try_from(cluster.route_delay()).unwrap_or(SignedDuration::MAX);
        let backends = Backends {
            cluster,
            pods: self.pods.ok_or_else(|| missing("store of pods"))?,
            users: self.users.unwrap_or_else(|| Arc::new(NoUsers)),
            templates: self.templates.unwrap_or_else(|| Arc::new(NoTemplates)),
            prices: self.prices.unwrap_or_else(|| Arc::new(NoPrices)),
            requests: self.requests.unwrap_or_else(|| Arc::new(NoRequests)),
            billing: self.billing.ok_or_else(|| missing("billing"))?,
            tokens: self.tokens.unwrap_or_else(|| Arc::new(JupyterTokens)),
            hints: self.hints,
            replicas: self.replicas,
            audit: self.audit.map(|log| Recorder::new(log, audit_kept)),
            folding: self.folding.map(|ledger| FoldingRules {
                ledger,
                after: fold_after,
            }),
        };
        let rules = Rules {
            naming: self.naming.ok_or_else(|| missing("naming"))?,
            images: self.images,
            limits: self.limits,
            catalogue: self.catalogue,
            layout: self.layout,
            deadlines: deadlines.with_routes(route_delay),
            prices: self.price_list,
            price_policy: self.price_policy,
            currency: self.currency,
            opening_credit: self.opening_credit,
            daily_cap: self.daily_cap,
            max_pods: self.max_pods.unwrap_or(MAX_PODS),
            volume_grace: self.volume_grace,
            low_balance_thresholds: thresholds,
        };
        Ok(Platform(Arc::new(assemble(
            backends,
            rules,
            SteadyClock::over(clock),
        ))))
    }
}

impl Platform {
    /// Begins a platform: cluster, store (at least of pods), billing and naming are required.
    pub fn builder() -> PlatformBuilder {
        PlatformBuilder::default()
    }
}
