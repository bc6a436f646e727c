//! Templates, as administrators change them.

use super::Platform;
use crate::audit::{AuditAction, AuditTarget};
use crate::error::Result;
use crate::id::Actor;
use crate::template::Template;

impl Platform {
    /// Stores a new template and answers it as stored.
    ///
    /// # Errors
    /// `Forbidden` for clients; `AlreadyExists`, with the context `field`: `id` or `name`.
    pub async fn create_template(&self, actor: &Actor, template: &Template) -> Result<Template> {
        let action = AuditAction::TemplateCreated;
        let trail = self.0.trail(actor, action, target(template)).await?;
        let done = async {
            actor.require_admin()?;
            self.0.store.insert_template(template).await
        };
        trail.end(done.await).await
    }

    /// Stores a changed template and answers it as stored. Pods that were made from it stay as they are.
    ///
    /// # Errors
    /// `Forbidden` for clients; `Conflict` when it was changed meanwhile; `NotFound`; `AlreadyExists` when another one
    /// has the name.
    pub async fn change_template(&self, actor: &Actor, template: &Template) -> Result<Template> {
        let action = AuditAction::TemplateChanged;
        let trail = self.0.trail(actor, action, target(template)).await?;
        let done = async {
            actor.require_admin()?;
            self.0.store.update_template(template).await
        };
        trail.end(done.await).await
    }

    /// Removes a template; one that is gone already is fine. Pods that were made from it stay.
    ///
    /// # Errors
    /// `Forbidden` for clients.
    pub async fn delete_template(&self, actor: &Actor, template: &Template) -> Result<()> {
        let action = AuditAction::TemplateDeleted;
        let trail = self.0.trail(actor, action, target(template)).await?;
        let done = async {
            actor.require_admin()?;
            self.0.store.remove_template(&template.id).await
        };
        trail.end(done.await).await
    }
}

fn target(template: &Template) -> AuditTarget {
    AuditTarget::Template {
        id: template.id.clone(),
        name: template.name.clone(),
    }
}
