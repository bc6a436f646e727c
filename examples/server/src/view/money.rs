//! Balances and statements.

use std::collections::HashMap;

use jiff::Timestamp;
use neuropod::billing::Details;
use neuropod::message::{self, Language};
use neuropod::statement::explain;
use neuropod::{AccountKind, Balance, Entry, EntryKind, PodId};
use serde::Serialize;
use utoipa::ToSchema;

/// What is in an account, in EUR.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BalanceView {
    /// What can be spent now.
    pub(crate) balance: f64,
    /// What is reserved for pods.
    pub(crate) held: f64,
    /// `prepaid` or `unlimited`.
    #[schema(value_type = String)]
    pub(crate) kind: AccountKind,
    /// The currency.
    pub(crate) currency: &'static str,
}

impl From<Balance> for BalanceView {
    fn from(balance: Balance) -> Self {
        Self {
            balance: balance.available.as_euros(),
            held: balance.held.as_euros(),
            kind: balance.kind,
            currency: "EUR",
        }
    }
}

/// What happened in an account, in EUR.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StatementView {
    /// The currency.
    pub(crate) currency: &'static str,
    /// What each pod has cost.
    pub(crate) pods: Vec<PodAmount>,
    /// By how much each kind of entry has changed the balance.
    pub(crate) kinds: Vec<KindAmount>,
    /// How many older entries of this time are in the sums and not told one by one.
    pub(crate) omitted: usize,
    /// The entries, oldest first.
    pub(crate) entries: Vec<EntryView>,
    /// By how much the balance changed in all.
    pub(crate) total: f64,
}

/// What a pod has cost.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PodAmount {
    /// The pod.
    pub(crate) pod_id: String,
    /// Its name, while it is there.
    pub(crate) pod_name: Option<String>,
    /// In EUR.
    pub(crate) amount: f64,
}

/// What entries of a kind come to.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct KindAmount {
    /// The kind.
    #[schema(value_type = String)]
    pub(crate) kind: EntryKind,
    /// In EUR.
    pub(crate) amount: f64,
}

/// One entry.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EntryView {
    /// Its place in the account.
    pub(crate) number: u64,
    /// What was done.
    #[schema(value_type = String)]
    pub(crate) kind: EntryKind,
    /// By how much it changed the balance.
    pub(crate) amount: f64,
    /// By how much it changed what is reserved.
    pub(crate) held: f64,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub(crate) at: Timestamp,
    /// The pod it is for.
    pub(crate) pod_id: Option<String>,
    /// Its name, while it is there.
    pub(crate) pod_name: Option<String>,
    /// A word of whoever made it.
    pub(crate) note: Option<String>,
    /// How it came about.
    pub(crate) text: String,
}

impl EntryView {
    /// An entry, told in a language, with the pods by these names.
    pub(crate) fn of(entry: Entry, names: &HashMap<PodId, String>, language: Language) -> Self {
        let text = text(&entry, language);
        let Details { pod, note, .. } = entry.details;
        Self {
            number: entry.number,
            kind: entry.kind,
            amount: entry.amount.as_euros(),
            held: entry.held.as_euros(),
            at: entry.at,
            pod_name: pod.as_ref().and_then(|pod| names.get(pod).cloned()),
            pod_id: pod.map(|pod| pod.to_string()),
            note,
            text,
        }
    }
}

/// How an entry came about.
fn text(entry: &Entry, language: Language) -> String {
    if let Some(line) = explain(entry) {
        return message::charge(&line, language);
    }
    let (es, en) = match entry.kind {
        EntryKind::Deposit => ("Ingreso", "Deposit"),
        EntryKind::Adjustment => ("Ajuste de la administración", "Adjustment by an administrator"),
        EntryKind::Refund => ("Devolución", "Refund"),
        EntryKind::Charge => ("Cargo", "Charge"),
        EntryKind::Hold => ("Reserva de saldo", "Money reserved"),
        EntryKind::Settle => ("Reserva liquidada", "Reservation settled"),
        EntryKind::Release => ("Reserva liberada", "Reservation released"),
        EntryKind::Usage => ("Uso", "Usage"),
        EntryKind::WriteOff => (
            "Uso no cubierto, devuelto",
            "Usage that nobody could pay, given back",
        ),
    };
    language.pick(es, en).to_owned()
}
