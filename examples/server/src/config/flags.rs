//! The command line.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use clap::Parser;
use config::{ConfigError, Map, Source, Value, ValueKind};

use super::choices::ClusterKind;
use crate::{copy, migrate};

/// Personal GPU pods: REST, live updates and a dashboard.
#[derive(Debug, Clone, Default, Parser)]
#[command(name = "server", version)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct Flags {
    /// The command to run instead of serving
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Where pods run
    #[arg(long, value_enum)]
    pub cluster: Option<ClusterKind>,
    /// Where data is kept: `sqlite:FILE`, `postgres://HOST/DATABASE`, `mongodb://HOST/DATABASE` or `memory`
    ///
    /// An address with a password comes from the file or from `NEUROPOD_STORE`: everybody on this machine can read the command line
    #[arg(long, global = true)]
    pub store: Option<String>,
    /// Where to listen, such as 127.0.0.1:3000
    #[arg(long, value_parser = listen)]
    pub listen: Option<SocketAddr>,
    /// A TOML file with the configuration
    #[arg(long, env = "NEUROPOD_CONFIG", global = true)]
    pub config: Option<PathBuf>,
    /// Development mode: people sign in with any e-mail address
    #[arg(long)]
    pub dev: bool,
    /// With --dev: create a pod for each of these scenarios; `all`, `list`, or names separated by commas
    ///
    /// Data is then kept in memory unless --store says otherwise. `list` shows the names and exits.
    #[arg(long, value_delimiter = ',')]
    pub scenario: Vec<String>,
    /// Print the configuration and where each value comes from, and exit
    #[arg(long)]
    pub print_config: bool,
    /// With --print-config: also print the meaning, the allowed values and the default of each key
    #[arg(long, requires = "print_config")]
    pub explain: bool,
    /// Print the documentation page that explains every key, and exit
    #[arg(long, hide = true)]
    pub config_reference: bool,
}

/// The command to run instead of serving.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum Command {
    /// Migrate the database of the existing Node backend: users with their balances, templates, pods and prices
    Migrate(migrate::Arguments),
    /// Copy everything from one store into another, an empty one, and compare both
    Copy(copy::Arguments),
}

/// Parses an address with a port; an error says which part is missing.
fn listen(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| {
        if text.parse::<IpAddr>().is_ok() {
            return "a port is missing, such as 127.0.0.1:3000 or [::1]:3000".into();
        }
        let (name, port) = text.rsplit_once(':').unwrap_or(("", text));
        match port.parse::<u16>() {
            Ok(port) if name.is_empty() || name == "localhost" => format!(
                "an IP address is missing: 127.0.0.1:{port} is for this machine only, 0.0.0.0:{port} for \
                 others to reach it too"
            ),
            _ => "an address with a port is needed, such as 127.0.0.1:3000 or [::1]:3000".into(),
        }
    })
}

/// The source of these values, as `--print-config` and errors call it.
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
    fn an_incomplete_address_reports_the_missing_part() {
        for (text, hint) in [
            ("3000", "127.0.0.1:3000"),
            ("127.0.0.1", "a port is missing"),
            ("::1", "a port is missing"),
            ("localhost:3000", "127.0.0.1:3000"),
            (":3000", "127.0.0.1:3000"),
            ("example.com:80", "127.0.0.1:3000"),
            ("127.0.0.1:70000", "127.0.0.1:3000"),
        ] {
            let error = Flags::try_parse_from(["server", "--listen", text]).unwrap_err();
            assert!(error.to_string().contains(hint), "{text}: {error}");
        }
        assert!(Flags::try_parse_from(["server", "--listen", "[::1]:0"]).is_ok());
    }
}
