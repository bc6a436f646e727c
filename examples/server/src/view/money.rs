//! Balances and statements.

use jiff::Timestamp;
use neuropod::billing::Details;
use neuropod::message::Language;
use neuropod::statement::explain;
use neuropod::{AccountKind, Balance, Entry, EntryKind};
use serde::Serialize;
use utoipa::ToSchema;

/// What is in an account, in EUR.
#[derive(Debug, Serialize, ToSchema)]
pub struct BalanceView {
    /// What can be spent now.
    pub balance: f64,
    /// What is reserved for pods.
    pub held: f64,
    /// `prepaid` or `unlimited`.
    #[schema(value_type = String)]
    pub kind: AccountKind,
    /// The currency.
    pub currency: &'static str,
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
pub struct StatementView {
    /// The currency.
    pub currency: &'static str,
    /// What each pod has cost.
    pub pods: Vec<PodAmount>,
    /// By how much each kind of entry has changed the balance.
    pub kinds: Vec<KindAmount>,
    /// The entries, oldest first.
    pub entries: Vec<EntryView>,
    /// By how much the balance changed in all.
    pub total: f64,
}

/// What a pod has cost.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PodAmount {
    /// The pod.
    pub pod_id: String,
    /// Its name, while it is there.
    pub pod_name: Option<String>,
    /// In EUR.
    pub amount: f64,
}

/// What entries of a kind come to.
#[derive(Debug, Serialize, ToSchema)]
pub struct KindAmount {
    /// The kind.
    #[schema(value_type = String)]
    pub kind: EntryKind,
    /// In EUR.
    pub amount: f64,
}

/// One entry.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EntryView {
    /// Its place in the account.
    pub number: u64,
    /// What was done.
    #[schema(value_type = String)]
    pub kind: EntryKind,
    /// By how much it changed the balance.
    pub amount: f64,
    /// By how much it changed what is reserved.
    pub held: f64,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// The pod it is for.
    pub pod_id: Option<String>,
    /// A word of whoever made it.
    pub note: Option<String>,
    /// How it came about.
    pub text: String,
}

impl EntryView {
    /// An entry, told in a language.
    pub fn of(entry: Entry, language: Language) -> Self {
        let text = text(&entry, language);
        let Details { pod, note, .. } = entry.details;
        Self {
            number: entry.number,
            kind: entry.kind,
            amount: entry.amount.as_euros(),
            held: entry.held.as_euros(),
            at: entry.at,
            pod_id: pod.map(|pod| pod.to_string()),
            note,
            text,
        }
    }
}

/// How an entry came about.
fn text(entry: &Entry, language: Language) -> String {
    if let Some(line) = explain(entry) {
        return match language {
            Language::En => line.to_string(),
            Language::Es => format!(
                "{} a {}: {} s a {} EUR por hora = {} EUR",
                line.period.from, line.period.until, line.seconds, line.hourly, line.amount
            ),
        };
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
        EntryKind::WriteOff => ("Uso no cubierto, devuelto", "Usage that nobody could pay, given back"),
    };
    language.pick(es, en).to_owned()
}
