//! How one reaches the services of a pod: plain functions of its record.

use serde::Serialize;

use crate::naming::Naming;
use crate::pod::{Pod, Status};
use crate::secret::AccessToken;

/// How to reach a pod, as the HTTP contract has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connections {
    /// How it is.
    pub state: ConnectionState,
    /// Its HTTP services: none when it is stopped.
    pub http: Vec<HttpService>,
    /// Its other services: only while it runs.
    pub tcp: Vec<TcpService>,
}

/// Whether a pod can be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ConnectionState {
    /// Not yet.
    Starting,
    /// Yes.
    Running,
    /// No, it is stopped.
    Stopped,
    /// No, it failed; the pod's reason says why.
    Error,
}

/// How a service is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ServiceStatus {
    /// It comes with its pod, or its login is not known yet.
    Creating,
    /// The same, as connections call it.
    Starting,
    /// It can be opened.
    Ready,
    /// Its pod failed.
    Error,
    /// Its pod is stopped.
    Stopped,
    /// It is not offered.
    Disable,
}

/// One public port that speaks HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpService {
    /// The port of the container.
    pub port: u16,
    /// What it is called.
    pub service_name: String,
    /// Its public address, without a token.
    pub url: String,
    /// Whether the user added it.
    pub is_custom: bool,
    /// How it is.
    pub status: ServiceStatus,
    /// The token that opens it, where it is the Jupyter server and its token is known.
    pub token: Option<AccessToken>,
    /// The Service in the cluster.
    pub kubernetes_service_name: String,
    /// The Ingress or `HTTPRoute` in the cluster.
    pub kubernetes_ingress_name: String,
}

impl HttpService {
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

/// One port that is not HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TcpService {
    /// The port of the container.
    pub port: u16,
    /// What it is called.
    pub service_name: String,
    /// Its public address.
    pub url: String,
    /// Whether the user added it.
    pub is_custom: bool,
    /// How it is.
    pub status: ServiceStatus,
}

/// The port of SSH, which the contract shows and nobody offers yet.
const SSH_PORT: u16 = 22;

/// How to reach a pod now: nothing of a stopped one; of one that starts the addresses without tokens; of one that
/// runs links that open.
pub fn connections(pod: &Pod, naming: &Naming) -> Connections {
    let (state, status) = match pod.status {
        Status::Stopped => {
            return Connections {
                state: ConnectionState::Stopped,
                http: Vec::new(),
                tcp: Vec::new(),
            };
        }
        Status::Creating => (ConnectionState::Starting, Some(ServiceStatus::Starting)),
        Status::Running => (ConnectionState::Running, None),
        Status::Error => (ConnectionState::Error, Some(ServiceStatus::Error)),
    };
    let mut http = http_services(pod, naming);
    if let Some(status) = status {
        for service in &mut http {
            service.status = status;
            service.token = None;
        }
    }
    let tcp = if state == ConnectionState::Running {
        tcp_services(pod, naming)
    } else {
        Vec::new()
    };
    Connections { state, http, tcp }
}

/// The HTTP services of a pod, in the order of its ports.
///
/// ```
/// # use neuropod_core::Pod;
/// use neuropod_core::connection::http_services;
/// use neuropod_core::naming::Naming;
///
/// # fn example(pod: &Pod, naming: &Naming) {
/// for service in http_services(pod, naming) {
///     println!("{}: {}", service.service_name, service.link());
/// }
/// # }
/// ```
pub fn http_services(pod: &Pod, naming: &Naming) -> Vec<HttpService> {
    let (slug, hash) = (&pod.slug, &pod.owner_hash);
    let jupyter = pod.jupyter_port();
    let service = |endpoint: &crate::endpoint::Endpoint| {
        let is_jupyter = jupyter == Some(endpoint.port);
        let token = pod
            .login
            .token()
            .filter(|_| is_jupyter && pod.status == Status::Running)
            .cloned();
        // Without a token the link opens nothing until the server has said that it needs none.
        let status = match pod.status {
            Status::Running if is_jupyter && !pod.login.is_known() => ServiceStatus::Creating,
            Status::Running => ServiceStatus::Ready,
            Status::Creating => ServiceStatus::Creating,
            Status::Stopped => ServiceStatus::Stopped,
            Status::Error => ServiceStatus::Error,
        };
        HttpService {
            port: endpoint.port,
            service_name: endpoint.service_name.clone(),
            url: naming.url(slug, hash, endpoint.port),
            is_custom: endpoint.is_custom,
            status,
            token,
            kubernetes_service_name: naming.service(slug, hash, endpoint.port),
            kubernetes_ingress_name: naming.ingress(slug, hash, endpoint.port),
        }
    };
    pod.spec.endpoints.iter().map(service).collect()
}

