//! The command line of `server migrate`.

use neuropod::message::Language;

use crate::config::Config;

/// The command line of `server migrate`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXIT_CODES)]
pub struct Arguments {
    /// The database of the old backend, such as `mongodb://localhost:27017/plataforma`; that of --store unless given
    ///
    /// With the same database as --store, it is migrated in place. With another store (a SQLite file, another database),
    /// everything is written there and the old database is not changed. Put an address with a password into
    /// `NEUROPOD_MIGRATE_FROM`: everybody on this machine can read the command line
    #[arg(long, env = "NEUROPOD_MIGRATE_FROM", hide_env_values = true)]
    pub from: Option<String>,
    /// Print what would be done, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// List every document, not only the unusual ones
    #[arg(long)]
    pub list: bool,
    /// The language of the report; that of the configuration or of this terminal unless given
    #[arg(long, value_enum)]
    pub language: Option<Spoken>,
}

const EXIT_CODES: &str = "Exit codes:
  0  everything was migrated (with --dry-run: can be), or there is nothing to do
  1  it failed; what is done stays done, and the same command continues
  2  the command line is wrong
  3  as 0, except for documents that can't be migrated and are set aside
  4  the old backend changed the database meanwhile: stop it and run the same command again";

/// The language of printed texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Spoken {
    /// Spanish.
    Es,
    /// English.
    En,
}

impl Arguments {
    /// The requested language, else that of the configuration, else that of the terminal.
    pub(super) fn language(&self, config: &Config) -> Language {
        match (self.language, config.language.fixed()) {
            (Some(Spoken::Es), _) => Language::Es,
            (Some(Spoken::En), _) => Language::En,
            (None, Some(language)) => language,
            (None, None) => {
                of_terminal(["LC_ALL", "LC_MESSAGES", "LANG"].map(|name| std::env::var(name).ok()))
            }
        }
    }
}

/// The language in the first of these variables that is set (POSIX, "Internationalization Variables").
fn of_terminal(variables: [Option<String>; 3]) -> Language {
    let locale = variables.into_iter().flatten().find(|value| !value.is_empty());
    match locale {
        Some(locale) if locale.starts_with("es") => Language::Es,
        _ => Language::En,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_of_the_terminal_is_used() {
        let some = |value: &str| Some(value.to_owned());
        for (variables, language) in [
            ([None, None, some("es_ES.UTF-8")], Language::Es),
            ([some(""), None, some("es_ES.UTF-8")], Language::Es),
            ([some("en_GB"), None, some("es_ES.UTF-8")], Language::En),
            ([None, some("es"), some("en_US.UTF-8")], Language::Es),
            ([None, None, some("C.UTF-8")], Language::En),
            ([None, None, None], Language::En),
        ] {
            assert_eq!(of_terminal(variables), language);
        }
    }
}
