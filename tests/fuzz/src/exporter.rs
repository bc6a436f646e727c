//! The text of a DCGM exporter.

use neuropod_server::fuzzing::gpu_percent;

/// The use of GPUs is a percentage whatever an exporter writes, and repeated reports count once.
pub fn exporter_text(data: &[u8]) {
    let text = String::from_utf8_lossy(data).into_owned();
    let percent = gpu_percent(std::slice::from_ref(&text));
    for ((namespace, pod), percent) in &percent {
        assert!(
            (0.0..=100.0).contains(percent),
            "{namespace}/{pod} uses {percent} %"
        );
        assert!(!namespace.is_empty() && !pod.is_empty(), "a pod without a name");
    }
    let twice = gpu_percent(&[text.clone(), text]);
    assert_eq!(percent, twice, "two exporters report the same GPUs");
}
