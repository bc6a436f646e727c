//! The traits of stores: pods, users, templates, price lists, past requests, and the audit log; hints of changes.

pub mod audit;
pub mod hints;
pub mod traits;

#[cfg(feature = "mock")]
#[cfg_attr(docsrs, doc(cfg(feature = "mock")))]
pub use self::traits::MockPodStore;
pub use self::{
    audit::{
        AuditAction, AuditChange, AuditCursor, AuditEntry, AuditId, AuditLog, AuditOptions, AuditOutcome,
        AuditPage, AuditPerson, AuditTarget,
    },
    hints::{PodHint, PodHints},
    traits::{
        Cursor, ListOptions, MAX_LIMIT, Outcome, Page, PastRequest, PodStore, PriceStore, RequestStore,
        Store, TemplateStore, UserStore,
    },
};
