//! How the public ports of a pod are reached: plain functions of its record.

use crate::naming::Naming;
use crate::pod::port::{Port, Protocol};
use crate::pod::record::{Pod, Status};
use crate::token::secret::AccessToken;

/// A public port of a pod: where it is, and whether it can be opened now.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Connection {
    /// The port of the container.
    pub port: u16,
    /// Its name, such as `Jupyter Lab`; `None`: neither its template nor the platform has a name for it.
    pub name: Option<String>,
    /// The protocol of the port.
    pub protocol: Protocol,
    /// The public host.
    pub host: String,
    /// The public address, without a token. It stays the same for as long as the pod exists.
    pub url: String,
    /// Whether it can be opened, and if not, why.
    pub state: ConnectionState,
    /// The token that opens it: only of the Jupyter port, while the pod runs and its token is known.
    pub token: Option<AccessToken>,
    /// The objects in the cluster that lead to it.
    pub objects: ConnectionObjects,
}

/// Whether a public port can be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConnectionState {
    /// Not yet: the pod is starting. Next: [`AwaitingLogin`](Self::AwaitingLogin), [`Ready`](Self::Ready) or
    /// [`Failed`](Self::Failed).
    Starting,
    /// Not yet: the pod runs, and its Jupyter server has not yet said how to log in. Without the token the link opens
    /// nothing. Next: [`Ready`](Self::Ready).
    AwaitingLogin,
    /// Yes: [`Connection::link`] opens it.
    Ready,
    /// No: the pod is stopped.
    Stopped,
    /// No: the pod failed; [`Pod::reason`] says why.
    Failed,
}

/// The names of the objects in the cluster that lead to a public port.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectionObjects {
    /// The Service.
    pub service: String,
    /// The Ingress or `HTTPRoute`.
    pub route: String,
}

impl Connection {
    /// Whether it can be opened now.
    pub fn is_ready(&self) -> bool {
        self.state == ConnectionState::Ready
    }

    /// The link that opens it, with its token where it has one. For its owner only.
    pub fn link(&self) -> String {
        match &self.token {
            Some(token) => {
                let query = form_urlencoded::Serializer::new(String::new())
                    .append_pair("token", token.expose())
                    .finish();
                format!("{}?{query}", self.url)
            }
            None => self.url.clone(),
        }
    }
}

/// The public ports of a pod, in the requested order.
///
/// ```
/// # use neuropod_core::Pod;
/// use neuropod_core::pod::connection::connections;
/// use neuropod_core::naming::Naming;
///
/// # fn example(pod: &Pod, naming: &Naming) {
/// for connection in connections(pod, naming) {
///     println!("{}: {}", connection.port, connection.link());
/// }
/// # }
/// ```
pub fn connections(pod: &Pod, naming: &Naming) -> Vec<Connection> {
    let ports = pod.options.ports().iter();
    ports
        .filter(|port| port.protocol == Protocol::Http)
        .map(|port| connection(pod, port, naming))
        .collect()
}

fn connection(pod: &Pod, port: &Port, naming: &Naming) -> Connection {
    let Port {
        number: port,
        name,
        protocol,
    } = port;
    let (slug, hash, port) = (&pod.slug, &pod.owner_hash, *port);
    let is_jupyter = pod.jupyter_port() == Some(port);
    let token = pod
        .login
        .token()
        .filter(|_| is_jupyter && pod.status == Status::Running)
        .cloned();
    let state = match pod.status {
        Status::Creating => ConnectionState::Starting,
        Status::Running if is_jupyter && !pod.login.is_known() => ConnectionState::AwaitingLogin,
        Status::Running => ConnectionState::Ready,
        Status::Stopped => ConnectionState::Stopped,
        Status::Error => ConnectionState::Failed,
    };
    Connection {
        port,
        name: name.clone(),
        protocol: *protocol,
        host: naming.host(slug, hash, port),
        url: naming.url(slug, hash, port),
        state,
        token,
        objects: ConnectionObjects {
            service: naming.service(slug, hash, port),
            route: naming.ingress(slug, hash, port),
        },
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::pod::record::Login;
    use crate::token::TokenState;

    fn of_pod(status: Status, login: Login) -> Vec<Connection> {
        let pod = Pod {
            status,
            login,
            ..Pod::sample(Timestamp::UNIX_EPOCH)
        };
        let naming = Naming::new("pods.example.com", "a secret of at least 16 bytes").unwrap();
        connections(&pod, &naming)
    }

    fn generated(token: &str) -> Login {
        Login {
            found: TokenState::Generated(AccessToken::new(token)),
            ..Login::default()
        }
    }

    #[test]
    fn a_running_pod_has_its_token_exactly_once_and_only_on_its_jupyter_link() {
        let found = of_pod(Status::Running, generated("a1b2"));
        assert!(found.iter().all(Connection::is_ready));
        let links: Vec<_> = found.iter().map(Connection::link).collect();
        assert_eq!(
            links,
            [
                "https://training-k3j5qzx2ab-8888.pods.example.com?token=a1b2",
                "https://training-k3j5qzx2ab-7860.pods.example.com"
            ]
        );
        assert_eq!(found[0].url, "https://training-k3j5qzx2ab-8888.pods.example.com");
        assert_eq!(found[0].host, "training-k3j5qzx2ab-8888.pods.example.com");
    }

    #[test]
    fn a_pod_that_does_not_run_shows_addresses_and_no_tokens() {
        for (status, state) in [
            (Status::Creating, ConnectionState::Starting),
            (Status::Stopped, ConnectionState::Stopped),
            (Status::Error, ConnectionState::Failed),
        ] {
            let found = of_pod(status, generated("a1b2"));
            assert_eq!(found.len(), 2, "{status:?}");
            for connection in found {
                assert_eq!((connection.state, &connection.token), (state, &None));
                assert_eq!(connection.link(), connection.url);
            }
        }
    }

    #[test]
    fn a_link_is_not_ready_before_its_login_is_known() {
        let state = |found: TokenState| {
            let login = Login {
                found,
                ..Login::default()
            };
            of_pod(Status::Running, login)[0].state
        };
        assert_eq!(state(TokenState::Unknown), ConnectionState::AwaitingLogin);
        assert_eq!(state(TokenState::Disabled), ConnectionState::Ready);
        assert_eq!(state(TokenState::Password), ConnectionState::Ready);
    }

    #[test]
    fn with_an_empty_token_the_link_works_bare() {
        let login = Login {
            injected: Some(AccessToken::new("")),
            ..Login::default()
        };
        for connection in of_pod(Status::Running, login) {
            assert!(connection.is_ready());
            assert_eq!(connection.link(), connection.url);
        }
    }

    #[test]
    fn a_token_of_any_characters_stays_one_parameter() {
        let found = of_pod(Status::Running, generated("a&b#c d=é"));
        let link = found[0].link();
        assert!(link.ends_with("?token=a%26b%23c+d%3D%C3%A9"), "{link}");
    }
}
