//! The decisions of the operator of a platform: plain data, read by all parts.

use jiff::SignedDuration;

use crate::cluster::catalogue::Catalogue;
use crate::cluster::plan::Layout;
use crate::money::amount::Money;
use crate::money::currency::Currency;
use crate::money::pricing::{PriceList, PricePolicy};
use crate::naming::Naming;
use crate::pod::check::RequestRules;
use crate::pod::image::ImageRules;
use crate::pod::limits::Limits;
use crate::reconcile::Deadlines;

/// The settings of a platform, as [`PlatformBuilder`](super::PlatformBuilder) has checked them.
pub(crate) struct Rules {
    pub(crate) naming: Naming,
    pub(crate) images: ImageRules,
    pub(crate) limits: Limits,
    pub(crate) catalogue: Catalogue,
    pub(crate) layout: Layout,
    pub(crate) deadlines: Deadlines,
    /// The prices until the store has a price list.
    pub(crate) prices: PriceList,
    pub(crate) price_policy: PricePolicy,
    pub(crate) currency: Currency,
    pub(crate) opening_credit: Money,
    /// The daily cap of a client whose record has none.
    pub(crate) daily_cap: Option<Money>,
    /// How many pods a client may have.
    pub(crate) max_pods: u32,
    /// How long the volume of a stopped pod is kept while it is not paid for.
    pub(crate) volume_grace: Option<SignedDuration>,
    /// The remaining paid seconds at which owners are warned, most first.
    pub(crate) low_balance_thresholds: Vec<i64>,
}

impl Rules {
    /// The rules for checking requests.
    pub(crate) fn of_requests(&self) -> RequestRules<'_> {
        RequestRules {
            catalogue: &self.catalogue,
            naming: &self.naming,
            images: &self.images,
            limits: &self.limits,
        }
    }
}
