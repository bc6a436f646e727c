//! The list of the arrows that are still part of a circle, one on each line.

use std::{collections::BTreeSet, fmt};

/// An arrow inside a circle of a package, from file to file; paths are relative to the package, with `/`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Known {
    pub(super) package: String,
    pub(super) from: String,
    pub(super) to: String,
}

impl fmt::Display for Known {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { package, from, to } = self;
        write!(formatter, "{package}: {from} -> {to}")
    }
}

const HEAD: &str = "\
# Arrows between files of a package that are part of a circle. The list may only get shorter:
# `cargo xtask circles` fails on an arrow that is missing here and on a line that is no longer true.
# After a change or a merge, `cargo xtask circles --update` rewrites it, unless it would get longer.
";

/// Parses a list. Comments, and markers of a merge, are ignored.
pub(super) fn parse(text: &str) -> BTreeSet<Known> {
    let arrow = |line: &str| {
        let (package, arrow) = line.split_once(": ")?;
        let (from, to) = arrow.split_once(" -> ")?;
        Some(Known {
            package: package.to_owned(),
            from: from.to_owned(),
            to: to.trim_end().to_owned(),
        })
    };
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(arrow)
        .collect()
}

/// The text of a list.
pub(super) fn print(arrows: &BTreeSet<Known>) -> String {
    let lines = arrows.iter().map(|arrow| format!("{arrow}\n"));
    HEAD.to_owned() + &lines.collect::<String>()
}

/// The difference between the arrows found and the list.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Difference {
    pub(super) new: Vec<Known>,
    /// Lines that are no longer true.
    pub(super) stale: Vec<Known>,
}

/// Compares the arrows that were found with the list.
pub(super) fn compare(found: &BTreeSet<Known>, listed: &BTreeSet<Known>) -> Difference {
    Difference {
        new: found.difference(listed).cloned().collect(),
        stale: listed.difference(found).cloned().collect(),
    }
}
