//! The lists of the configuration: people who may sign in, and administrators.

use std::collections::HashSet;

use anyhow::{Context, Result, anyhow, ensure};
use neuropod::user::person::check_email;
use neuropod::{Role, User};

use crate::config::Config;

/// The lists, normalised for comparison.
#[derive(Debug, Default)]
pub(crate) struct Access {
    admins: HashSet<String>,
    emails: HashSet<String>,
    domains: HashSet<String>,
}

impl Access {
    /// The lists of a configuration.
    ///
    /// # Errors
    /// An entry that is no address, or no domain, with the name of its list.
    pub(crate) fn of(config: &Config) -> Result<Self> {
        let auth = &config.auth;
        Ok(Self {
            admins: addresses("auth.admin_emails", config.administrators())?,
            emails: addresses("auth.allowed_emails", auth.allowed_emails.iter())?,
            domains: auth
                .allowed_domains
                .iter()
                .map(|domain| {
                    let name = domain.trim().trim_start_matches('@');
                    // A domain is valid if an address can have it.
                    let fits = check_email(&format!("a@{name}")).is_ok();
                    let ascii = ascii_domain(name).filter(|_| fits);
                    ascii.ok_or_else(|| anyhow!("auth.allowed_domains: {domain:?} is no domain"))
                })
                .collect::<Result<_>>()?,
        })
    }

    /// The role of a person with this address. Only a verified address makes anybody an administrator.
    pub(crate) fn role(&self, email: &str, verified: bool) -> Role {
        if verified && self.is_administrators(email) {
            Role::Admin
        } else {
            Role::Client
        }
    }

    /// Whether this is the address of an administrator. Nobody else may use it: a person whose address is not verified is
    /// refused.
    pub(crate) fn is_administrators(&self, email: &str) -> bool {
        comparable(email).is_some_and(|email| self.admins.contains(&email))
    }

    /// Whether a person with this address may sign in. If there are lists, only a verified address counts as listed; that of
    /// an administrator must be verified in any case.
    pub(crate) fn allows(&self, email: &str, verified: bool) -> bool {
        if !verified && self.is_administrators(email) {
            return false;
        }
        if self.emails.is_empty() && self.domains.is_empty() {
            return true;
        }
        let listed = |email: String| {
            let domain = email.rsplit_once('@').map(|(_, domain)| domain);
            self.admins.contains(&email)
                || self.emails.contains(&email)
                || domain.is_some_and(|domain| self.domains.contains(domain))
        };
        verified && comparable(email).is_some_and(listed)
    }

    /// Whether a known user may still sign in, and their role now: the lists may have changed since they signed in.
    /// People who signed in with an earlier version of this server had a verified address.
    pub(crate) fn holds(&self, user: &User) -> (bool, Role) {
        let verified = user.email_verified || user.identity.is_none();
        (
            self.allows(&user.email, verified),
            self.role(&user.email, verified),
        )
    }
}

/// Whether two addresses are the same mailbox. Only its provider can know for sure.
pub(super) fn is_same(one: &str, other: &str) -> bool {
    one == other || comparable(one).is_some_and(|one| Some(one) == comparable(other))
}

fn addresses<'a>(list: &str, entries: impl Iterator<Item = &'a String>) -> Result<HashSet<String>> {
    let entries = entries.map(|entry| {
        let email = check_email(entry).map_err(|wrong| anyhow!("{}", wrong.code()));
        let email = email.ok().and_then(comparable);
        email.with_context(|| format!("{list}: {entry:?} is no e-mail address"))
    });
    let addresses: HashSet<_> = entries.collect::<Result<_>>()?;
    ensure!(addresses.len() <= 100_000, "{list}: too many addresses");
    Ok(addresses)
}

/// An address as it is compared: ASCII letters in lower case, and the domain as the DNS has it. Other letters are
/// compared as they are: some of them become ASCII in lower case, such as the Kelvin sign, and are another mailbox.
fn comparable(email: &str) -> Option<String> {
    let (local, domain) = email.rsplit_once('@')?;
    Some(format!(
        "{}@{}",
        local.to_ascii_lowercase(),
        ascii_domain(domain)?
    ))
}

