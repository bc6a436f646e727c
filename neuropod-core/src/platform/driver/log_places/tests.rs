use super::*;

fn places(node: usize, total: usize) -> LogPlaces {
    LogPlaces::new(LogLimits { node, total })
}

/// Adds a log that waits for a place; `""`: its node is not known.
fn waiting(places: &mut LogPlaces, node: &str, rank: Rank) -> Ticket {
    let ticket = places.add((!node.is_empty()).then(|| node.to_owned()));
    places.wait(ticket, rank);
    ticket
}

/// A log that has a place and is silent.
fn resting(places: &mut LogPlaces, node: &str, rank: Rank) -> Ticket {
    let ticket = waiting(places, node, rank);
    assert_eq!(changes(places), [Change::Granted(ticket)]);
    places.rest(ticket);
    ticket
}

fn changes(places: &mut LogPlaces) -> Vec<Change> {
    std::iter::from_fn(|| places.next_change()).collect()
}

#[test]
fn a_full_node_keeps_nobody_waiting_elsewhere() {
    let mut places = places(2, 10);
    let full: Vec<_> = (0..3).map(|_| waiting(&mut places, "a", Rank::Awaited)).collect();
    let free = waiting(&mut places, "b", Rank::Confirming);
    let unknown: Vec<_> = (0..3)
        .map(|_| waiting(&mut places, "", Rank::Confirming))
        .collect();
    let granted = [full[0], full[1], free, unknown[0], unknown[1]].map(Change::Granted);
    assert_eq!(changes(&mut places), granted);
    assert_eq!(places.surplus(), 2);
    places.remove(full[0]);
    assert_eq!(changes(&mut places), [Change::Granted(full[2])]);
    assert!(!places.has_place(unknown[2]));
}

#[test]
fn the_most_urgent_comes_first_then_who_had_fewer_turns_then_who_came_first() {
    let mut places = places(9, 1);
    let open = waiting(&mut places, "a", Rank::Awaited);
    assert_eq!(changes(&mut places), [Change::Granted(open)]);
    let confirming = waiting(&mut places, "a", Rank::Confirming);
    let starting = waiting(&mut places, "b", Rank::Starting);
    let first = waiting(&mut places, "c", Rank::Awaited);
    places.give_back(open);
    // It has had a turn.
    places.wait(open, Rank::Awaited);
    let second = waiting(&mut places, "a", Rank::Awaited);
    for next in [first, second, open, starting, confirming] {
        assert_eq!(changes(&mut places), [Change::Granted(next)]);
        places.remove(next);
    }
    assert_eq!(changes(&mut places), []);
    assert!(places.nodes.is_empty());
}

#[test]
fn silence_is_asked_for_its_place_only_when_somebody_waits() {
    let mut places = places(3, 3);
    let reading = waiting(&mut places, "a", Rank::Awaited);
    assert_eq!(changes(&mut places), [Change::Granted(reading)]);
    let silent = resting(&mut places, "a", Rank::Awaited);
    let longer = resting(&mut places, "a", Rank::Starting);
    let new = waiting(&mut places, "b", Rank::Confirming);
    assert_eq!(
        changes(&mut places),
        [Change::Recalled(longer)],
        "the least urgent"
    );
    assert!(places.is_recalled(longer) && places.has_place(longer));
    assert_eq!(changes(&mut places), [], "one for one");
    let second = waiting(&mut places, "b", Rank::Awaited);
    let third = waiting(&mut places, "b", Rank::Awaited);
    assert_eq!(
        changes(&mut places),
        [Change::Recalled(silent)],
        "one still reads"
    );
    places.give_back(longer);
    assert_eq!(changes(&mut places), [Change::Granted(second)]);
    places.give_back(silent);
    assert_eq!(changes(&mut places), [Change::Granted(third)]);
    places.remove(reading);
    assert_eq!(changes(&mut places), [Change::Granted(new)]);
}

#[test]
fn on_a_full_node_one_of_its_own_logs_gives_way() {
    let mut places = places(1, 3);
    let there = resting(&mut places, "a", Rank::Confirming);
    let here = resting(&mut places, "b", Rank::Awaited);
    let new = waiting(&mut places, "b", Rank::Awaited);
    assert_eq!(changes(&mut places), [Change::Recalled(here)]);
    let another = waiting(&mut places, "b", Rank::Awaited);
    assert_eq!(
        changes(&mut places),
        [],
        "the place of another node does not help"
    );
    places.give_back(here);
    assert_eq!(changes(&mut places), [Change::Granted(new)]);
    // As many as are open at most, and one of the node: the other node keeps its place.
    places.rest(new);
    assert_eq!(changes(&mut places), [Change::Recalled(new)]);
    places.remove(new);
    assert_eq!(changes(&mut places), [Change::Granted(another)]);
    assert!(places.has_place(there));
}

