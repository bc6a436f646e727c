//! The initial data of each run of a pod.

use crate::cluster::observation::Step;
use crate::money::meter::Price;
use crate::pod::options::{Jupyter, PodOptions};
use crate::pod::record::{Desired, Login, Pod, Status};
use crate::token::secret::AccessToken;

/// Makes the record ask for a new run: a new container with a new token, at this price.
pub(crate) fn begin_run(pod: &mut Pod, price: Price) {
    pod.price = price;
    pod.login = first_login(&pod.options);
    pod.desired = Desired::Running;
    pod.run += 1;
    pod.status = Status::Creating;
    pod.step = Step::Accepted;
    pod.reason = None;
    pod.volume_deletion = None;
    pod.attempts = 0;
    pod.failing_since = None;
    pod.retry_at = None;
    pod.started_at = None;
    pod.node = None;
    pod.last_end = None;
}

/// How people log in to a new run: with the token chosen by its owner, or a new random one where the image
/// supports it.
pub(crate) fn first_login(options: &PodOptions) -> Login {
    Login {
        injected: match &options.jupyter {
            Some(Jupyter::Generated) => Some(AccessToken::random()),
            Some(Jupyter::Chosen(token)) => Some(token.clone()),
            Some(Jupyter::Off | Jupyter::Read) | None => None,
        },
        ..Login::default()
    }
}
