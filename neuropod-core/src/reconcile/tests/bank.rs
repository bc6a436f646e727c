//! The smallest bank: one account, with its holds and charges by key.

use std::collections::BTreeMap;

use super::*;
use crate::money::billing::{AccountKind, Balance, Period, next_day};

#[derive(Debug)]
pub(super) struct Bank {
    pub(super) available: Money,
    /// The amount of each hold; `None`: it was released.
    keys: BTreeMap<String, Option<Money>>,
    draws: BTreeMap<String, (Draw, Drawn)>,
}

impl Bank {
    pub(super) fn new(available: Money) -> Self {
        Self {
            available,
            keys: BTreeMap::new(),
            draws: BTreeMap::new(),
        }
    }

    pub(super) fn hold(&mut self, hold: &Hold) -> Result<(), Error> {
        if let Some(state) = self.keys.get(&hold.key) {
            assert!(state.is_some(), "a closed key is never held again");
            return Ok(());
        }
        if self.available < hold.amount {
            let kind = ErrorKind::InsufficientFunds {
                required: hold.amount,
                available: self.available,
            };
            return Err(Error::new(kind, "not enough money for an hour"));
        }
        self.available -= hold.amount;
        self.keys.insert(hold.key.clone(), Some(hold.amount));
        Ok(())
    }

    pub(super) fn balance(&self) -> Balance {
        Balance {
            kind: AccountKind::Prepaid,
            available: self.available,
            held: self.keys.values().flatten().copied().sum(),
            spent: None,
        }
    }

    pub(super) fn release(&mut self, key: &str) {
        let held = self.keys.insert(key.to_owned(), None).flatten();
        self.available += held.unwrap_or(Money::ZERO);
    }

    pub(super) fn draw(&mut self, draw: &Draw) -> Drawn {
        if let Some((known, drawn)) = self.draws.get(&draw.key) {
            // Only the caps may differ in a repetition of a charge.
            let same = |draw: &Draw| (draw.hold.clone(), draw.amount, draw.top_up, draw.details.period);
            assert_eq!(same(known), same(draw), "one key, two draws");
            return *drawn;
        }
        let held = draw
            .hold
            .as_ref()
            .map(|hold| self.keys[hold].expect("drawn from what is held"));
        let begins = draw.details.period.expect("every draw has a period").from;
        let remaining_today = draw
            .daily_cap
            .map(|cap| (cap - self.spent_on_day_of(begins, |_| true)).max(Money::ZERO));
        let caps = [draw.at_most, remaining_today].into_iter().flatten();
        let chargeable = caps.fold(draw.amount, Money::min);
        let from_hold = held.unwrap_or(Money::ZERO).min(chargeable);
        let from_account = self.available.min(chargeable - from_hold);
        self.available -= from_account;
        let mut remaining = held.unwrap_or(Money::ZERO) - from_hold;
        if let Some(hold) = &draw.hold {
            let missing = (draw.top_up - remaining).max(Money::ZERO).min(self.available);
            self.available -= missing;
            remaining += missing;
            self.keys.insert(hold.clone(), Some(remaining));
        }
        let charged = from_hold + from_account;
        let drawn = Drawn {
            charged,
            written_off: draw.amount - charged,
            held: remaining,
            spent: self.spent_on_day_of(begins, |_| true) + charged,
        };
        self.draws.insert(draw.key.clone(), (draw.clone(), drawn));
        drawn
    }

    fn spent_on_day_of(&self, time: Timestamp, counts: impl Fn(&Draw) -> bool) -> Money {
        self.draws
            .values()
            .filter(|(draw, _)| counts(draw) && period(draw).is_some_and(|of| same_day(of.from, time)))
            .map(|(_, drawn)| drawn.charged)
            .sum()
    }

    pub(super) fn charged(&self) -> Money {
        self.draws.values().map(|(_, drawn)| drawn.charged).sum()
    }

    /// The part charged for running time.
    pub(super) fn charged_for_running(&self) -> Money {
        self.draws
            .values()
            .filter(|(draw, _)| draw.hold.is_some())
            .map(|(_, drawn)| drawn.charged)
            .sum()
    }

    /// The highest amount charged for running time in one day.
    pub(super) fn most_on_a_day(&self) -> Money {
        let days = self.draws.values().filter_map(|(draw, _)| period(draw));
        days.map(|of| self.spent_on_day_of(of.from, |draw| draw.hold.is_some()))
            .max()
            .unwrap_or(Money::ZERO)
    }

    /// No two charged periods overlap.
    pub(super) fn overlap(&self) -> bool {
        let mut periods: Vec<_> = self.draws.values().filter_map(|(draw, _)| period(draw)).collect();
        periods.sort_by_key(|period| period.from);
        periods.windows(2).any(|pair| pair[1].from < pair[0].until)
    }

    pub(super) fn still_held(&self) -> usize {
        self.keys.values().filter(|held| held.is_some()).count()
    }
}

fn period(draw: &Draw) -> Option<Period> {
    draw.details.period
}

fn same_day(one: Timestamp, other: Timestamp) -> bool {
    next_day(one) == next_day(other)
}
