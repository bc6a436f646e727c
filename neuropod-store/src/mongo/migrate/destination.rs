//! The destination of a migration.

use std::fmt;
use std::sync::Arc;

use neuropod_core::cluster::Catalogue;
use neuropod_core::store::Store;
use neuropod_core::{Billing, Naming, PriceList};

/// The destination of a migration, and the settings of the platform there.
#[derive(Clone)]
pub struct Destination {
    pub(super) naming: Naming,
    pub(super) catalogue: Catalogue,
    pub(super) prices: PriceList,
    pub(super) stores: Option<(Arc<dyn Store>, Arc<dyn Billing>)>,
}

impl Destination {
    /// The same database. `naming` is that of the new platform: with [`Naming::legacy_md5`] pods keep their names.
    pub fn in_place(naming: Naming) -> Self {
        Self {
            naming,
            catalogue: Catalogue::default(),
            prices: PriceList::default(),
            stores: None,
        }
    }

    /// Another store, such as a SQLite file or another database. The old database is not changed.
    #[must_use]
    pub fn into_store(mut self, pods: Arc<dyn Store>, billing: Arc<dyn Billing>) -> Self {
        self.stores = Some((pods, billing));
        self
    }

    /// The GPU types of the platform; by default those of the library. Pods with other types are reported.
    #[must_use]
    pub fn with_catalogue(mut self, catalogue: Catalogue) -> Self {
        self.catalogue = catalogue;
        self
    }

    /// The configured prices, for everything that the old price list lacks; by default those of the library.
    #[must_use]
    pub fn with_prices(mut self, prices: PriceList) -> Self {
        self.prices = prices;
        self
    }
}

/// Does not show the stores.
impl fmt::Debug for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Destination")
            .field("naming", &self.naming)
            .field("in_place", &self.stores.is_none())
            .finish_non_exhaustive()
    }
}
