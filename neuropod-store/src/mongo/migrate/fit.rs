//! Resolves conflicts between documents: duplicates of unique values are replaced and reported.

use std::collections::{BTreeMap, BTreeSet};

use neuropod_core::naming::{Slug, existing_label};
use neuropod_core::{Naming, Pod, PodId, Template, User, UserId};

use super::finding::Oddity;
use super::item::Item;
use super::pod::id_from;
use super::user::{Account, placeholder};
use crate::input::folded;

/// Makes email addresses unique, whatever their case. The user whose address is in lower case keeps it, because
/// that is the one people sign in with; otherwise the oldest user does.
pub(super) fn users(items: &mut [Item<(User, Account)>], others: &[User]) {
    let mut taken: BTreeMap<String, String> = BTreeMap::new();
    for user in others
        .iter()
        .chain(items.iter().filter_map(Item::done).map(|(user, _)| user))
    {
        taken.insert(folded(&user.email), user.id.to_string());
    }
    for lower_case in [true, false] {
        for item in items.iter_mut() {
            let Some((user, _)) = item.to_migrate_mut() else {
                continue;
            };
            let key = folded(&user.email);
            if (key == user.email) != lower_case {
                continue;
            }
            let Some(by) = taken.get(&key) else {
                taken.insert(key, user.id.to_string());
                continue;
            };
            let was = user.email.clone();
            let now = placeholder(user.id.as_str());
            let oddity = Oddity::AddressTaken {
                was: was.clone(),
                by: by.clone(),
                now: now.clone(),
            };
            // The name still shows the old address.
            if user.name != was {
                user.name = format!("{} ({was})", user.name);
            }
            user.email.clone_from(&now);
            taken.insert(folded(&now), user.id.to_string());
            item.report(oddity);
        }
    }
}

/// Makes the names of templates unique, whatever their case.
pub(super) fn templates(items: &mut [Item<Template>], others: &[Template]) {
    let done = items.iter().filter_map(Item::done);
    let mut taken: BTreeSet<String> = others
        .iter()
        .chain(done)
        .map(|template| folded(&template.name))
        .collect();
    for item in items {
        let Some(template) = item.to_migrate_mut() else {
            continue;
        };
        if taken.insert(folded(&template.name)) {
            continue;
        }
        let was = template.name.clone();
        let free = (2_u32..).map(|number| format!("{was} ({number})"));
        let Some(now) = free.into_iter().find(|name| !taken.contains(&folded(name))) else {
            continue;
        };
        taken.insert(folded(&now));
        template.name.clone_from(&now);
        item.report(Oddity::TemplateTaken { was, now });
    }
}

/// Makes unique: the ids of pods, their names in the cluster (slug and user hash), and the slugs of each owner.
/// If several records claim the same name, the pod whose own name matches it keeps it.
pub(super) fn pods(items: &mut [Item<Pod>], others: &[Pod], naming: &Naming) {
    let mut taken = Taken::default();
    for pod in others.iter().chain(items.iter().filter_map(Item::done)) {
        taken.ids.insert(pod.id.clone());
        taken.is_free(pod, &pod.slug);
    }
    let has_own_name = |item: &Item<Pod>| {
        item.value()
            .is_some_and(|pod| existing_label(&pod.name) == pod.slug.as_str())
    };
    let (mut items, others): (Vec<_>, Vec<_>) = items.iter_mut().partition(|item| has_own_name(item));
    items.extend(others);
    for item in items {
        let document = item.id.clone();
        let Some(pod) = item.to_migrate_mut() else {
            continue;
        };
        for oddity in taken.fit(pod, &document, naming) {
            item.report(oddity);
        }
    }
}

/// Values that are in use.
#[derive(Default)]
struct Taken {
    ids: BTreeSet<PodId>,
    /// Slugs and user hashes.
    names: BTreeSet<(String, String)>,
    /// Owners and slugs.
    slugs: BTreeSet<(UserId, String)>,
}

impl Taken {
    /// Claims the slug for the pod. Returns `false` if it is in use.
    fn is_free(&mut self, pod: &Pod, slug: &Slug) -> bool {
        let name = (slug.to_string(), pod.owner_hash.to_string());
        let slug = (pod.owner.clone(), slug.to_string());
        let free = !self.names.contains(&name) && !self.slugs.contains(&slug);
        free && self.names.insert(name) && self.slugs.insert(slug)
    }

    /// Replaces the values of a pod that are in use. `document` is the `_id` of its document.
    fn fit(&mut self, pod: &mut Pod, document: &str, naming: &Naming) -> Vec<Oddity> {
        let mut reported = Vec::new();
        if !self.ids.insert(pod.id.clone()) {
            let was = pod.id.to_string();
            pod.id = id_from(document);
            self.ids.insert(pod.id.clone());
            reported.push(Oddity::PodIdReplaced {
                was,
                now: pod.id.clone(),
            });
        }
        if self.is_free(pod, &pod.slug) {
            return reported;
        }
        let was = naming.pod(&pod.slug, &pod.owner_hash);
        let ports: Vec<_> = pod.options.ports().iter().map(|port| port.number).collect();
        let start: String = pod.slug.as_str().chars().take(30).collect();
        let start = start.trim_end_matches('-');
        // The search ends, because there are only finitely many pods.
        let numbered = (2_u64..).filter_map(|number| format!("{start}-{number}").parse().ok());
        let mut other = naming.kept_slug(&pod.name, &ports).into_iter().chain(numbered);
        if let Some(slug) = other.find(|slug| self.is_free(pod, slug)) {
            pod.slug = slug;
        }
        reported.push(Oddity::NameTaken {
            was,
            now: naming.pod(&pod.slug, &pod.owner_hash),
        });
        reported
    }
}