#[test]
fn with_all_places_taken_a_log_gives_way_to_a_free_node_but_not_to_a_full_one() {
    let mut places = places(2, 3);
    let reading: Vec<_> = (0..2).map(|_| waiting(&mut places, "a", Rank::Awaited)).collect();
    assert_eq!(changes(&mut places).len(), 2);
    let silent = resting(&mut places, "b", Rank::Awaited);
    let here = waiting(&mut places, "a", Rank::Awaited);
    assert_eq!(
        changes(&mut places),
        [],
        "its node is full, whoever gives way elsewhere"
    );
    let there = waiting(&mut places, "c", Rank::Confirming);
    assert_eq!(changes(&mut places), [Change::Recalled(silent)]);
    places.give_back(silent);
    assert_eq!(changes(&mut places), [Change::Granted(there)]);
    places.remove(reading[0]);
    assert_eq!(changes(&mut places), [Change::Granted(here)]);
}

#[test]
fn a_cluster_that_opens_no_more_logs_has_fewer_places_for_a_while() {
    let mut places = places(9, 9);
    let silent = resting(&mut places, "a", Rank::Awaited);
    let refused = waiting(&mut places, "b", Rank::Awaited);
    assert_eq!(changes(&mut places), [Change::Granted(refused)]);
    places.note_refused(refused);
    places.wait(refused, Rank::Awaited);
    assert_eq!(changes(&mut places), [Change::Recalled(silent)]);
    places.give_back(silent);
    assert_eq!(changes(&mut places), [Change::Granted(refused)]);
    places.wait(silent, Rank::Awaited);
    for _ in 0..RAISED_AFTER {
        assert_eq!(changes(&mut places), []);
        places.note_opened();
    }
    assert_eq!(changes(&mut places), [Change::Granted(silent)]);
    places.note_refused(silent);
    places.note_refused(refused);
    places.wait(refused, Rank::Awaited);
    assert_eq!(
        changes(&mut places),
        [Change::Granted(refused)],
        "there is always one"
    );
}

#[test]
fn a_quarter_of_the_places_of_a_full_cluster_is_left_to_others() {
    let mut places = places(9, 9);
    let silent: Vec<_> = (0..8).map(|_| resting(&mut places, "a", Rank::Awaited)).collect();
    let refused = waiting(&mut places, "b", Rank::Awaited);
    assert_eq!(changes(&mut places), [Change::Granted(refused)]);
    places.note_refused(refused);
    assert_eq!(changes(&mut places), [], "nobody waits");
    places.wait(refused, Rank::Awaited);
    for silent in &silent[..3] {
        assert_eq!(changes(&mut places), [Change::Recalled(*silent)]);
        places.give_back(*silent);
    }
    assert_eq!(changes(&mut places), [Change::Granted(refused)], "the sixth");
}

/// Logs come, wait, rest, give back and go in any order.
#[test]
fn whatever_happens_the_limits_hold_and_no_place_is_lost() {
    let mut random = fastrand::Rng::with_seed(7);
    let mut places = places(3, 7);
    let mut tickets = Vec::new();
    for _ in 0..5_000 {
        let ticket = tickets.get(random.usize(..tickets.len().max(1))).copied();
        match (random.u8(..6), ticket) {
            (0, _) | (_, None) if tickets.len() < 40 => {
                let on = (!random.bool()).then(|| random.char('a'..='d').to_string());
                tickets.push(places.add(on));
            }
            (1, Some(ticket)) => {
                places.remove(ticket);
                tickets.retain(|other| *other != ticket);
            }
            (2 | 3, Some(ticket)) if places.logs[&ticket].state == State::Away => {
                places.wait(
                    ticket,
                    *random.choice(&[Rank::Awaited, Rank::Confirming]).unwrap(),
                );
            }
            (4, Some(ticket)) => places.rest(ticket),
            (_, Some(ticket)) if places.has_place(ticket) => places.give_back(ticket),
            _ => {}
        }
        changes(&mut places);
        let open = |log: &&Log| is_open(log.state);
        let count = |log: &dyn Fn(&&Log) -> bool| places.logs.values().filter(|it| log(it)).count();
        assert_eq!(places.open, count(&open));
        assert!(places.open <= 7);
        let recalled = count(&|log| log.state == State::Recalled);
        assert_eq!(places.recalled, recalled);
        for (name, node) in &places.nodes {
            let here = |log: &&Log| log.node == *name;
            assert_eq!(node.open, count(&|log| here(log) && open(log)));
            assert!(node.open <= 3);
            assert_eq!(node.logs, count(&here));
            assert!(
                node.waiting.is_empty() || node.open == 3 || places.open == 7,
                "a free place"
            );
        }
    }
}
