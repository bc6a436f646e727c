//! The cluster of a test, whoever runs it.

use std::{
    env, fs,
    path::{Path, PathBuf},
    time::Duration,
};

use k8s_openapi::{
    api::{
        authentication::v1::{TokenRequest, TokenRequestSpec},
        core::v1::ServiceAccount,
    },
    apiextensions_apiserver::pkg::apis::apiextensions::v1::{
        CustomResourceDefinition, CustomResourceDefinitionCondition,
    },
};
use kube::{Api, Client, api::PostParams};

use crate::{
    api,
    assets::gateway,
    control_plane::ControlPlane,
    error::{Error, IoContext, Result},
    kubeconfig,
    node::Node,
};

/// The environment variable with the kubeconfig of a cluster to use instead of starting one.
pub const KUBECONFIG: &str = "NEUROPOD_TEST_KUBECONFIG";

/// How long a cluster may take to serve a new kind.
const SERVED: Duration = Duration::from_mins(1);

/// The extent of a cluster.
#[derive(Debug)]
pub enum Level {
    /// Our own API server, etcd and controllers; nothing runs pods.
    ControlPlane(Box<ControlPlane>),
    /// Our own cluster of one node, which runs pods.
    Node(Box<Node>),
    /// A foreign cluster. Tests can't stop and start it.
    Existing,
}

/// A cluster for tests: started here, or the one in `NEUROPOD_TEST_KUBECONFIG`.
#[derive(Debug)]
pub struct TestCluster {
    level: Level,
    kubeconfig: String,
    kubeconfig_path: PathBuf,
}

impl TestCluster {
    /// A cluster whose API works.
    ///
    /// Fails with [`Error::Unavailable`] if none can be started.
    pub fn control_plane() -> Result<Self> {
        if let Some(existing) = Self::existing()? {
            return Ok(existing);
        }
        let started = ControlPlane::start()?;
        Ok(Self {
            kubeconfig: started.kubeconfig().to_owned(),
            kubeconfig_path: started.kubeconfig_path().to_owned(),
            level: Level::ControlPlane(Box::new(started)),
        })
    }

    /// A cluster that runs pods.
    ///
    /// Fails with [`Error::Unavailable`] if none can be started.
    pub fn node() -> Result<Self> {
        if let Some(existing) = Self::existing()? {
            return Ok(existing);
        }
        let started = Node::start()?;
        Ok(Self {
            kubeconfig: started.control_plane().kubeconfig().to_owned(),
            kubeconfig_path: started.control_plane().kubeconfig_path().to_owned(),
            level: Level::Node(Box::new(started)),
        })
    }

    fn existing() -> Result<Option<Self>> {
        let Some(path) = env::var_os(KUBECONFIG).map(PathBuf::from) else {
            return Ok(None);
        };
        let kubeconfig = fs::read_to_string(&path).at_path(&path)?;
        Ok(Some(Self {
            level: Level::Existing,
            kubeconfig,
            kubeconfig_path: path,
        }))
    }

    /// The extent of the cluster.
    pub fn level(&self) -> &Level {
        &self.level
    }

    /// The control plane, if it is ours to stop and start.
    pub fn own_control_plane(&self) -> Option<&ControlPlane> {
        match &self.level {
            Level::ControlPlane(control_plane) => Some(control_plane),
            Level::Node(node) => Some(node.control_plane()),
            Level::Existing => None,
        }
    }

    /// The node, if it is ours.
    pub fn own_node(&self) -> Option<&Node> {
        match &self.level {
            Level::Node(node) => Some(node),
            Level::ControlPlane(_) | Level::Existing => None,
        }
    }

    /// The kubeconfig of a cluster administrator.
    pub fn kubeconfig(&self) -> &str {
        &self.kubeconfig
    }

    /// The file that holds [`kubeconfig`](Self::kubeconfig).
    pub fn kubeconfig_path(&self) -> &Path {
        &self.kubeconfig_path
    }

    /// A client for the cluster's administrator.
    ///
    /// It belongs to the async runtime on which it is created, as do its connections.
    pub async fn client(&self) -> Result<Client> {
        api::client(&self.kubeconfig).await
    }

    /// Installs the Gateway API, and waits until it is served. Existing definitions stay unchanged.
    pub async fn install_gateway_api(&self) -> Result<()> {
        let definitions: Api<CustomResourceDefinition> = Api::all(self.client().await?);
        for text in gateway::definitions()? {
            let definition: CustomResourceDefinition = serde_yaml_ng::from_str(&text)?;
            match definitions.create(&PostParams::default(), &definition).await {
                Err(kube::Error::Api(status)) if status.is_already_exists() => {}
                other => drop(other?),
            }
            let name = definition.metadata.name.unwrap_or_default();
            api::wait_until(&name, SERVED, async || {
                let found = definitions.get(&name).await.map_err(|error| error.to_string())?;
                let conditions = found
                    .status
                    .and_then(|status| status.conditions)
                    .unwrap_or_default();
                let is_served = |condition: &CustomResourceDefinitionCondition| {
                    condition.type_ == "Established" && condition.status == "True"
                };
                conditions
                    .iter()
                    .any(is_served)
                    .then_some(())
                    .ok_or_else(|| format!("{conditions:?}"))
            })
            .await?;
        }
        Ok(())
    }

    /// A kubeconfig whose user is a `ServiceAccount`, with a token that lives for an hour.
    pub fn service_account_kubeconfig(&self, namespace: &str, name: &str) -> Result<String> {
        let token = api::block_on(async || {
            let accounts: Api<ServiceAccount> = Api::namespaced(self.client().await?, namespace);
            let spec = TokenRequestSpec {
                expiration_seconds: Some(3600),
                ..TokenRequestSpec::default()
            };
            let request = TokenRequest {
                spec,
                ..TokenRequest::default()
            };
            let answer = accounts
                .create_token_request(name, &PostParams::default(), &request)
                .await?;
            answer
                .status
                .map(|status| status.token)
                .ok_or_else(|| Error::NotReady {
                    what: format!("a token for {namespace}/{name}"),
                    waited: Duration::ZERO,
                    last: "the answer has no token".into(),
                    log: String::new(),
                })
        })?;
        kubeconfig::with_token(&self.kubeconfig, &token)
    }
}
