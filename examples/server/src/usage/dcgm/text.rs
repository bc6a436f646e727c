//! Parses the texts of exporters into the use of each pod's GPUs: plain functions.

use std::collections::{BTreeMap, HashMap};

/// The use of a GPU in percent; the second name is that of the exporter's first version.
const UTILIZATION: [&str; 2] = ["DCGM_FI_DEV_GPU_UTIL", "dcgm_gpu_utilization"];
/// The share of time in which the engine of a GPU works (0 to 1): the only figure for slices of a GPU (MIG).
const ENGINE: &str = "DCGM_FI_PROF_GR_ENGINE_ACTIVE";
/// The maximum figure of an engine. It may slightly exceed 1, because it is measured in parts.
const ENGINE_MOST: f32 = 1.01;
/// The labels with the namespace and the name of a pod. A Prometheus between us and the exporter sets `pod` to
/// the exporter's own and adds `exported_` to the original labels (`honor_labels: false`); the first version
/// had other names.
const POD_LABELS: [(&str, &str); 4] = [
    ("exported_namespace", "exported_pod"),
    ("exported_pod_namespace", "exported_pod_name"),
    ("pod_namespace", "pod_name"),
    ("namespace", "pod"),
];

/// The namespace and name of a pod in the cluster.
pub(crate) type Name = (String, String);
type Labels<'a> = HashMap<&'a str, String>;

/// A GPU, or a slice of one: its id or place, and the slice.
type Gpu = (String, String);

/// The figures of one GPU.
#[derive(Debug, Default)]
struct Figures {
    utilization: Option<f32>,
    engine: Option<f32>,
}

/// The use of each pod's GPUs in percent, as their mean. A GPU that is reported several times (by two
/// exporters, by Prometheus and the exporter, as several shares of one pod) counts once.
pub(crate) fn percent<'a>(texts: impl IntoIterator<Item = &'a String>) -> HashMap<Name, f32> {
    let mut pods: HashMap<Name, BTreeMap<Gpu, Figures>> = HashMap::new();
    for line in texts.into_iter().flat_map(|text| text.lines()) {
        let Some((metric, labels, value)) = sample(line) else {
            continue;
        };
        let (utilization, engine) = (UTILIZATION.contains(&metric), metric == ENGINE);
        let Some(name) = pod(&labels).filter(|_| utilization || engine) else {
            continue;
        };
        let figures = pods.entry(name).or_default().entry(gpu(&labels)).or_default();
        // A blank value, as after a restart of the driver, is a number beyond the range.
        if utilization && (0.0..=100.0).contains(&value) {
            figures.utilization = Some(value);
        } else if engine && (0.0..=ENGINE_MOST).contains(&value) {
            figures.engine = Some((value * 100.0).min(100.0));
        }
    }
    let mean = |(name, gpus): (Name, BTreeMap<Gpu, Figures>)| {
        let known = gpus.iter().filter_map(|((_, slice), figures)| {
            let Figures { utilization, engine } = figures;
            // For a slice, the utilization is that of the whole GPU.
            if slice.is_empty() {
                utilization.or(*engine)
            } else {
                engine.or(*utilization)
            }
        });
        let (sum, count) = known.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
        (count > 0.0).then(|| (name, sum / count))
    };
    pods.into_iter().filter_map(mean).collect()
}

/// The pod of a sample.
fn pod(labels: &Labels<'_>) -> Option<Name> {
    let label = |name: &str| labels.get(name).filter(|value| !value.is_empty()).cloned();
    POD_LABELS
        .iter()
        .find_map(|(namespace, pod)| Some((label(namespace)?, label(pod)?)))
}

/// The GPU of a sample.
fn gpu(labels: &Labels<'_>) -> Gpu {
    let label = |name: &str| labels.get(name).map_or("", String::as_str);
    let id = ["UUID", "uuid"]
        .iter()
        .map(|name| label(name))
        .find(|id| !id.is_empty());
    let place = || format!("{}/{}/{}", label("Hostname"), label("gpu"), label("device"));
    (
        id.map_or_else(place, ToOwned::to_owned),
        label("GPU_I_ID").to_owned(),
    )
}