/// The other services of a pod: SSH, which is not offered yet.
pub fn tcp_services(pod: &Pod, naming: &Naming) -> Vec<TcpService> {
    let host = naming.host(&pod.slug, &pod.owner_hash, SSH_PORT);
    vec![TcpService {
        port: SSH_PORT,
        service_name: "SSH".into(),
        url: format!("tcp://{host}:{SSH_PORT}"),
        is_custom: false,
        status: ServiceStatus::Disable,
    }]
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::pod::Login;
    use crate::token::TokenState;

    fn pod(status: Status, login: Login) -> Pod {
        Pod {
            status,
            login,
            ..Pod::sample(Timestamp::UNIX_EPOCH)
        }
    }

    fn naming() -> Naming {
        Naming::new("pods.example.com", "a secret of at least 16 bytes").unwrap()
    }

    fn generated(token: &str) -> Login {
        Login {
            found: TokenState::Generated(AccessToken::new(token)),
            ..Login::default()
        }
    }

    #[test]
    fn a_running_pod_has_its_token_exactly_once_and_only_on_its_jupyter_link() {
        let found = connections(&pod(Status::Running, generated("a1b2")), &naming());
        assert_eq!(found.state, ConnectionState::Running);
        let links: Vec<_> = found.http.iter().map(HttpService::link).collect();
        assert_eq!(
            links,
            [
                "https://training-k3j5qzx2ab-8888.pods.example.com?token=a1b2",
                "https://training-k3j5qzx2ab-7860.pods.example.com"
            ]
        );
        assert_eq!(
            found.http[0].url,
            "https://training-k3j5qzx2ab-8888.pods.example.com"
        );
        assert_eq!(
            found.tcp[0].url,
            "tcp://training-k3j5qzx2ab-22.pods.example.com:22"
        );
    }

    #[test]
    fn a_pod_that_starts_shows_addresses_and_no_tokens() {
        let found = connections(&pod(Status::Creating, generated("a1b2")), &naming());
        assert_eq!((found.state, found.tcp.len()), (ConnectionState::Starting, 0));
        assert!(
            found
                .http
                .iter()
                .all(|service| service.status == ServiceStatus::Starting)
        );
        assert!(found.http.iter().all(|service| service.link() == service.url));
    }

    #[test]
    fn a_stopped_pod_has_none() {
        let found = connections(&pod(Status::Stopped, generated("a1b2")), &naming());
        assert_eq!(
            (found.state, found.http.len(), found.tcp.len()),
            (ConnectionState::Stopped, 0, 0)
        );
    }

    #[test]
    fn a_link_is_not_ready_before_its_login_is_known() {
        let status = |found: TokenState| {
            let login = Login {
                found,
                ..Login::default()
            };
            http_services(&pod(Status::Running, login), &naming())[0].status
        };
        assert_eq!(status(TokenState::Unknown), ServiceStatus::Creating);
        assert_eq!(status(TokenState::Disabled), ServiceStatus::Ready);
        assert_eq!(status(TokenState::Password), ServiceStatus::Ready);
    }

    #[test]
    fn with_an_empty_token_the_link_works_bare() {
        let login = Login {
            injected: Some(AccessToken::new("")),
            ..Login::default()
        };
        let services = http_services(&pod(Status::Running, login), &naming());
        for service in services {
            assert_eq!(
                (service.status, service.link()),
                (ServiceStatus::Ready, service.url)
            );
        }
    }

    #[test]
    fn a_token_of_any_characters_stays_one_parameter() {
        let found = connections(&pod(Status::Running, generated("a&b#c d=é")), &naming());
        assert!(
            found.http[0].link().ends_with("?token=a%26b%23c+d%3D%C3%A9"),
            "{}",
            found.http[0].link()
        );
    }
}
