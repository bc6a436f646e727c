//! Templates.

use jiff::Timestamp;
use neuropod_core::Template;
use serde::{Deserialize, Serialize};

use super::layout::Layout;
use super::options::{self, OptionsParts, OptionsShape};
use super::secrets::{self, Secrets};
use super::stored::Stored;
use super::tree::{Tree, move_field};

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TemplateShape {
    #[serde(default)]
    layout: Layout<2>,
    #[serde(rename = "_id")]
    id: String,
    #[serde(default)]
    version: u64,
    name: String,
    options: OptionsShape,
    #[serde(default)]
    description: String,
    created_at: Timestamp,
    #[serde(default)]
    secrets: Secrets,
}

impl Stored for Template {
    type Shape = TemplateShape;

    fn to_shape(&self) -> TemplateShape {
        let Self {
            id,
            name,
            description,
            options,
            created_at,
            version,
        } = self.clone();
        let OptionsParts {
            options,
            chosen_token,
            environment,
        } = options.into();
        TemplateShape {
            layout: Layout,
            id,
            version,
            name,
            options,
            description,
            created_at,
            secrets: Secrets {
                chosen_token,
                environment: secrets::from_environment(environment),
                ..Secrets::default()
            },
        }
    }

    fn from_shape(shape: TemplateShape) -> Self {
        let TemplateShape {
            layout: _,
            id,
            version,
            name,
            options,
            description,
            created_at,
            secrets,
        } = shape;
        let options = OptionsParts {
            options,
            chosen_token: secrets.chosen_token,
            environment: secrets::to_environment(secrets.environment),
        };
        Self {
            id,
            name,
            description,
            options: options.into(),
            created_at,
            version,
        }
    }

    fn upgrade<T: Tree>(document: &mut T) {
        move_field(document, "id", "_id");
        options::upgrade(document);
    }
}
