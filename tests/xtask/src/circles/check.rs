//! The command: finds the circles of all packages and compares them with the list.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use anyhow::{Context, Result, ensure};
use clap::Args;

use super::{
    arrows::{Place, arrows},
    components,
    list::{self, Difference, Known},
    modules::Crate,
};
use crate::workspace::{self, packages};

/// The number of places shown for each arrow.
const PLACES_SHOWN: usize = 3;

/// The options of the command.
#[derive(Args)]
pub(crate) struct Options {
    /// Show all arrows with their places, not only new ones
    #[arg(long)]
    arrows: bool,
    /// Rewrite `circles.txt`, unless it would get longer
    #[arg(long)]
    update: bool,
}

/// The arrows that are part of a circle, with their places, circle by circle.
pub(super) type Circle = BTreeMap<Known, Vec<Place>>;

/// Fails if files of a package import or call each other in a circle that is not in `tests/xtask/circles.txt`, or if
/// that list has a line that is no longer true.
pub(crate) fn check(options: &Options) -> Result<()> {
    let mut circles = Vec::new();
    for package in packages()? {
        let folder = package
            .manifest_path
            .parent()
            .context("the folder of a package")?;
        for root in package.program_roots() {
            circles.extend(circles_of(&package.name, folder, root)?);
        }
    }
    let found: BTreeSet<Known> = circles.iter().flat_map(BTreeMap::keys).cloned().collect();
    let path = workspace::root().join("tests/xtask/circles.txt");
    let listed = list::parse(&fs::read_to_string(&path).context("read the list of circles")?);
    let Difference { new, stale } = list::compare(&found, &listed);

    for circle in &circles {
        print_circle(circle, |arrow| options.arrows || new.contains(arrow));
    }
    println!("{} circles of {} arrows", circles.len(), found.len());
    if options.update {
        ensure!(
            found.len() <= listed.len(),
            "the list would grow from {} to {} arrows; if that can't be helped, add the lines by hand",
            listed.len(),
            found.len()
        );
        return fs::write(&path, list::print(&found)).context("write the list of circles");
    }
    for arrow in &new {
        println!("new: {arrow}");
    }
    for arrow in &stale {
        println!("no longer true: {arrow}");
    }
    ensure!(
        new.is_empty() && stale.is_empty(),
        "{} arrows in circles are new; {} lines of {} are no longer true (--update removes those)",
        new.len(),
        stale.len(),
        path.display()
    );
    Ok(())
}

/// The circles among the files of the crate with the root file `root`, in the package in `folder`.
pub(super) fn circles_of(package: &str, folder: &Path, root: &Path) -> Result<Vec<Circle>> {
    let source = Crate::read(root)?;
    let mut arrows = arrows(&source);
    let pairs = arrows.keys().copied().collect();
    let name = |file: usize| {
        let path = &source.files[file];
        let parts = path.strip_prefix(folder).unwrap_or(path).iter();
        let parts: Vec<_> = parts.map(|part| part.to_string_lossy()).collect();
        parts.join("/")
    };
    let mut circles = Vec::new();
    for circle in components::circles(&pairs) {
        let inside = arrows.extract_if(.., |(from, to), _| circle.contains(from) && circle.contains(to));
        let named = inside.map(|((from, to), places)| {
            let known = Known {
                package: package.to_owned(),
                from: name(from),
                to: name(to),
            };
            (known, places)
        });
        circles.push(named.collect());
    }
    Ok(circles)
}

/// Prints the size of a circle, and the arrows for which `shown` is true.
fn print_circle(circle: &Circle, shown: impl Fn(&Known) -> bool) {
    let files: BTreeSet<&str> = circle.keys().map(|arrow| arrow.from.as_str()).collect();
    if let Some(first) = circle.keys().next() {
        let (package, from) = (&first.package, &first.from);
        println!("{package}: {} files in a circle with {from}", files.len());
    }
    for (arrow, places) in circle.iter().filter(|(arrow, _)| shown(arrow)) {
        let places: BTreeSet<&Place> = places.iter().collect();
        let first = places
            .iter()
            .take(PLACES_SHOWN)
            .map(|place| format!("{} (line {})", place.what, place.line));
        let first: Vec<_> = first.collect();
        let more = if places.len() > PLACES_SHOWN { ", …" } else { "" };
        println!("  {} -> {}: {}{more}", arrow.from, arrow.to, first.join(", "));
    }
}
