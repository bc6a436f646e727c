//! The quickstart of the README, as a program of its own.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

#[path = "common/example.rs"]
mod example;

use std::time::{Duration, Instant};

use neuropod_test_cluster::measured;

/// Its output in this language, and its duration.
fn output_and_time(language: &[&str]) -> (String, Duration) {
    let begun = Instant::now();
    (example::output("quickstart", language), begun.elapsed())
}

fn in_turn(output: &str, steps: &[&str]) {
    let mut lines = output.lines();
    for step in steps {
        assert!(
            lines.any(|line| line.contains(step)),
            "no {step:?} in its turn: {output}"
        );
    }
}

#[test]
fn it_shows_the_whole_life_of_a_pod_on_the_simulated_cluster() {
    let (output, time) = output_and_time(&[]);
    in_turn(
        &output,
        &[
            "created: ",
            "pulling the image",
            "ready",
            "Jupyter Lab: https://quickstart-",
            "the end of its log:",
            "it works for 3600 s",
            "  stopped",
            "starting it again",
            "ready",
            "deleting it, with its volume",
            "the bill:",
            " EUR per hour: ",
            "and 0.00 EUR are held",
        ],
    );
    let addresses = output
        .lines()
        .filter_map(|line| line.split_once("?token="))
        .filter(|(line, _)| line.contains("https://"));
    let tokens: Vec<_> = addresses.map(|(_, token)| token).collect();
    assert_eq!(tokens.len(), 2);
    assert_ne!(tokens[0], tokens[1], "a new run has a new token");
    let (_, paid) = output.split_once("paid: ").unwrap();
    let paid: f64 = paid.split_whitespace().next().unwrap().parse().unwrap();
    // An hour of a pod without GPU, with its disks.
    assert!((0.30..1.00).contains(&paid), "{paid}: {output}");
    measured(format_args!("the quickstart took {:.2} s", time.as_secs_f64()));
}

#[test]
fn it_prints_one_language_for_people() {
    let (english, _) = output_and_time(&[]);
    let (spanish, _) = output_and_time(&["--language", "es"]);
    in_turn(
        &spanish,
        &[
            "creado: ",
            "descargando la imagen",
            "listo",
            "detenido",
            "eliminado",
            "pagado: ",
        ],
    );
    for word in ["created", "ready", "stopped", "deleting", "paid", "held"] {
        assert!(
            english.contains(word) && !spanish.contains(word),
            "{word}: {spanish}"
        );
    }
    assert!(
        !english.contains("Servicio") && english.contains("port 7860: "),
        "{english}"
    );
    // `Debug` shows names of types and fields.
    for sign in ["PullingImage", "Some(", " { ", "::", "Ready", "PodId"] {
        assert!(
            !english.contains(sign) && !spanish.contains(sign),
            "{sign}: {english}"
        );
    }
}
