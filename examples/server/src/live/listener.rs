//! A connection that listens.

use std::ops::Deref;
use std::sync::Arc;

use neuropod::message::Language;
use neuropod::{Actor, PodId};

use super::hub::Hub;
use super::mailbox::{Mailbox, Next, Outgoing, Scope};

/// Why somebody can't listen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// There is no such pod for them.
    NoPod,
    /// They listen to too many.
    TooMany,
}

/// One connection that listens. It ends when this is dropped by the transport, see [`Listener::leave`].
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
    /// Somebody with this e-mail address begins to listen. They hear nothing yet.
    pub(crate) fn join(hub: &Arc<Hub>, actor: Actor, email: String, language: Language) -> Arc<Self> {
        Arc::new(Self {
            hub: Arc::clone(hub),
            mailbox: hub.join(actor, email, language),
        })
    }

    /// Subscribes to one pod. Its current state is sent first.
    ///
    /// # Errors
    /// There is no such pod for them, or they listen to too many.
    pub(crate) fn subscribe(&self, id: &PodId) -> Result<(), Refusal> {
        // Whether there is a pod that one may not see is nothing to be learned here.
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

    /// The next event, if there is one now.
    fn next_now(&self) -> Option<Outgoing> {
        loop {
            let id = match self.mailbox.pop()? {
                Next::Ready(outgoing) => return Some(outgoing),
                Next::Pod(id) => id,
            };
            // Read after it was removed from the mailbox: a change from now on is posted again.
            if let Some(current) = self.hub.current(&id) {
                if let Some(outgoing) = self.mailbox.news(current) {
                    return Some(outgoing);
                }
                continue;
            }
            let (subscribed, told) = self.mailbox.forget(&id);
            if subscribed {
                self.hub.unsubscribe(&self.mailbox, &id);
            }
            if told {
                return Some(Outgoing::Deleted(id));
            }
        }
    }
}
