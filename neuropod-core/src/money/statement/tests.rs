use jiff::Timestamp;
use jiff::civil::date;

use super::*;
use crate::message::{self, Language};
use crate::money::billing::Details;
use crate::money::currency::Currency;
use crate::money::folding::FoldedCharges;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The entries of an account with one pod that runs from `from` on for `minutes`, each minute drawn and
/// topped up.
fn running(pod: &PodId, from: &str, minutes: i64) -> Vec<LedgerEntry> {
    let hourly = Money::from_micros(2_700_001);
    (0..minutes)
        .flat_map(|minute| {
            let from = at(from) + jiff::SignedDuration::from_mins(minute);
            let until = from + jiff::SignedDuration::from_mins(1);
            let charged = hourly.for_seconds(60);
            let entry = |kind, amount, held| LedgerEntry {
                number: 0,
                key: format!("{pod}:0:{minute}"),
                kind,
                amount,
                held,
                at: until,
                details: Details {
                    pod: Some(pod.clone()),
                    pod_name: Some("Training".into()),
                    hourly: Some(hourly),
                    period: Some(Period { from, until }),
                    ..Details::default()
                },
            };
            [
                entry(EntryKind::Usage, -charged, -charged),
                entry(EntryKind::Hold, Money::ZERO, charged),
            ]
        })
        .collect()
}

fn plain(kind: EntryKind, cents: i64, at: Timestamp, note: Option<&str>) -> LedgerEntry {
    LedgerEntry {
        number: 0,
        key: "key".into(),
        kind,
        amount: Money::from_cents(cents),
        held: Money::ZERO,
        at,
        details: Details {
            note: note.map(Into::into),
            ..Details::default()
        },
    }
}

#[test]
fn months_of_minutes_become_a_line_per_day_that_adds_up_to_the_balance() {
    let pod = PodId::random();
    let days = 92;
    let mut entries = vec![plain(
        EntryKind::Deposit,
        500_000,
        at("2026-07-31T23:00:00Z"),
        None,
    )];
    // During it, clocks in Europe change: days are those of UTC, and each has 24 hours.
    entries.extend(running(&pod, "2026-07-31T23:59:00Z", days * 24 * 60));
    let statement = Statement::of(&entries);
    assert_eq!(statement.days.len(), 93, "{:?}", statement.days.keys());
    let balance: Money = entries.iter().map(|entry| entry.amount).sum();
    assert_eq!(statement.total, balance);
    let by_day: Money = statement.days.values().map(|day| day.total).sum();
    let by_kind: Money = statement.by_kind.values().copied().sum();
    assert_eq!((by_day, by_kind), (balance, balance));
    for (date, day) in &statement.days {
        let lines: Money = day.lines.values().map(|line| line.amount).sum();
        let booked = entries.iter().filter(|entry| entry.day() == *date);
        let change: Money = booked.map(|entry| entry.amount).sum();
        assert_eq!((lines, change), (day.total, day.total), "{date}");
    }
    let whole = &statement.days[&date(2026, 10, 25)];
    let (key, line) = whole.lines.first_key_value().unwrap();
    assert_eq!((key.kind, key.pod.as_ref()), (EntryKind::Usage, Some(&pod)));
    let used: Vec<_> = line
        .usage
        .values()
        .map(|used| (used.seconds, used.amount))
        .collect();
    assert_eq!(used, [(24 * 3600, -line.amount)], "a day has 24 hours");
    assert_eq!(statement.pod_name(&pod), Some("Training"));
    assert_eq!(statement.by_pod[&pod].cost, Money::from_cents(500_000) - balance);
}

#[test]
fn unpaid_usage_is_subtracted_and_shown() {
    let pod = PodId::random();
    let mut entries = running(&pod, "2026-01-01T00:00:00Z", 1);
    let unpaid = Money::from_micros(20_000);
    entries.push(LedgerEntry {
        kind: EntryKind::WriteOff,
        amount: unpaid,
        held: Money::ZERO,
        ..entries[0].clone()
    });
    let statement = Statement::of(&entries);
    let day = &statement.days[&date(2026, 1, 1)];
    assert_eq!(day.lines.len(), 1);
    let line = day.lines.values().next().unwrap();
    assert_eq!(
        (line.amount, line.written_off),
        (Money::from_micros(-25_000), unpaid)
    );
    assert_eq!(statement.by_kind.keys().collect::<Vec<_>>(), [&EntryKind::Usage]);
}

