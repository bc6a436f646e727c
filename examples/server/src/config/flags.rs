//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Parser;
use config::{ConfigError, Map, Source, Value, ValueKind};

use super::ClusterKind;

/// Personal GPU pods: REST, live updates and a dashboard.
#[derive(Debug, Clone, Default, Parser)]
#[command(name = "server", version)]
pub struct Flags {
    /// Where pods run
    #[arg(long, value_enum)]
    pub cluster: Option<ClusterKind>,
    /// Where everything is kept: `sqlite:FILE`, `mongodb://HOST/DATABASE` or `memory`
    ///
    /// An address with a password comes from the file or from `NEUROPOD_STORE`: the command line is for all to see.
    #[arg(long, value_parser = without_password)]
    pub store: Option<String>,
    /// Where to listen, such as 127.0.0.1:3000
    #[arg(long)]
    pub listen: Option<SocketAddr>,
    /// A TOML file with what is not told here
    #[arg(long, env = "NEUROPOD_CONFIG")]
    pub config: Option<PathBuf>,
    /// Development: signing in by e-mail address alone
    #[arg(long)]
    pub dev: bool,
    /// With --dev: make a pod for each of these failures and states, to look at them; `all`, `list`, or names with commas
    ///
    /// Everything is kept in memory then, unless --store says something else. `list` shows the names, and ends.
    #[arg(long, value_delimiter = ',')]
    pub scenario: Vec<String>,
    /// Show what holds, and from where, and end
    #[arg(long)]
    pub print_config: bool,
}

fn without_password(address: &str) -> Result<String, String> {
    let password = address
        .split_once("//")
        .and_then(|(_, rest)| rest.rsplit_once('@'))
        .is_some_and(|(user, _)| user.contains(':'));
    if password {
        Err("an address with a password comes from the file or from NEUROPOD_STORE".into())
    } else {
        Ok(address.to_owned())
    }
}

/// What these values are from, as `--print-config` and errors call it.
const ORIGIN: &str = "the command line";

impl Source for Flags {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        let cluster = self.cluster.map(|cluster| match cluster {
            ClusterKind::Sim => "sim".to_owned(),
            ClusterKind::Kube => "kube".to_owned(),
        });
        let texts = [
            ("cluster", cluster),
            ("store", self.store.clone()),
            ("listen", self.listen.map(|address| address.to_string())),
        ];
        let origin = ORIGIN.to_owned();
        let mut values: Map<String, Value> = texts
            .into_iter()
            .filter_map(|(key, text)| {
                Some((
                    key.to_owned(),
                    Value::new(Some(&origin), ValueKind::String(text?)),
                ))
            })
            .collect();
        if !self.scenario.is_empty() {
            values.insert(
                "scenario".into(),
                Value::new(Some(&origin), self.scenario.clone()),
            );
        }
        if self.dev {
            values.insert("dev".into(), Value::new(Some(&origin), true));
        }
        Ok(values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_password_on_the_command_line() {
        let flags = |store: &str| Flags::try_parse_from(["server", "--store", store]);
        assert!(flags("mongodb://ana:secret@db/neuropod").is_err());
        assert!(flags("mongodb://db/neuropod").is_ok());
        assert!(flags("sqlite:neuropod.db").is_ok());
    }
}