/// A sample of the text format: the name of the metric, its labels and its value. `None`: the line is not a
/// sample.
fn sample(line: &str) -> Option<(&str, Labels<'_>, f32)> {
    let (metric, mut rest) = line.trim_start().split_once('{')?;
    let mut labels = HashMap::new();
    loop {
        rest = rest.trim_start_matches([',', ' ', '\t']);
        if let Some(after) = rest.strip_prefix('}') {
            rest = after;
            break;
        }
        let (name, after) = rest.split_once('=')?;
        let (value, after) = quoted(after.trim_start().strip_prefix('"')?)?;
        labels.insert(name.trim(), value);
        rest = after;
    }
    let value = rest.split_whitespace().next()?.parse().ok()?;
    Some((metric.trim(), labels, value))
}

/// The text up to the closing quote, without escapes (`\\`, `\"`, `
/// `), and the rest after it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => match characters.next()?.1 {
                'n' => value.push('\n'),
                escaped => value.push(escaped),
            },
            c => value.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde::Deserialize;

    use super::*;

    /// A text, and the expected namespace, name, use and number of GPUs of each pod.
    #[derive(Deserialize)]
    struct Trial {
        source: String,
        text: String,
        expect: Vec<(String, String, f32, f32)>,
    }

    fn percent_of(text: &str) -> HashMap<Name, f32> {
        percent([&text.to_owned()])
    }

    fn name(pod: &str) -> Name {
        ("neuropod".to_owned(), pod.to_owned())
    }

    #[test]
    fn each_trial_is_as_expected() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/trials/dcgm");
        let files: Vec<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|file| file.unwrap().path())
            .collect();
        assert!(files.len() >= 7, "{} trials", files.len());
        for path in files {
            let trial: Trial = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
            let why = format!("{}: {}", path.display(), trial.source);
            // However often it is repeated, it is one GPU.
            for texts in [vec![&trial.text], vec![&trial.text, &trial.text]] {
                let found = percent(texts);
                assert_eq!(found.len(), trial.expect.len(), "{why}: {found:?}");
                for (namespace, pod, sum, count) in &trial.expect {
                    let found = found[&(namespace.clone(), pod.clone())];
                    assert!((found - sum / count).abs() < 0.01, "{why}: {pod}: {found}");
                }
            }
        }
    }

    #[test]
    fn reads_what_the_exporter_writes() {
        let text = r#"# HELP DCGM_FI_DEV_GPU_UTIL GPU utilization (in %).
# TYPE DCGM_FI_DEV_GPU_UTIL gauge
DCGM_FI_DEV_GPU_UTIL{gpu="0",UUID="GPU-1",device="nvidia0",modelName="NVIDIA GeForce RTX 4090",Hostname="n1",container="main",namespace="neuropod",pod="lab-k3j5qzx2ab"} 40
DCGM_FI_DEV_GPU_UTIL{gpu="1",UUID="GPU-2",device="nvidia1",container="main",namespace="neuropod",pod="lab-k3j5qzx2ab"} 60
DCGM_FI_DEV_GPU_UTIL{gpu="2",UUID="GPU-3",container="",namespace="",pod=""} 7
DCGM_FI_DEV_GPU_UTIL{gpu="3",namespace="neuropod",pod="b"} NaN
DCGM_FI_DEV_FB_USED{gpu="0",namespace="neuropod",pod="lab-k3j5qzx2ab"} 9
"#;
        assert_eq!(percent_of(text), HashMap::from([(name("lab-k3j5qzx2ab"), 50.0)]));
    }

    #[test]
    fn gpus_are_distinguished_and_counted_once() {
        for (text, expected) in [
            // Without an id they are distinguished by their place.
            (
                r#"X{gpu="0",Hostname="a",namespace="neuropod",pod="p"} 10
X{gpu="1",Hostname="a",namespace="neuropod",pod="p"} 20
X{gpu="0",Hostname="b",namespace="neuropod",pod="p"} 60"#,
                30.0,
            ),
            // From the exporter and from Prometheus.
            (
                r#"X{gpu="0",UUID="1",namespace="neuropod",pod="p"} 10
X{gpu="0",UUID="1",exported_namespace="neuropod",exported_pod="p",namespace="ops",pod="e"} 10
X{gpu="1",UUID="2",namespace="neuropod",pod="p"} 40"#,
                25.0,
            ),
            // Two shares of one GPU in one pod.
            (
                r#"X{gpu="0",UUID="1",vgpu="0",namespace="neuropod",pod="p"} 80
X{gpu="0",UUID="1",vgpu="1",namespace="neuropod",pod="p"} 80
X{gpu="1",UUID="2",vgpu="0",namespace="neuropod",pod="p"} 20"#,
                50.0,
            ),
            // Two slices of one GPU; its own figure is that of all its slices.
            (
                r#"E{gpu="0",UUID="1",GPU_I_ID="1",namespace="neuropod",pod="p"} 0.5
X{gpu="0",UUID="1",GPU_I_ID="1",namespace="neuropod",pod="p"} 99
E{gpu="0",UUID="1",GPU_I_ID="2",namespace="neuropod",pod="p"} 1.004"#,
                75.0,
            ),
            // Both figures of a whole GPU.
            (
                r#"E{gpu="0",UUID="1",namespace="neuropod",pod="p"} 0.5
X{gpu="0",UUID="1",namespace="neuropod",pod="p"} 40"#,
                40.0,
            ),
            // The first version of the exporter.
            (
                r#"dcgm_gpu_utilization{gpu="0",uuid="1",container_name="main",pod_name="p",pod_namespace="neuropod"} 5"#,
                5.0,
            ),
            (
                r#"X{gpu="0",UUID="1",pod_name="p",pod_namespace="neuropod",namespace="ops",pod="e"} 6"#,
                6.0,
            ),
            // A time, spaces, an exemplar, a comma at the end.
            (
                r#"X{gpu="0", UUID="1", namespace="neuropod", pod="p",} 7 1767323045000 # {a="}"} 9"#,
                7.0,
            ),
        ] {
            let text = text.replace("X{", "DCGM_FI_DEV_GPU_UTIL{");
            let text = text.replace("E{", "DCGM_FI_PROF_GR_ENGINE_ACTIVE{");
            assert_eq!(
                percent_of(&text),
                HashMap::from([(name("p"), expected)]),
                "{text}"
            );
        }
    }

    #[test]
    fn invalid_lines_are_ignored() {
        for line in [
            "",
            "DCGM_FI_DEV_GPU_UTIL 7",
            "DCGM_FI_DEV_GPU_UTIL{",
            r#"DCGM_FI_DEV_GPU_UTIL{namespace="neuropod",pod="p"}"#,
            r#"DCGM_FI_DEV_GPU_UTIL{namespace="neuropod",pod="p"} full"#,
            r#"DCGM_FI_DEV_GPU_UTIL{namespace="neuropod",pod="p} 7"#,
            r#"DCGM_FI_DEV_GPU_UTIL{namespace="neuropod",pod=p} 7"#,
            r#"DCGM_FI_DEV_GPU_UTIL{namespace="neuropod",pod="p\"} 7"#,
            r#"DCGM_FI_DEV_GPU_UTIL{namespace="neuropod",pod="p"} -1"#,
            r#"DCGM_FI_PROF_GR_ENGINE_ACTIVE{namespace="neuropod",pod="p"} 37"#,
            r#"DCGM_FI_PROF_GR_ENGINE_ACTIVE{namespace="neuropod",pod="p"} 140737488355328"#,
            r#"XDCGM_FI_DEV_GPU_UTIL{namespace="neuropod",pod="p"} 7"#,
        ] {
            assert_eq!(percent_of(line), HashMap::new(), "{line}");
        }
    }
}