#[test]
fn what_has_the_same_note_is_one_line_and_holds_are_none() {
    let day = at("2026-01-01T12:00:00Z");
    let entries = [
        plain(EntryKind::Deposit, 1000, day, None),
        plain(EntryKind::Deposit, 2000, day, None),
        plain(EntryKind::Adjustment, 2000, day, Some("workshop")),
        plain(EntryKind::Adjustment, -500, day, Some("sent twice")),
        plain(EntryKind::Hold, 0, day, None),
        plain(EntryKind::Release, 0, day, None),
    ];
    let statement = Statement::of(&entries);
    let lines = &statement.days[&date(2026, 1, 1)].lines;
    let shown: Vec<_> = lines
        .iter()
        .map(|(key, line)| (key.kind, key.note.as_deref(), line.amount, line.entries))
        .collect();
    assert_eq!(
        shown,
        [
            (EntryKind::Deposit, None, Money::from_cents(3000), 2),
            (
                EntryKind::Adjustment,
                Some("sent twice"),
                Money::from_cents(-500),
                1
            ),
            (
                EntryKind::Adjustment,
                Some("workshop"),
                Money::from_cents(2000),
                1
            ),
        ]
    );
    assert_eq!(statement.entries, 6);
}

#[test]
fn a_folded_charge_is_explained_to_the_micro() {
    let pod = PodId::random();
    let mut entry = running(&pod, "2026-01-01T00:00:00Z", 1).swap_remove(0);
    let until = at("2026-01-02T00:00:00Z");
    entry.details.period = entry.details.period.map(|period| Period { until, ..period });
    // 37 charges, of which each was rounded, with a gap between two of them.
    let (entries, seconds) = (37, 80_000);
    entry.details.folded = Some(FoldedCharges { entries, seconds });
    let exact = Money::from_micros(2_700_001).for_seconds(seconds);
    for (difference, agrees) in [(-38, false), (-37, true), (0, true), (37, true), (38, false)] {
        entry.amount = -exact + Money::from_micros(difference);
        let charge = explain(&entry).unwrap();
        assert_eq!(
            (charge.charges, charge.seconds, charge.agrees),
            (37, 80_000, agrees)
        );
        assert_eq!(charge.amount, if agrees { -entry.amount } else { exact });
    }
    entry.amount = -exact;
    let charge = explain(&entry).unwrap();
    let text = |language| message::charge(&charge, language, &Currency::EUR);
    assert_eq!(
        text(Language::En),
        "2026-01-01 00:00:00 to 2026-01-02 00:00:00 UTC: 80000 s at 2.700001 EUR per hour = 60.000022 EUR, \
         in 37 charges"
    );
    assert_eq!(
        text(Language::Es),
        "2026-01-01 00:00:00 a 2026-01-02 00:00:00 UTC: 80000 s a 2.700001 EUR por hora = 60.000022 EUR, \
         en 37 cargos"
    );
}

#[test]
fn usage_is_on_the_day_of_its_period() {
    let pod = PodId::random();
    let mut entry = running(&pod, "2026-01-01T23:59:00Z", 1).swap_remove(0);
    entry.at = at("2026-01-03T12:00:00Z");
    let statement = Statement::of([&entry]);
    assert_eq!(
        statement.days.keys().copied().collect::<Vec<_>>(),
        [date(2026, 1, 1)]
    );
    entry.details.period = None;
    let statement = Statement::of([&entry]);
    assert_eq!(
        statement.days.keys().copied().collect::<Vec<_>>(),
        [date(2026, 1, 3)]
    );
}

#[test]
fn the_end_of_an_old_hold_is_for_the_pod_of_its_key() {
    let pod = PodId::random();
    let old = |key: String, kind| LedgerEntry {
        key,
        ..plain(kind, -1, Timestamp::UNIX_EPOCH, None)
    };
    for (key, kind, expected) in [
        (format!("{pod}:0"), EntryKind::Settle, Some(pod.clone())),
        (format!("{pod}:0"), EntryKind::Release, Some(pod.clone())),
        (format!("{pod}:0"), EntryKind::Deposit, None),
        (format!("{pod}:x"), EntryKind::Settle, None),
        ("payment-1".into(), EntryKind::Settle, None),
    ] {
        assert_eq!(old(key.clone(), kind).pod(), expected, "{key} {kind:?}");
    }
}
