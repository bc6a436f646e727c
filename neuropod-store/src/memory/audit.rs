use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;

use jiff::Timestamp;
use neuropod_core::Result;
use neuropod_core::store::audit::{AuditCursor, AuditEntry, AuditId, AuditOptions, AuditOutcome, AuditPage};

use crate::input::{self, folded};

/// All entries, by time and id.
#[derive(Default)]
pub(super) struct Audit {
    entries: BTreeMap<AuditCursor, AuditEntry>,
    places: HashMap<AuditId, AuditCursor>,
}

impl Audit {
    pub(super) fn record(&mut self, entry: &AuditEntry) {
        if let Some(place) = self.places.get(&entry.id) {
            let stored = self.entries.get(place);
            if stored.is_some_and(|stored| stored.outcome == AuditOutcome::Done) {
                return;
            }
            self.entries.remove(place);
        }
        let place = AuditCursor {
            at: entry.at,
            id: entry.id.clone(),
        };
        self.places.insert(entry.id.clone(), place.clone());
        self.entries.insert(place, entry.clone());
    }

    pub(super) fn page(&self, options: &AuditOptions) -> Result<AuditPage> {
        input::audit_limit(options.limit)?;
        let (who, whom) = (
            options.who.as_deref().map(folded),
            options.whom.as_deref().map(folded),
        );
        let wanted = |entry: &&AuditEntry| {
            options.action.is_none_or(|action| entry.action == action)
                && options.from.is_none_or(|from| entry.at >= from)
                && options.until.is_none_or(|until| entry.at < until)
                && who.as_ref().is_none_or(|who| entry.who_keys().contains(who))
                && whom.as_ref().is_none_or(|whom| entry.whom_keys().contains(whom))
        };
        let end = options.after.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
        let older = self.entries.range((Bound::Unbounded, end)).rev();
        let mut found = older.map(|(_, entry)| entry).filter(wanted);
        let entries: Vec<_> = found.by_ref().take(options.limit as usize).cloned().collect();
        let last = entries.last().filter(|_| found.next().is_some());
        let next = last.map(|entry| AuditCursor {
            at: entry.at,
            id: entry.id.clone(),
        });
        Ok(AuditPage::new(entries, next))
    }

    pub(super) fn forget(&mut self, time: Timestamp) {
        let (entries, places) = (&mut self.entries, &mut self.places);
        entries.retain(|place, _| {
            let stays = place.at >= time;
            if !stays {
                places.remove(&place.id);
            }
            stays
        });
    }
}
