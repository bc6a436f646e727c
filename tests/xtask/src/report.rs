//! Shows the results.

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

use crate::run::Outcome;

/// Prints a table of all suites, their measurements and, as the last line, the sums, which it returns.
pub(crate) fn print(outcomes: &[(String, Outcome)]) -> Outcome {
    let mut table = Table::new();
    table
        .load_style(presets::UTF8_BORDERS_ONLY)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(["suite", "passed", "failed", "skipped", "seconds", "reason"]);
    let mut total = Outcome::default();
    for (name, outcome) in outcomes {
        let mut reasons = outcome.reasons.clone();
        reasons.dedup();
        table.add_row([
            name.clone(),
            outcome.passed.to_string(),
            outcome.failed.to_string(),
            outcome.skipped.to_string(),
            outcome.took.as_secs().to_string(),
            reasons.join("\n"),
        ]);
        total.passed += outcome.passed;
        total.failed += outcome.failed;
        total.skipped += outcome.skipped;
    }
    for column in table.column_iter_mut().skip(1).take(4) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    println!("\n{table}");
    for (name, outcome) in outcomes {
        for what in &outcome.measured {
            println!("{name}: {what}");
        }
    }
    println!(
        "{} passed, {} failed, {} skipped",
        total.passed, total.failed, total.skipped
    );
    total
}
