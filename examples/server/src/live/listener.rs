//! Connections that listen to live updates.

use std::ops::Deref;
use std::sync::Arc;

use neuropod::message::Language;
use neuropod::{Actor, PodId};

use super::hub::Hub;
use super::mailbox::{Mailbox, Next, Outgoing, Scope};

/// The reason why a subscription is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The pod does not exist, or is not visible to them.
    NoPod,
    /// They have too many subscriptions.
    TooMany,
}

/// A connection that listens. Its transport ends it, see [`Listener::leave`].
pub(crate) struct Listener {
    hub: Arc<Hub>,
    mailbox: Arc<Mailbox>,
}

impl Deref for Listener {
    type Target = Mailbox;

    fn deref(&self) -> &Mailbox {
        &self.mailbox
    }
}

impl Listener {
    /// Adds a listener with this e-mail address, without any subscription.
    pub(crate) fn join(hub: &Arc<Hub>, actor: Actor, email: String, language: Language) -> Arc<Self> {
        Arc::new(Self {
            hub: Arc::clone(hub),
            mailbox: hub.join(actor, email, language),
        })
    }

    /// Subscribes to one pod. Its current state is sent first.
    ///
    /// # Errors
    /// The pod does not exist for them, or they have too many subscriptions.
    pub(crate) fn subscribe(&self, id: &PodId) -> Result<(), Refusal> {
        // An invisible pod is reported like a missing one, so that its existence is not revealed.
        let pod = self.hub.pod(id).filter(|pod| self.actor.may_touch(&pod.owner));
        let is_own = pod.ok_or(Refusal::NoPod)?.owner == self.actor.id;
        if !self.mailbox.add_subscription(id, is_own) {
            return Err(Refusal::TooMany);
        }
        self.hub.subscribe(&self.mailbox, id);
        Ok(())
    }

    /// Unsubscribes from a pod.
    pub(crate) fn unsubscribe(&self, id: &PodId) {
        self.mailbox.remove_subscription(id);
        self.hub.unsubscribe(&self.mailbox, id);
    }

    /// Subscribes to pods without naming them.
    pub(crate) fn subscribe_all(&self, scope: Scope) {
        self.hub.subscribe_all(&self.mailbox, scope);
    }

    /// Ends the subscription to everything.
    pub(crate) fn leave(&self) {
        self.hub.leave(&self.mailbox);
    }

    /// Waits for the next event.
    pub(crate) async fn next(&self) -> Outgoing {
        loop {
            if let Some(outgoing) = self.next_now() {
                return outgoing;
            }
            self.mailbox.changed().await;
        }
    }

    /// The next event, if there is one already.
    fn next_now(&self) -> Option<Outgoing> {
        loop {
            let id = match self.mailbox.pop()? {
                Next::Ready(outgoing) => return Some(outgoing),
                Next::Pod(id) => id,
            };
            // Read after its removal from the mailbox, so that a later change is posted again.
            if let Some(current) = self.hub.current(&id) {
                if let Some(outgoing) = self.mailbox.news(current) {
                    return Some(outgoing);
                }
                continue;
            }
            let (subscribed, reported) = self.mailbox.forget(&id);
            if subscribed {
                self.hub.unsubscribe(&self.mailbox, &id);
            }
            if reported {
                return Some(Outgoing::Deleted(id));
            }
        }
    }
}
