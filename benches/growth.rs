//! What 100 to 100,000 pods cost the stores and the cluster, counted in virtual time: at rest, at midnight, after an
//! interruption of the watch, after an outage of the store, and when a new driver begins.
//! `cargo bench --bench growth -- [sqlite | postgres] [PODS …]`. With a database, records and money are there, and the seconds
//! are those that it takes: an hour at rest has to take less than 3,600.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    missing_docs,
    reason = "a measurement"
)]

#[path = "../tests/common/mod.rs"]
mod common;
#[path = "../tests/scale/mod.rs"]
mod scale;

use self::scale::{costs, costs_in_file, costs_on_postgres};

fn main() {
    // `cargo test` also runs it, to check that it builds.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let asked: Vec<usize> = std::env::args()
        .filter_map(|argument| argument.parse().ok())
        .collect();
    let sizes = if asked.is_empty() {
        vec![100, 1_000, 10_000, 100_000]
    } else {
        asked
    };
    let named = |name: &str| std::env::args().any(|argument| argument == name);
    println!("For each pod; the busiest second's writes, calls and lists in all; the real time");
    for pods in sizes {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap();
        println!(
            "\n{:<24}{:>9}{:>9}{:>9}{:>9}{:>9}{:>7}{:>10}",
            format!("{pods} pods"),
            "reads",
            "writes",
            "records",
            "busiest",
            "calls",
            "lists",
            "seconds"
        );
        let costs = runtime.block_on(async {
            if named("sqlite") {
                costs_in_file(pods).await
            } else if named("postgres") {
                costs_on_postgres(pods).await
            } else {
                costs(pods).await
            }
        });
        for cost in costs.phases {
            let each = |count: usize| count as f64 / pods as f64;
            println!(
                "{:<24}{:>9.3}{:>9.3}{:>9.3}{:>9}{:>9.3}{:>7}{:>10.1}",
                cost.phase,
                each(cost.reads),
                each(cost.writes),
                each(cost.records),
                cost.busiest,
                each(cost.calls),
                cost.lists,
                cost.took.as_secs_f64()
            );
        }
        let times = costs.calls_at_start;
        let at = |part: usize| times[(times.len() - 1) * part / 100].as_secs_f64() * 1000.0;
        println!(
            "calls while a new driver begins, ms: median {:.1}, p99 {:.1}",
            at(50),
            at(99)
        );
    }
}
