//! Templates, as administrators change them.

use super::{Inner, Platform};
use crate::error::kind::Result;
use crate::error::validation::{Problem, ValidationErrors};
use crate::id::Actor;
use crate::pod::check::check_volume_path;
use crate::pod::template::Template;
use crate::store::audit::{AuditAction, AuditTarget};

impl Platform {
    /// Stores a new template and answers it as stored.
    ///
    /// # Errors
    /// `Forbidden` for clients; `Invalid` when its image or its path is not allowed; `AlreadyExists`, with the context
    /// `field`: `id` or `name`.
    pub async fn create_template(&self, actor: &Actor, template: &Template) -> Result<Template> {
        let action = AuditAction::TemplateCreated;
        let trail = self.0.trail(actor, action, target(template)).await?;
        let done = async {
            actor.require_admin()?;
            self.0.allows_template(template)?;
            self.0.store.insert_template(template).await
        };
        trail.end(done.await).await
    }

    /// Stores a changed template and answers it as stored. Pods that were made from it stay as they are.
    ///
    /// # Errors
    /// `Forbidden` for clients; `Invalid` when its image or its path is not allowed; `Conflict` when it was changed
    /// meanwhile; `NotFound`; `AlreadyExists` when another one has the name.
    pub async fn change_template(&self, actor: &Actor, template: &Template) -> Result<Template> {
        let action = AuditAction::TemplateChanged;
        let trail = self.0.trail(actor, action, target(template)).await?;
        let done = async {
            actor.require_admin()?;
            self.0.allows_template(template)?;
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

impl Inner {
    /// Whether pods may be made from a template.
    ///
    /// # Errors
    /// `Invalid`, for the fields `dockerImage` and `volumePath`.
    fn allows_template(&self, template: &Template) -> Result<()> {
        let checks = [
            ("dockerImage", self.images.check(&template.docker_image)),
            ("volumePath", check_volume_path(&template.volume_path)),
        ];
        let problems = checks.into_iter().filter_map(|(field, checked)| {
            let violation = checked.err()?;
            Some(Problem::new(field, violation))
        });
        Ok(ValidationErrors::check(problems.collect())?)
    }
}

fn target(template: &Template) -> AuditTarget {
    AuditTarget::Template {
        id: template.id.clone(),
        name: template.name.clone(),
    }
}
