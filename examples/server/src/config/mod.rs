//! The configuration of the server: a TOML file, the environment, flags; each overrides the previous one.
//!
//! Every value may come from each of them: `listen` is `listen = "…"` in the file, `NEUROPOD_LISTEN` in the
//! environment and `--listen` on the command line; `kube.namespace` is `NEUROPOD_KUBE__NAMESPACE`.

mod address;
mod auth;
mod choices;
mod flags;
mod images;
mod keys;
mod kube;
mod limits;
mod load;
mod prices;
mod reference;
mod secrets;
mod settings;
mod show;
#[cfg(test)]
mod tests;
mod wrong;

pub(crate) use self::address::{check_store, is_postgres, shown as shown_address};
#[cfg(test)]
pub(crate) use self::keys::key_names;
pub use self::{
    auth::Auth,
    choices::{ClusterKind, LanguageChoice, LogFormat},
    flags::{Command, Flags},
    images::Images,
    kube::{AccessMode, Kube, PullPolicy, UserQuota},
    limits::Limits,
    load::{Loaded, load},
    prices::Prices,
    reference::reference,
    secrets::Secrets,
    settings::Config,
};
