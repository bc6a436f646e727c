//! Volumes for the claims of a test: folders of the node, like those of single-machine storage drivers.

use std::{
    fs, io,
    path::{Path, PathBuf},
    thread::{self, JoinHandle},
};

use futures::StreamExt;
use k8s_openapi::api::{
    core::v1::{PersistentVolume, PersistentVolumeClaim},
    storage::v1::StorageClass,
};
use kube::{
    Api, Client, ResourceExt,
    api::{DeleteParams, Patch, PatchParams, PostParams},
    runtime::{WatchStreamExt, watcher},
};
use serde_json::json;
use tokio::sync::oneshot;

use crate::{
    api,
    control_plane::ControlPlane,
    error::{Error, IoContext, Result},
};

/// The name of the default storage class.
const CLASS: &str = "standard";
const NAME: &str = "neuropod.test/host-path";

/// A thread that gives every claim of the class `standard` a volume, grows it, and removes it with the claim.
#[derive(Debug)]
pub(super) struct Provisioner {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Provisioner {
    pub(super) fn start(control_plane: &ControlPlane) -> Result<Self> {
        let kubeconfig = control_plane.kubeconfig().to_owned();
        let folder = control_plane.data.join("volumes");
        fs::create_dir_all(&folder).at_path(&folder)?;
        api::block_on(async || create_class(api::client(&kubeconfig).await?).await)?;

        let (stop, stopped) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .during("start an async runtime")?;
        let thread = thread::spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    result = run(&kubeconfig, &folder) => if let Err(error) = result {
                        eprintln!("volumes are not provided any more: {error}");
                    },
                    _ = stopped => {}
                }
            });
        });
        Ok(Self {
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

impl Drop for Provisioner {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It only fails if the thread has panicked, which was reported already.
            let _ = thread.join();
        }
    }
}

async fn create_class(client: Client) -> Result<()> {
    let class = json!({
        "metadata": {
            "name": CLASS,
            "annotations": { "storageclass.kubernetes.io/is-default-class": "true" },
        },
        "provisioner": NAME,
        "reclaimPolicy": "Delete",
        "volumeBindingMode": "Immediate",
        "allowVolumeExpansion": true,
    });
    Api::<StorageClass>::all(client)
        .create(&PostParams::default(), &object(class)?)
        .await?;
    Ok(())
}

async fn run(kubeconfig: &str, folder: &Path) -> Result<()> {
    let client = api::client(kubeconfig).await?;
    let claims: Api<PersistentVolumeClaim> = Api::all(client.clone());
    let volumes: Api<PersistentVolume> = Api::all(client.clone());
    let mut claims = watcher(claims, watcher::Config::default())
        .default_backoff()
        .applied_objects()
        .boxed();
    let mut volumes = watcher(volumes, watcher::Config::default())
        .default_backoff()
        .applied_objects()
        .boxed();
    loop {
        let handled = tokio::select! {
            Some(claim) = claims.next() => match claim {
                Ok(claim) => provide(&client, folder, &claim).await,
                Err(error) => {
                    watch_broke(&error);
                    Ok(())
                }
            },
            Some(volume) = volumes.next() => match volume {
                Ok(volume) => reclaim(&client, folder, &volume).await,
                Err(error) => {
                    watch_broke(&error);
                    Ok(())
                }
            },
            // A watcher never ends.
            else => return Ok(()),
        };
        if let Err(error) = handled {
            eprintln!("volume: {error}");
        }
    }
}

/// A watch that lost its connection reconnects by itself. It is an event like any other here: a branch of
/// `select!` whose pattern it does not match is no longer polled, and claims would wait for an event of a volume,
/// which only a claim brings about.
fn watch_broke(error: &watcher::Error) {
    eprintln!("volumes: a watch reconnects: {error}");
}

