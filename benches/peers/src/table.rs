//! What is printed: tables in Markdown, so that they can be put into the README as they are.

use std::fmt;
use std::time::Duration;

use anyhow::{Context, Result};
use comfy_table::presets::ASCII_MARKDOWN;
use comfy_table::{CellAlignment, Table as Grid};

/// The figures that have goals.
#[derive(Default)]
pub(crate) struct Report {
    pub(crate) goals: Vec<Goal>,
}

/// Figures of one kind, the first column with names.
pub(crate) struct Table {
    pub(crate) title: String,
    pub(crate) header: Vec<String>,
    pub(crate) rows: Vec<Vec<String>>,
}

impl Table {
    /// Prints it at once, so that it is there even if what follows fails.
    pub(crate) fn print(&self) {
        println!("\n{}\n\n{}", self.title, grid(&self.header, &self.rows));
    }
}

/// A figure with its goal, if it has one.
pub(crate) struct Goal {
    what: String,
    value: f64,
    bound: Option<Bound>,
}

#[derive(Clone, Copy)]
enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

impl Goal {
    /// How many times the second the first takes.
    pub(crate) fn ratio(what: String, times: [Result<Duration>; 2], at_most: Option<f64>) -> Result<Self> {
        let [ours, theirs] = times;
        Ok(Self {
            what,
            value: ours?.as_secs_f64() / theirs?.as_secs_f64(),
            bound: at_most.map(Bound::AtMost),
        })
    }

    /// A figure that should be large.
    pub(crate) fn at_least(what: String, value: f64, least: f64) -> Self {
        let bound = Some(Bound::AtLeast(least));
        Self { what, value, bound }
    }

    /// A figure that should be small.
    pub(crate) fn at_most(what: String, value: f64, most: f64) -> Self {
        let bound = Some(Bound::AtMost(most));
        Self { what, value, bound }
    }

    /// A figure without a goal.
    pub(crate) fn none(what: String, value: f64) -> Self {
        let bound = None;
        Self { what, value, bound }
    }

    fn row(&self) -> [String; 4] {
        let (goal, stands) = match self.bound {
            None => (String::new(), ""),
            Some(Bound::AtMost(most)) => (format!("≤ {most}"), stands(self.value <= most)),
            Some(Bound::AtLeast(least)) => (format!("≥ {least}"), stands(self.value >= least)),
        };
        [
            self.what.clone(),
            format!("{:.2}", self.value),
            goal,
            stands.into(),
        ]
    }
}

fn stands(is_met: bool) -> &'static str {
    if is_met { "met" } else { "missed" }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let header = ["figure", "value", "goal", "stands"].map(String::from);
        let rows: Vec<_> = self.goals.iter().map(|goal| goal.row().to_vec()).collect();
        write!(f, "\n{}", grid(&header, &rows))
    }
}

fn grid(header: &[String], rows: &[Vec<String>]) -> Grid {
    let mut grid = Grid::new();
    grid.load_style(ASCII_MARKDOWN).set_header(header);
    grid.add_rows(rows);
    for column in grid.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    grid
}

/// The middle one.
///
/// # Errors
/// If there is none.
pub(crate) fn median(mut times: Vec<Duration>) -> Result<Duration> {
    times.sort_unstable();
    times
        .get(times.len() / 2)
        .copied()
        .context("nothing was measured")
}

/// Milliseconds with two digits, or with one from ten on.
pub(crate) fn milliseconds(time: Duration) -> String {
    let milliseconds = time.as_secs_f64() * 1000.0;
    if milliseconds < 10.0 {
        format!("{milliseconds:.2}")
    } else {
        format!("{milliseconds:.1}")
    }
}

/// A count as a number to divide.
pub(crate) fn number(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goal_that_is_missed_is_called_so() {
        let ratio = |ours| {
            let times = [ours, 100].map(|milliseconds| Ok(Duration::from_millis(milliseconds)));
            Goal::ratio("a".into(), times, Some(1.05)).unwrap().row()
        };
        assert_eq!(ratio(105), ["a", "1.05", "≤ 1.05", "met"]);
        assert_eq!(ratio(120), ["a", "1.20", "≤ 1.05", "missed"]);
        assert_eq!(
            Goal::at_least("b".into(), 1.5, 2.0).row(),
            ["b", "1.50", "≥ 2", "missed"]
        );
    }
}