/// A domain as the DNS has it: `münchen.de` is `xn--mnchen-3ya.de` (UTS 46).
fn ascii_domain(domain: &str) -> Option<String> {
    idna::domain_to_ascii(domain)
        .ok()
        .filter(|domain| !domain.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(admins: &[&str], emails: &[&str], domains: &[&str]) -> Result<Access> {
        let list = |entries: &[&str]| entries.iter().map(|&entry| entry.to_owned()).collect();
        let mut config = Config::default();
        config.auth.admin_emails = list(admins);
        config.auth.allowed_emails = list(emails);
        config.auth.allowed_domains = list(domains);
        Access::of(&config)
    }

    #[test]
    fn administrators_are_listed_and_verified() {
        let access = access(&["root@example.com", "Jefa@Münch.example"], &[], &[]).unwrap();
        for (email, role) in [
            ("root@example.com", Role::Admin),
            ("ROOT@Example.COM", Role::Admin),
            ("jefa@xn--mnch-0ra.example", Role::Admin),
            ("root@example.com.evil.example", Role::Client),
            ("xroot@example.com", Role::Client),
            ("root@sub.example.com", Role::Client),
            // Cyrillic о.
            ("r\u{43e}ot@example.com", Role::Client),
        ] {
            assert_eq!(access.role(email, true), role, "{email}");
            assert_eq!(access.role(email, false), Role::Client, "{email}");
        }
        let kelvin = super::tests::access(&["mike@example.com"], &[], &[]).unwrap();
        assert_eq!(kelvin.role("mi\u{212a}e@example.com", true), Role::Client);
        assert!(
            access.allows("anybody@example.org", false),
            "without lists everybody may come"
        );
        for email in [
            "root@example.com",
            "ROOT@Example.COM",
            "jefa@xn--mnch-0ra.example",
        ] {
            assert!(access.allows(email, true), "{email}");
            assert!(!access.allows(email, false), "{email}");
        }
    }

    #[test]
    fn one_administrator_is_told_as_before() {
        let mut config = Config {
            admin_email: "one@example.com".into(),
            ..Config::default()
        };
        let role = |config: &Config, email| Access::of(config).unwrap().role(email, true);
        assert_eq!(role(&config, "one@example.com"), Role::Admin);
        assert_eq!(role(&config, "admin@example.com"), Role::Client);
        config.auth.admin_emails = vec!["two@example.com".into()];
        assert_eq!(role(&config, "one@example.com"), Role::Admin);
        assert_eq!(role(&config, "two@example.com"), Role::Admin);
        config.admin_email = Config::default().admin_email;
        assert_eq!(
            role(&config, "admin@example.com"),
            Role::Client,
            "an example, no administrator"
        );
    }

    #[test]
    fn domains_are_whole() {
        let access = access(
            &["root@other.example"],
            &["guest@example.org"],
            &["example.com", "@münchen.de"],
        )
        .unwrap();
        for (email, expected) in [
            ("ana@example.com", true),
            ("ana@EXAMPLE.com", true),
            ("ana@ｅxample.com", true),
            ("guest@example.org", true),
            ("Guest@Example.org", true),
            ("root@other.example", true),
            ("ana@xn--mnchen-3ya.de", true),
            ("ana@MÜNCHEN.de", true),
            ("other@example.org", false),
            ("ana@notexample.com", false),
            ("ana@sub.example.com", false),
            ("ana@example.com.evil.example", false),
            ("ana@example.co", false),
            ("ana@ex\u{430}mple.com", false),
            ("ana", false),
        ] {
            assert_eq!(access.allows(email, true), expected, "{email}");
            assert!(!access.allows(email, false), "{email}, not verified");
        }
    }

    #[test]
    fn a_list_with_something_else_is_refused_by_name() {
        let wrong = [
            (access(&["root"], &[], &[]), "auth.admin_emails"),
            (
                access(&[], &["*@example.com"; 0], &["*.example.com"]),
                "auth.allowed_domains",
            ),
            (access(&[], &["@example.com"], &[]), "auth.allowed_emails"),
            (access(&[], &[], &[""]), "auth.allowed_domains"),
            (access(&[], &[], &["exa mple.com"]), "auth.allowed_domains"),
        ];
        for (list, name) in wrong {
            let error = list.unwrap_err().to_string();
            assert!(error.starts_with(name), "{error}");
        }
    }
}
