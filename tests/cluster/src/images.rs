//! Container images, built here without a registry.

use std::{fs, io, path::Path, path::PathBuf, process::Command};

use data_encoding::HEXLOWER;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{
    assets::{Assets, Program, go::source},
    cache, command,
    error::{Error, IoContext, Result},
};

/// An image that the harness builds from its folder in `images/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Image {
    /// Holds the namespaces of a pod. Every pod needs it.
    Pause,
    /// busybox with `sh`, and its HTTP server on port 8080.
    Http,
    /// Jupyter Lab 4 on port 8888, in a minimal Debian, as user 1000 with `/workspace` as home.
    Jupyter,
    /// The ingress controller.
    Traefik,
    /// Measures the usage of pods.
    MetricsServer,
}

impl Image {
    /// The images for the pods of tests.
    pub const PODS: [Self; 3] = [Self::Pause, Self::Http, Self::Jupyter];
    /// The images that run in a cluster beside them.
    pub const EDGE: [Self; 2] = [Self::Traefik, Self::MetricsServer];

    /// The value for a pod's `image`.
    pub fn reference(self) -> &'static str {
        match self {
            Self::Pause => "localhost/neuropod-test/pause:1",
            Self::Http => "localhost/neuropod-test/http:1",
            Self::Jupyter => "localhost/neuropod-test/jupyter:1",
            Self::Traefik => "localhost/neuropod-test/traefik:1",
            Self::MetricsServer => "localhost/neuropod-test/metrics-server:1",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Http => "http",
            Self::Jupyter => "jupyter",
            Self::Traefik => "traefik",
            Self::MetricsServer => "metrics-server",
        }
    }

    fn build_script(self) -> &'static str {
        match self {
            Self::Pause => concat!(
                include_str!("../images/pause/build.sh"),
                include_str!("../images/pause/main.go")
            ),
            Self::Http => include_str!("../images/http/build.sh"),
            Self::Jupyter => include_str!("../images/jupyter/build.sh"),
            Self::Traefik => include_str!("../images/traefik/build.sh"),
            Self::MetricsServer => include_str!("../images/metrics-server/build.sh"),
        }
    }

    fn config(self) -> &'static str {
        match self {
            Self::Pause => include_str!("../images/pause/config.json"),
            Self::Http => include_str!("../images/http/config.json"),
            Self::Jupyter => include_str!("../images/jupyter/config.json"),
            Self::Traefik => include_str!("../images/traefik/config.json"),
            Self::MetricsServer => include_str!("../images/metrics-server/config.json"),
        }
    }

    /// The programs required to build it.
    fn needs(self) -> &'static str {
        match self {
            Self::Pause => "go",
            Self::Http => "busybox",
            Self::Jupyter => "debootstrap",
            Self::Traefik | Self::MetricsServer => "cp",
        }
    }

    /// The server that it contains.
    fn server(self) -> Option<Program> {
        match self {
            Self::Pause | Self::Http | Self::Jupyter => None,
            Self::Traefik => Some(Program::Traefik),
            Self::MetricsServer => Some(Program::MetricsServer),
        }
    }

    /// The image as an archive for `ctr images import` and `docker load`; built if necessary.
    pub fn archive(self) -> Result<PathBuf> {
        let server = match self.server() {
            Some(program) => Some(Assets::from_env().get(program)?),
            None => None,
        };
        // The name of a built server contains its version.
        let version = server.as_deref().and_then(Path::file_name).unwrap_or_default();
        let version = version.to_string_lossy();
        let parts = [self.build_script(), self.config(), &version].concat();
        let key = HEXLOWER.encode(&Sha256::digest(parts)[..6]);
        let name = self.name();
        cache::get_or_make(
            &format!("images/{name}-{key}-{}.tar", std::env::consts::ARCH),
            |target| {
                let program = self.needs();
                if !command::exists(program) {
                    return Err(Error::Unavailable(format!(
                        "image {name} needs `{program}` to be built"
                    )));
                }
                eprintln!("building the image {name} (once; it is kept in the cache)");
                let work = target.with_added_extension("work");
                // Left by an interrupted build.
                remove_all(&work)?;
                fs::create_dir_all(work.join("root")).at_path(&work)?;
                self.build(&work, server.as_deref())?;
                command::run(
                    Command::new("tar")
                        .arg("-C")
                        .arg(work.join("archive"))
                        .arg("-cf")
                        .arg(target)
                        .args(["manifest.json", "config.json", "layer.tar"]),
                )?;
                remove_all(&work)
            },
        )
    }

    /// Creates `work/archive`: one layer with the whole root folder, and its description.
    fn build(self, work: &Path, server: Option<&Path>) -> Result<()> {
        let root = work.join("root");
        let script = source(&format!("images/{}", self.name()));
        let mut build = Command::new("sh");
        build.current_dir(script).arg("build.sh").arg(&root).args(server);
        command::run(&mut build)?;
        let archive = work.join("archive");
        fs::create_dir(&archive).at_path(&archive)?;
        let layer = archive.join("layer.tar");
        command::run(
            Command::new("tar")
                .args(["--numeric-owner", "--one-file-system", "-C"])
                .arg(&root)
                .arg("-cf")
                .arg(&layer)
                .arg("."),
        )?;
        let image = describe(self.config(), &digest(&layer)?);
        let manifest =
            json!([{ "Config": "config.json", "RepoTags": [self.reference()], "Layers": ["layer.tar"] }]);
        for (name, value) in [("config.json", image), ("manifest.json", manifest)] {
            let path = archive.join(name);
            fs::write(&path, value.to_string()).at_path(&path)?;
        }
        Ok(())
    }
}

fn describe(config: &str, layer: &str) -> Value {
    let architecture = match std::env::consts::ARCH {
        "aarch64" => "arm64",
        _ => "amd64",
    };
    // The texts are this crate's own files; a test reads each.
    let config: Value = serde_json::from_str(config).unwrap_or_default();
    json!({
        "architecture": architecture,
        "os": "linux",
        "config": config,
        "rootfs": { "type": "layers", "diff_ids": [format!("sha256:{layer}")] },
    })
}

fn digest(path: &Path) -> Result<String> {
    let mut file = fs::File::open(path).at_path(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match io::Read::read(&mut file, &mut buffer).at_path(path)? {
            0 => return Ok(HEXLOWER.encode(&hasher.finalize())),
            read => hasher.update(&buffer[..read]),
        }
    }
}

fn remove_all(path: &Path) -> Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error).at_path(path),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_image_says_how_it_starts() {
        for image in Image::PODS.into_iter().chain(Image::EDGE) {
            let described = describe(image.config(), "00");
            assert!(described["config"]["Entrypoint"][0].is_string(), "{image:?}");
            assert_eq!(described["rootfs"]["diff_ids"][0], "sha256:00");
        }
    }
}
