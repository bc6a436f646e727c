//! The order of pods.

use neuropod::pod::Desired;
use neuropod::{Pod, Status};
use serde::Deserialize;
use utoipa::ToSchema;

use super::place::Key;
use crate::directory::Person;

/// The sort key of pods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Sort {
    /// Their creation times.
    #[default]
    Created,
    /// Their names.
    Name,
    /// The addresses of their owners.
    Owner,
    /// Their GPU types.
    Gpu,
    /// Their nodes.
    Node,
    /// Their statuses.
    Status,
    /// Their current cost per hour.
    Cost,
    /// Their total cost so far.
    Total,
    /// Their use of processor time.
    Cpu,
    /// Their use of GPUs.
    Use,
}

/// The direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Order {
    /// Ascending.
    Asc,
    /// Descending.
    #[default]
    Desc,
}

/// The usage of a pod in percent, as far as it is known.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Use {
    pub(crate) cpu: Option<f64>,
    pub(crate) gpu: Option<f64>,
}

impl Sort {
    pub(super) fn key(self, pod: &Pod, owner: Option<&Person>, uses: &impl Fn(&Pod) -> Use) -> Key {
        let text = |text: &str| Key::Text(text.to_lowercase());
        match self {
            Self::Created => Key::Number(pod.created_at.as_microsecond()),
            Self::Name => text(&pod.name),
            Self::Owner => text(owner.map_or("", |owner| &owner.email)),
            Self::Gpu => text(pod.options.gpu()),
            Self::Node => text(pod.node.as_deref().unwrap_or_default()),
            Self::Status => Key::Number(match pod.status {
                Status::Error => 0,
                Status::Creating => 1,
                Status::Running => 2,
                Status::Stopped => 3,
            }),
            Self::Cost => Key::Number(match pod.desired {
                Desired::Running => pod.price.hourly.micros(),
                _ => pod.price.stopped.micros(),
            }),
            Self::Total => Key::Number(pod.charged.micros()),
            Self::Cpu => Key::Number(tenths(uses(pod).cpu)),
            Self::Use => Key::Number(tenths(uses(pod).gpu)),
        }
    }
}

/// Unknown usage comes before 0.
#[expect(clippy::cast_possible_truncation, reason = "percentages")]
fn tenths(percent: Option<f64>) -> i64 {
    percent.map_or(-1, |percent| (percent * 10.0) as i64)
}
