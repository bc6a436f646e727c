//! How an account stands, and its statement. All amounts are exact, to the millionth: how they are rounded for people
//! is decided where they are shown (`dashboard/format.js`).

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

/// How an account stands.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BalanceView {
    /// What can be spent now.
    pub(crate) balance: f64,
    /// The same.
    pub(crate) available: f64,
    /// What is reserved for pods: an hour of each that runs.
    pub(crate) held: f64,
    /// Both together.
    pub(crate) total: f64,
    /// `prepaid` or `unlimited`.
    #[schema(value_type = String)]
    pub(crate) kind: AccountKind,
    /// The currency, as an ISO 4217 code.
    pub(crate) currency: String,
    /// What is charged per hour as it is now.
    pub(crate) per_hour: f64,
    /// What would be charged per hour if all pods ran.
    pub(crate) per_hour_if_all_ran: f64,
    /// What runs out; null: nothing does soon.
    pub(crate) low: Option<LowView>,
    /// Whether the user is suspended: they start no pods until an administrator lifts that.
    pub(crate) suspended: bool,
    /// What may be spent on a day (UTC); null: as much as there is.
    pub(crate) daily_cap: Option<f64>,
    /// What was charged for usage today (UTC).
    pub(crate) spent_today: f64,
}

/// What runs out for an account.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LowView {
    /// `balance`, `dailyCap`, or `volume`: the time in which the volume of a stopped pod can be paid for.
    pub(crate) kind: &'static str,
    /// When the first pod stops, or loses its volume. Seconds from now.
    pub(crate) seconds_left: i64,
    /// For people.
    pub(crate) message: String,
}

impl BalanceView {
    /// How an account stands, told in a language.
    pub(crate) fn of(standing: &Standing, currency: &Currency, language: Language) -> Self {
        let balance = standing.balance;
        Self {
            balance: balance.available.as_f64(),
            available: balance.available.as_f64(),
            held: balance.held.as_f64(),
            total: balance.total().as_f64(),
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
            Low::Balance(left) => ("balance", left, message::low_balance(left, false, language)),
            Low::DailyCap(left) => ("dailyCap", left, message::low_balance(left, true, language)),
            Low::Volume(at) => (
                "volume",
                at.duration_since(Timestamp::now()).as_secs().max(0),
                message::volume_at_risk(at, language),
            ),
            // A later version of the library may know more.
            _ => ("other", 0, String::new()),
        };
        Self {
            kind,
            seconds_left,
            message,
        }
    }
}

/// What happened in an account. The lines of a day add up to its total, the days to the total of all, and so do
/// the sums by kind.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StatementView {
    /// The currency, as an ISO 4217 code.
    pub(crate) currency: String,
    /// Where days begin: `UTC`.
    pub(crate) time_zone: &'static str,
    /// The days on which something was booked, oldest first.
    pub(crate) days: Vec<DayView>,
    /// What each pod has cost.
    pub(crate) pods: Vec<PodAmount>,
    /// By how much each kind of entry has changed the balance.
    pub(crate) kinds: Vec<KindAmount>,
    /// How many older entries are not told one by one. All of them are in the CSV.
    pub(crate) omitted: u64,
    /// The newest entries, oldest first.
    pub(crate) entries: Vec<EntryView>,
    /// By how much the balance changed in all.
    pub(crate) total: f64,
}

/// What happened on a day.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DayView {
    /// The day, in UTC.
    #[schema(value_type = String, format = Date)]
    pub(crate) date: Date,
    /// By how much the balance changed.
    pub(crate) total: f64,
    /// What it is made of. Holds are not in it: they move no money.
    pub(crate) lines: Vec<LineView>,
}

/// What was used by a pod on a day, or what was paid in or taken.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LineView {
    /// `usage`, or the kind of the entries.
    #[schema(value_type = String)]
    pub(crate) kind: EntryKind,
    /// The pod.
    pub(crate) pod_id: Option<String>,
    /// Its name, also when it is gone.
    pub(crate) pod_name: Option<String>,
    /// A word of whoever made it.
    pub(crate) note: Option<String>,
    /// By how much it changed the balance.
    pub(crate) amount: f64,
    /// What was used and not charged, as nobody could pay it or a cap did not allow it.
    pub(crate) written_off: f64,
    /// What was used, by price.
    pub(crate) usage: Vec<UsedView>,
    /// How many entries it is made of.
    pub(crate) entries: u64,
}

/// What was used at one price.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UsedView {
    /// Per hour.
    pub(crate) per_hour: f64,
    /// For how long.
    pub(crate) seconds: i64,
    /// What that costs.
    pub(crate) amount: f64,
}

/// What a pod has cost.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PodAmount {
    /// The pod.
    pub(crate) pod_id: String,
    /// Its name, also when it is gone.
    pub(crate) pod_name: Option<String>,
    /// In the currency of the platform.
    pub(crate) amount: f64,
}

/// What entries of a kind come to.
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
    /// Its name, also when it is gone.
    pub(crate) pod_name: Option<String>,
    /// A word of whoever made it.
    pub(crate) note: Option<String>,
    /// How it came about.
    pub(crate) text: String,
}

impl StatementView {
    /// A statement, with these of its entries one by one and with pods by these names.
    pub(crate) fn of(
        statement: &Statement,
        entries: Vec<EntryView>,
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
        let told = u64::try_from(entries.len()).unwrap_or(u64::MAX);
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
            omitted: statement.entries.saturating_sub(told),
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
    /// An entry, told in a language, with pods by these names.
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

/// How an entry came about.
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
    language.pick(es, en).to_owned()
}
