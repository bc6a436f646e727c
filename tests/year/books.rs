//! Properties of all accounts at every moment, whatever goes wrong.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use neuropod::PodOptions;
use neuropod::clock::Clock;
use neuropod::message::{self, Language};
use neuropod::money::Currency;
use neuropod::money::billing::{EntryOptions, Period};
use neuropod::money::meter::HoldState;
use neuropod::money::statement::{Explanation, explain};
use neuropod::money::{BillingExt, EntryKind, LedgerEntry, LedgerFolding, Quote};
use neuropod::store::PriceStore;
use neuropod::{Billing, Money, Pod, PodId, PriceList, UserId};

use crate::common::World;
use crate::people::People;

/// All accounts, followed entry by entry.
#[derive(Default)]
pub(crate) struct Books {
    accounts: HashMap<UserId, Account>,
    /// The amount of each hold, by key; empty ones are left out.
    held: HashMap<String, Money>,
    /// The spending of every person and every pod on a day for running time.
    spent: HashMap<(String, Date), Money>,
    pods: HashMap<PodId, Charged>,
    /// The seconds in all charges of each pod.
    seconds: HashMap<PodId, i64>,
    /// Every price list so far, by its version.
    prices: Vec<PriceList>,
    pub(crate) written_off: Money,
    /// The longest unpaid running time of a container, in seconds, and its entry.
    longest_unpaid: (i64, Option<LedgerEntry>),
    pub(crate) entries: u64,
    /// The entries that are gone, because others stand for them.
    pub(crate) folded: u64,
}

#[derive(Default)]
struct Account {
    /// The number of the last entry read.
    number: u64,
    total: Money,
    held: Money,
    /// Every change but a hold, which may be topped up, happens once for its key.
    once: HashSet<(String, EntryKind)>,
}

/// The charges for a pod.
struct Charged {
    options: PodOptions,
    /// The end of the last charge.
    until: Timestamp,
    /// Every period in which a container ran, in order.
    running: Vec<Period>,
}

impl Books {
    /// Reads new entries of the accounts, and checks them. A container that vanished unobserved may have been
    /// charged for `blind` more.
    pub(crate) async fn check(&mut self, world: &World, people: &People, pods: &[Pod], blind: Duration) {
        for pod in pods {
            self.pods.entry(pod.id.clone()).or_insert_with(|| Charged {
                options: pod.options.clone(),
                until: Timestamp::MIN,
                running: Vec::new(),
            });
        }
        if self.prices.is_empty() {
            self.prices.push(PriceList::default());
        }
        while let Some(next) = world.store.prices(Some(self.prices.len() as u64)).await.unwrap() {
            self.prices.push(next);
        }
        for user in people.all() {
            self.check_account(world, user, people.cap_of(user), blind).await;
        }
        let open = |pod: &&Pod| pod.meter.hold_state != HoldState::None;
        let open: HashSet<_> = pods
            .iter()
            .filter(open)
            .map(|pod| pod.meter.key(&pod.id))
            .collect();
        for (key, held) in &self.held {
            assert!(!held.is_negative(), "{held} is held under {key}");
            assert!(
                open.contains(key),
                "{held} is held under {key}, for no pod of {open:?}"
            );
        }
    }

    async fn check_account(&mut self, world: &World, user: &UserId, cap: Option<Money>, blind: Duration) {
        let account = self.accounts.entry(user.clone()).or_default();
        let options = EntryOptions {
            after: account.number,
            ..EntryOptions::default()
        };
        let entries = world.store.entries_of(user, &options).await.unwrap();
        let balance = world.store.balance(user).await.unwrap();
        for entry in &entries {
            self.entries += 1;
            account.number = entry.number;
            account.total += entry.amount;
            account.held += entry.held;
            let new = entry.kind == EntryKind::Hold || account.once.insert((entry.key.clone(), entry.kind));
            assert!(new, "twice: {entry:?}");
        }
        assert_eq!(
            (account.total, account.held),
            (balance.total(), balance.held),
            "{user}: {entries:#?}"
        );
        assert!(
            !balance.available.is_negative() && !balance.held.is_negative(),
            "{balance:?} of {user}"
        );
        for entry in &entries {
            self.check_entry(world, user, entry, blind);
        }
        for entry in &entries {
            self.check_caps(user, cap, entry);
        }
    }

    /// Running time on a day costs at most the daily caps of its pod and its owner.
    fn check_caps(&self, user: &UserId, cap: Option<Money>, entry: &LedgerEntry) {
        let (Some(id), Some(period)) = (&entry.details.pod, entry.details.period) else {
            return;
        };
        let day = day_of(period.from);
        let spent = |who: &str| self.spent.get(&(who.to_owned(), day)).copied();
        let caps = [
            (id.as_str(), self.pods[id].options.daily_cap),
            (user.as_str(), cap),
        ];
        for (who, cap) in caps {
            if let (Some(spent), Some(cap)) = (spent(who), cap) {
                assert!(spent <= cap, "{who} spent {spent} of {cap} on {day}: {entry:?}");
            }
        }
    }

    /// Counts the charge for running time on a day.
    fn spend(&mut self, user: &UserId, pod: &PodId, period: Period, amount: Money) {
        let day = day_of(period.from);
        for who in [user.as_str(), pod.as_str()] {
            *self.spent.entry((who.to_owned(), day)).or_default() += amount;
        }
    }

