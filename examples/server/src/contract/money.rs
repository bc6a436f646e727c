//! The standing of an account, and its statement. All amounts are exact, to the millionth; pages round them for
//! people (`dashboard/format.js`).

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use neuropod::message::{self, Language};
use neuropod::money::Currency;
use neuropod::money::billing::Details;
use neuropod::money::statement::{Day, Line, LineKey, Statement, Used, explain};
use neuropod::money::{AccountKind, EntryKind, LedgerEntry, Low, Standing};
use neuropod::{Money, PodId};
use serde::Serialize;
use utoipa::ToSchema;

/// The standing of an account.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BalanceView {
    /// The amount that can be spent now. This and the next three count what has accrued since the last charges as spent.
    pub(crate) balance: f64,
    /// The same.
    pub(crate) available: f64,
    /// The amount in holds: an hour of each pod that runs.
    pub(crate) held: f64,
    /// The sum of both.
    pub(crate) total: f64,
    /// The cost of the time since the last charges, which is not in the ledger yet.
    pub(crate) accrued: f64,
    /// `prepaid` or `unlimited`.
    #[schema(value_type = String)]
    pub(crate) kind: AccountKind,
    /// The currency, as an ISO 4217 code.
    pub(crate) currency: String,
    /// The amount charged per hour now.
    pub(crate) per_hour: f64,
    /// The amount charged per hour if all pods ran.
    pub(crate) per_hour_if_all_ran: f64,
    /// The limit that will be reached soon, if any.
    pub(crate) low: Option<LowView>,
    /// Whether the user is suspended: they can't start pods until an administrator lifts it.
    pub(crate) suspended: bool,
    /// The maximum that may be spent per day (UTC); null: no limit.
    pub(crate) daily_cap: Option<f64>,
    /// The cost of usage today (UTC), with what has accrued.
    pub(crate) spent_today: f64,
}

/// A limit that will be reached soon.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LowView {
    /// `balance`, `dailyCap`, or `volume`: the time until which the volume of a stopped pod is paid for.
    pub(crate) kind: &'static str,
    /// The time until the first pod stops, or loses its volume, in seconds.
    pub(crate) seconds_left: i64,
    /// For people.
    pub(crate) message: String,
}

impl BalanceView {
    /// The standing of an account, in a language.
    pub(crate) fn of(standing: &Standing, currency: &Currency, language: Language) -> Self {
        let balance = standing.current();
        Self {
            balance: balance.available.as_f64(),
            available: balance.available.as_f64(),
            held: balance.held.as_f64(),
            total: balance.total().as_f64(),
            accrued: standing.accrued.as_f64(),
            kind: balance.kind,
            currency: currency.code().to_owned(),
            per_hour: standing.per_hour.as_f64(),
            per_hour_if_all_ran: standing.per_hour_if_all_ran.as_f64(),
            low: standing.low.map(|low| LowView::of(low, language)),
            suspended: standing.suspended,
            daily_cap: standing.daily_cap.map(Money::as_f64),
            spent_today: standing.spent_today.as_f64(),
        }
    }
}

impl LowView {
    fn of(low: Low, language: Language) -> Self {
        let (kind, seconds_left, message) = match low {
            Low::Balance(seconds) => ("balance", seconds, message::low_balance(seconds, false, language)),
            Low::DailyCap(seconds) => ("dailyCap", seconds, message::low_balance(seconds, true, language)),
            Low::Volume(at) => (
                "volume",
                at.duration_since(Timestamp::now()).as_secs().max(0),
                message::volume_at_risk(at, language),
            ),
            // A later version of the library may have more kinds.
            _ => ("other", 0, String::new()),
        };
        Self {
            kind,
            seconds_left,
            message,
        }
    }
}

/// The statement of an account. The lines of a day add up to its total, the days add up to the total of all,
/// and so do the sums by kind.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StatementView {
    /// The currency, as an ISO 4217 code.
    pub(crate) currency: String,
    /// The time zone of days: `UTC`.
    pub(crate) time_zone: &'static str,
    /// The days with entries, oldest first.
    pub(crate) days: Vec<DayView>,
    /// The cost of each pod.
    pub(crate) pods: Vec<PodAmount>,
    /// The change of the balance by each kind of entry.
    pub(crate) kinds: Vec<KindAmount>,
    /// The number of older entries that are not listed. The CSV has all of them.
    pub(crate) omitted: u64,
    /// The newest entries, oldest first.
    pub(crate) entries: Vec<EntryView>,
    /// The total change of the balance.
    pub(crate) total: f64,
}

/// The statement of a day.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DayView {
    /// The day, in UTC.
    #[schema(value_type = String, format = Date)]
    pub(crate) date: Date,
    /// The change of the balance.
    pub(crate) total: f64,
    /// Its lines. Holds are not in it: they move no money.
    pub(crate) lines: Vec<LineView>,
}

/// The usage of a pod on a day, or a payment or charge.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LineView {
    /// `usage`, or the kind of the entries.
    #[schema(value_type = String)]
    pub(crate) kind: EntryKind,
    /// The pod.
    pub(crate) pod_id: Option<String>,
    /// Its name, even if it is deleted.
    pub(crate) pod_name: Option<String>,
    /// A note by the person who made it.
    pub(crate) note: Option<String>,
    /// The change of the balance.
    pub(crate) amount: f64,
    /// Usage that was not charged, because nobody could pay it or a cap did not allow it.
    pub(crate) written_off: f64,
    /// The usage, by price.
    pub(crate) usage: Vec<UsedView>,
    /// The number of entries; a folded one counts as those that it stands for.
    pub(crate) entries: u64,
}

