//! The changes that a migration plans, with texts in Spanish and English.

use std::fmt;

use neuropod_core::message::Language;
use neuropod_core::{Money, PodId};

/// A planned change of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Change {
    /// The collection.
    pub collection: &'static str,
    /// Its `_id`.
    pub id: String,
    /// The new form of the document.
    pub becomes: Becomes,
}

/// The new form of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Becomes {
    /// A user.
    User {
        /// The email address.
        email: String,
        /// The balance of the account; `None`: unlimited.
        balance: Option<Money>,
    },
    /// A template.
    Template {
        /// Its name.
        name: String,
    },
    /// A pod. It is stopped.
    Pod {
        /// Its name.
        name: String,
        /// Its id.
        id: PodId,
        /// The name of its Pod in the cluster.
        in_cluster: String,
    },
    /// The first price list.
    PriceList,
    /// A document that is set aside, in the collection `unmigrated`.
    SetAside,
}

impl Change {
    /// The change in one line, for people.
    pub fn text(&self, language: Language) -> String {
        let becomes = match &self.becomes {
            Becomes::User { email, balance } => {
                let balance = balance.map_or_else(
                    || {
                        language
                            .pick("saldo ilimitado", "an unlimited account")
                            .to_owned()
                    },
                    |balance| {
                        language.pick(
                            format!("un saldo de {balance}"),
                            format!("a balance of {balance}"),
                        )
                    },
                );
                match language {
                    Language::Es => format!("el usuario {email} con {balance}"),
                    Language::En => format!("the user {email} with {balance}"),
                }
            }
            Becomes::Template { name } => match language {
                Language::Es => format!("la plantilla «{name}»"),
                Language::En => format!("the template \"{name}\""),
            },
            Becomes::Pod { name, id, in_cluster } => match language {
                Language::Es => format!("el pod «{name}» ({id}), detenido; en el clúster {in_cluster}"),
                Language::En => format!("the pod \"{name}\" ({id}), stopped; in the cluster {in_cluster}"),
            },
            Becomes::PriceList => language.pick("la lista de precios", "the price list").to_owned(),
            Becomes::SetAside => language.pick("se aparta", "is set aside").to_owned(),
        };
        format!("{} {}: {becomes}", self.collection, self.id)
    }
}

impl fmt::Display for Change {
    /// In English, for logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text(Language::En))
    }
}
