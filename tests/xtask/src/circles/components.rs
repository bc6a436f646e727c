//! Finds circles in a graph.

use std::collections::{BTreeMap, BTreeSet};

/// The groups of nodes that all reach each other, each of at least two nodes, in order of their first node.
pub(super) fn circles<Node: Copy + Ord>(arrows: &BTreeSet<(Node, Node)>) -> Vec<BTreeSet<Node>> {
    let mut next: BTreeMap<Node, Vec<Node>> = BTreeMap::new();
    for (from, to) in arrows {
        next.entry(*from).or_default().push(*to);
    }
    let reached: BTreeMap<Node, BTreeSet<Node>> =
        next.keys().map(|node| (*node, reach(*node, &next))).collect();
    let leads_to = |from: Node, to: Node| reached.get(&from).is_some_and(|nodes| nodes.contains(&to));

    let mut circles: Vec<BTreeSet<Node>> = Vec::new();
    for node in reached.keys().filter(|node| leads_to(**node, **node)) {
        if circles.iter().any(|circle| circle.contains(node)) {
            continue;
        }
        let others = reached
            .keys()
            .filter(|other| leads_to(*node, **other) && leads_to(**other, *node));
        let circle: BTreeSet<Node> = others.copied().collect();
        if circle.len() > 1 {
            circles.push(circle);
        }
    }
    circles
}

/// The nodes that can be reached from `start` by at least one arrow.
fn reach<Node: Copy + Ord>(start: Node, next: &BTreeMap<Node, Vec<Node>>) -> BTreeSet<Node> {
    let mut reached = BTreeSet::new();
    let mut waiting = vec![start];
    while let Some(node) = waiting.pop() {
        for to in next.get(&node).into_iter().flatten() {
            if reached.insert(*to) {
                waiting.push(*to);
            }
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_circle_reaches_itself_through_others() {
        let arrows = [(1, 2), (2, 3), (3, 1), (3, 4), (4, 5), (6, 7), (7, 6), (8, 8)];
        assert_eq!(
            circles(&arrows.into()),
            [BTreeSet::from([1, 2, 3]), BTreeSet::from([6, 7])]
        );
    }
}