    fn check_entry(&mut self, world: &World, user: &UserId, entry: &LedgerEntry, blind: Duration) {
        if entry.held != Money::ZERO {
            // A hold is `pod:number`, what is drawn from it `pod:number:draw`.
            let key: Vec<_> = entry.key.split(':').take(2).collect();
            let key = key.join(":");
            let held = self.held.entry(key.clone()).or_default();
            *held += entry.held;
            if *held == Money::ZERO {
                self.held.remove(&key);
            }
        }
        if entry.kind == EntryKind::WriteOff {
            self.written_off += entry.amount;
            // The usage precedes the part of it that is written off.
            let details = &entry.details;
            let (id, hourly) = (details.pod.as_ref().unwrap(), details.hourly.unwrap());
            let quote = quote(&self.prices, details.price_version, &self.pods[id].options);
            if hourly == quote.hourly() {
                let unpaid = entry.amount.micros() * 3600 / hourly.micros();
                if unpaid > self.longest_unpaid.0 {
                    self.longest_unpaid = (unpaid, Some(entry.clone()));
                }
                let (id, period) = (id.clone(), details.period.unwrap());
                self.spend(user, &id, period, -entry.amount);
            }
        }
        if let Some(charge) = explain(entry) {
            *self.seconds.entry(charge.pod.clone().unwrap()).or_default() += charge.seconds;
            self.check_charge(world, user, &charge, blind);
        }
    }

    fn check_charge(&mut self, world: &World, user: &UserId, charge: &Explanation, blind: Duration) {
        let text = message::charge(charge, Language::En, &Currency::EUR);
        assert!(charge.agrees, "{text}");
        let id = charge.pod.as_ref().unwrap();
        let charged = self.pods.get_mut(id).unwrap();
        let quote = quote(&self.prices, charge.price_version, &charged.options);
        assert!(
            charge.period.from >= charged.until,
            "{text} of {id}, which is charged up to {}",
            charged.until
        );
        charged.until = charge.period.until;
        if charge.hourly != quote.hourly() {
            assert_eq!(charge.hourly, quote.hourly_stopped(), "the price of {text}");
            return;
        }
        charged.running.push(charge.period);
        self.spend(user, id, charge.period, charge.amount);
        let runs = world.cluster.runs_of(id);
        let now = world.cluster.clock().now();
        let late = SignedDuration::try_from(blind).unwrap();
        let ran = runs.iter().any(|run| {
            let ended = run.ended_at.unwrap_or(now);
            run.started_at <= charge.period.from && charge.period.until <= ended + late
        });
        assert!(ran, "{text} of {id}, which ran: {runs:#?}");
    }

    /// Folds the entries of all accounts that are older than this, and checks that everything in them is still there.
    pub(crate) async fn fold(&mut self, world: &World, people: &People, age: SignedDuration) {
        let before = world.cluster.clock().now() - age;
        self.folded += world.store.fold(before).await.unwrap().entries_removed;
        let mut seconds: HashMap<PodId, i64> = HashMap::new();
        for user in people.all() {
            let entries = world.store.all_entries(user).await.unwrap();
            let balance = world.store.balance(user).await.unwrap();
            let total: Money = entries.iter().map(|entry| entry.amount).sum();
            let held: Money = entries.iter().map(|entry| entry.held).sum();
            assert_eq!((total, held), (balance.total(), balance.held), "{user}");
            let read = self.accounts[user].number;
            let known = entries.iter().filter(|entry| entry.number <= read);
            for charge in known.filter_map(explain) {
                assert!(charge.agrees, "{charge:?}");
                *seconds.entry(charge.pod.clone().unwrap()).or_default() += charge.seconds;
            }
        }
        assert_eq!(seconds, self.seconds);
    }

    /// The longest unpaid running time of a container since the last call, in seconds, and its entry.
    pub(crate) fn take_longest_unpaid(&mut self) -> (i64, Option<LedgerEntry>) {
        std::mem::take(&mut self.longest_unpaid)
    }

    /// The amount of the hold with a key.
    pub(crate) fn held(&self, key: &str) -> Money {
        self.held.get(key).copied().unwrap_or_default()
    }

    /// The number of seconds charged for containers.
    pub(crate) fn charged_in_all(&self) -> f64 {
        let pods = self.pods.keys();
        pods.map(|id| self.charged(id, Timestamp::MIN)).sum()
    }

    /// The highest price of such a pod per hour, in any price list so far.
    pub(crate) fn highest_hour(&self, options: &PodOptions) -> Money {
        let quotes = self
            .prices
            .iter()
            .map(|prices| prices.quote(options.gpu(), options.disk_gb(), options.volume_gb()));
        quotes.map(|quote| quote.hourly()).max().unwrap()
    }

    /// The number of seconds after `from` that were charged for the running pod.
    pub(crate) fn charged(&self, id: &PodId, from: Timestamp) -> f64 {
        let periods = self.pods.get(id).map_or(&[][..], |charged| &charged.running);
        let since = periods.iter().filter(|period| period.until > from);
        since
            .map(|period| period.until.duration_since(period.from.max(from)).as_secs_f64())
            .sum()
    }
}

fn day_of(time: Timestamp) -> Date {
    TimeZone::UTC.to_datetime(time).date()
}

fn quote(prices: &[PriceList], version: Option<u64>, options: &PodOptions) -> Quote {
    let version = usize::try_from(version.unwrap()).unwrap();
    prices[version].quote(options.gpu(), options.disk_gb(), options.volume_gb())
}