/// The usage at one price.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UsedView {
    /// Per hour.
    pub(crate) per_hour: f64,
    /// The duration.
    pub(crate) seconds: i64,
    /// The cost.
    pub(crate) amount: f64,
}

/// The cost of a pod.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PodAmount {
    /// The pod.
    pub(crate) pod_id: String,
    /// Its name, even if it is deleted.
    pub(crate) pod_name: Option<String>,
    /// In the currency of the platform.
    pub(crate) amount: f64,
}

/// The sum of the entries of a kind.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct KindAmount {
    /// The kind.
    #[schema(value_type = String)]
    pub(crate) kind: EntryKind,
    /// In the currency of the platform.
    pub(crate) amount: f64,
}

/// One entry.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EntryView {
    /// Its number in the account.
    pub(crate) number: u64,
    /// The kind.
    #[schema(value_type = String)]
    pub(crate) kind: EntryKind,
    /// The change of the balance.
    pub(crate) amount: f64,
    /// The change of the amount in holds.
    pub(crate) held: f64,
    /// The time.
    #[schema(value_type = String, format = DateTime)]
    pub(crate) at: Timestamp,
    /// Its pod.
    pub(crate) pod_id: Option<String>,
    /// Its name, even if it is deleted.
    pub(crate) pod_name: Option<String>,
    /// A note by the person who made it.
    pub(crate) note: Option<String>,
    /// An explanation.
    pub(crate) text: String,
}

impl StatementView {
    /// A statement, with these of its entries listed and so many not, and with these names of pods.
    pub(crate) fn of(
        statement: &Statement,
        entries: Vec<EntryView>,
        omitted: u64,
        currency: &Currency,
        name: &impl Fn(&PodId) -> Option<String>,
    ) -> Self {
        let pods = statement.by_pod.iter().map(|(id, pod)| PodAmount {
            pod_id: id.to_string(),
            pod_name: name(id),
            amount: pod.cost.as_f64(),
        });
        let kinds = statement.by_kind.iter().map(|(kind, amount)| KindAmount {
            kind: *kind,
            amount: amount.as_f64(),
        });
        Self {
            currency: currency.code().to_owned(),
            time_zone: "UTC",
            days: statement
                .days
                .iter()
                .map(|(date, day)| DayView::of(*date, day, name))
                .collect(),
            pods: pods.collect(),
            kinds: kinds.collect(),
            omitted,
            entries,
            total: statement.total.as_f64(),
        }
    }
}

impl DayView {
    fn of(date: Date, day: &Day, name: &impl Fn(&PodId) -> Option<String>) -> Self {
        let line = |(key, line): (&LineKey, &Line)| LineView {
            kind: key.kind,
            pod_id: key.pod.as_ref().map(ToString::to_string),
            pod_name: key.pod.as_ref().and_then(name),
            note: key.note.clone(),
            amount: line.amount.as_f64(),
            written_off: line.written_off.as_f64(),
            usage: used(&line.usage),
            entries: line.entries,
        };
        Self {
            date,
            total: day.total.as_f64(),
            lines: day.lines.iter().map(line).collect(),
        }
    }
}

fn used(usage: &BTreeMap<Money, Used>) -> Vec<UsedView> {
    let view = |(hourly, used): (&Money, &Used)| UsedView {
        per_hour: hourly.as_f64(),
        seconds: used.seconds,
        amount: used.amount.as_f64(),
    };
    usage.iter().map(view).collect()
}

impl EntryView {
    /// An entry in a language, with these names of pods.
    pub(crate) fn of(
        entry: LedgerEntry,
        name: &impl Fn(&PodId) -> Option<String>,
        currency: &Currency,
        language: Language,
    ) -> Self {
        let text = entry_text(&entry, currency, language);
        let pod = entry.pod();
        let Details { pod_name, note, .. } = entry.details;
        Self {
            number: entry.number,
            kind: entry.kind,
            amount: entry.amount.as_f64(),
            held: entry.held.as_f64(),
            at: entry.at,
            pod_name: pod_name.or_else(|| name(pod.as_ref()?)),
            pod_id: pod.map(|pod| pod.to_string()),
            note,
            text,
        }
    }
}

/// The explanation of an entry.
pub(crate) fn entry_text(entry: &LedgerEntry, currency: &Currency, language: Language) -> String {
    if let Some(line) = explain(entry) {
        return message::charge(&line, language, currency);
    }
    let (es, en) = match entry.kind {
        EntryKind::Deposit => ("Ingreso", "Deposit"),
        EntryKind::Adjustment => ("Ajuste de la administración", "Adjustment by an administrator"),
        EntryKind::Refund => ("Devolución", "Refund"),
        EntryKind::Charge => ("Cargo", "Charge"),
        EntryKind::Hold => ("Reserva de saldo", "Money reserved"),
        EntryKind::Settle => ("Reserva liquidada", "Hold settled"),
        EntryKind::Release => ("Reserva liberada", "Hold released"),
        EntryKind::Usage => ("Uso", "Usage"),
        EntryKind::WriteOff => (
            "Uso no cubierto, devuelto",
            "Usage that nobody could pay, given back",
        ),
    };
    let text = language.pick(es, en);
    match entry.entry_count() {
        ..=1 => text.to_owned(),
        count => language.pick(format!("{text}, {count} veces"), format!("{text}, {count} times")),
    }
}