/// Makes a volume for a claim that waits for one, or grows the one it has.
async fn provide(client: &Client, folder: &Path, claim: &PersistentVolumeClaim) -> Result<()> {
    let Some(spec) = claim
        .spec
        .as_ref()
        .filter(|spec| spec.storage_class_name.as_deref() == Some(CLASS))
    else {
        return Ok(());
    };
    let requests = spec
        .resources
        .as_ref()
        .and_then(|resources| resources.requests.as_ref());
    let Some(size) = requests.and_then(|requests| requests.get("storage")) else {
        return Ok(());
    };
    if claim.metadata.deletion_timestamp.is_some() {
        return Ok(());
    }
    let Some(volume) = &spec.volume_name else {
        let name = volume_name(claim);
        let path = folder.join(&name);
        create_open(&path)?;
        let volume = json!({
            "metadata": { "name": name, "annotations": { "pv.kubernetes.io/provisioned-by": NAME } },
            "spec": {
                "storageClassName": CLASS,
                "capacity": { "storage": size },
                "accessModes": spec.access_modes,
                "persistentVolumeReclaimPolicy": "Delete",
                "hostPath": { "path": path, "type": "Directory" },
                "claimRef": {
                    "apiVersion": "v1", "kind": "PersistentVolumeClaim", "uid": claim.uid(),
                    "namespace": claim.namespace(), "name": claim.name_any(),
                },
            },
        });
        let created = Api::<PersistentVolume>::all(client.clone())
            .create(&PostParams::default(), &object(volume)?)
            .await;
        return match created {
            // The claim changed again before it was bound.
            Err(kube::Error::Api(status)) if status.is_already_exists() => Ok(()),
            other => other.map(drop).map_err(Into::into),
        };
    };
    let status = claim.status.as_ref();
    let bound = status.and_then(|status| status.phase.as_deref()) == Some("Bound");
    let has = status
        .and_then(|status| status.capacity.as_ref())
        .and_then(|capacity| capacity.get("storage"));
    if !bound || has == Some(size) {
        return Ok(());
    }
    let capacity = json!({ "capacity": { "storage": size } });
    let merge = PatchParams::default();
    Api::<PersistentVolume>::all(client.clone())
        .patch(volume, &merge, &Patch::Merge(json!({ "spec": capacity })))
        .await?;
    Api::<PersistentVolumeClaim>::namespaced(client.clone(), &claim.namespace().unwrap_or_default())
        .patch_status(
            &claim.name_any(),
            &merge,
            &Patch::Merge(json!({ "status": capacity })),
        )
        .await?;
    Ok(())
}

/// Removes a volume, and what is in it, once its claim is gone.
async fn reclaim(client: &Client, folder: &Path, volume: &PersistentVolume) -> Result<()> {
    let released = volume.status.as_ref().and_then(|status| status.phase.as_deref()) == Some("Released");
    let ours = volume
        .annotations()
        .get("pv.kubernetes.io/provisioned-by")
        .is_some_and(|by| by == NAME);
    let keep = volume
        .spec
        .as_ref()
        .and_then(|spec| spec.persistent_volume_reclaim_policy.as_deref());
    if !released || !ours || keep == Some("Retain") || volume.metadata.deletion_timestamp.is_some() {
        return Ok(());
    }
    let name = volume.name_any();
    let path = folder.join(&name);
    match fs::remove_dir_all(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error).at_path(&path),
        _ => {}
    }
    Api::<PersistentVolume>::all(client.clone())
        .delete(&name, &DeleteParams::default())
        .await?;
    Ok(())
}

fn volume_name(claim: &PersistentVolumeClaim) -> String {
    format!("pvc-{}", claim.uid().unwrap_or_default())
}

fn object<T: serde::de::DeserializeOwned>(value: serde_json::Value) -> Result<T> {
    serde_json::from_value(value)
        .map_err(kube::Error::SerdeError)
        .map_err(Error::from)
}

/// A folder that every user may write to: volumes of this kind can't be handed to a pod's user.
fn create_open(path: &PathBuf) -> Result<()> {
    fs::create_dir_all(path).at_path(path)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(path, fs::Permissions::from_mode(0o777)).at_path(path)?;
    }
    Ok(())
}
