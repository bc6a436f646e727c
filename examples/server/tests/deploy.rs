//! Checks files of `examples/deploy` that no test runs: the rules of the Cloudflare tunnels, as cloudflared
//! checks them when it starts, and the scripts, with a parser of their language.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

#[path = "common/program.rs"]
mod program;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use regex::Regex;
use serde::Deserialize;

/// The contents of `config.yml`. cloudflared ignores unknown keys, so that a typo would go unnoticed.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Configuration {
    tunnel: String,
    credentials_file: String,
    ingress: Vec<Rule>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Rule {
    #[serde(default)]
    hostname: String,
    #[serde(default)]
    path: String,
    service: String,
    #[serde(default)]
    origin_request: OriginRequest,
}

/// The options in the files; each is one of cloudflared's.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct OriginRequest {
    #[serde(default, rename = "noTLSVerify")]
    no_tls_verify: bool,
}

impl Rule {
    fn is_catch_all(&self) -> bool {
        (self.hostname.is_empty() || self.hostname == "*") && self.path.is_empty()
    }

    fn matches(&self, host: &str, path: &str) -> bool {
        let host_fits = match self.hostname.strip_prefix("*.") {
            _ if self.hostname.is_empty() || self.hostname == "*" => true,
            Some(domain) => host.ends_with(domain),
            None => self.hostname == host,
        };
        host_fits
            && (self.path.is_empty() || Regex::new(&self.path).is_ok_and(|pattern| pattern.is_match(path)))
    }
}

/// Everything that prevents cloudflared from starting with these rules, and rules that no request reaches.
fn problems(tunnel: &Configuration) -> Vec<String> {
    let mut problems = Vec::new();
    let rules = &tunnel.ingress;
    if rules.is_empty() {
        problems.push("no rules".into());
    }
    for (index, rule) in rules.iter().enumerate() {
        let is_last = index + 1 == rules.len();
        let mut wrong = |what: &str| problems.push(format!("rule {}: {what}", index + 1));
        if let Some(status) = rule.service.strip_prefix("http_status:") {
            if !status
                .parse::<u16>()
                .is_ok_and(|status| (100..1000).contains(&status))
            {
                wrong("no HTTP status");
            }
        } else if let Err(problem) = check_address(&rule.service) {
            wrong(problem);
        }
        if rule.hostname.rfind('*').is_some_and(|at| at > 0) {
            wrong("a wildcard that is not at the beginning");
        }
        if rule.hostname.contains(':') {
            wrong("a port in a host name");
        }
        if !rule.path.is_empty() && Regex::new(&rule.path).is_err() {
            wrong("a path that is no regular expression");
        }
        match (is_last, rule.is_catch_all()) {
            (true, false) => wrong("the last rule does not match everything"),
            (false, true) => wrong("it matches everything, and more rules follow"),
            _ => {}
        }
        if rule.origin_request.no_tls_verify && !rule.service.starts_with("https:") {
            wrong("an option of TLS for a service without");
        }
        let host = rule.hostname.replacen('*', "lab-abcdefghij-8888", 1);
        let path = rule.path.trim_start_matches('^');
        if rules[..index].iter().any(|earlier| earlier.matches(&host, path)) {
            wrong("an earlier rule takes its requests");
        }
    }
    if tunnel.tunnel.is_empty() || tunnel.credentials_file.is_empty() {
        problems.push("no tunnel or credentials".into());
    }
    problems
}

/// The address of a service: a scheme and a host. The path is always that of the request.
fn check_address(service: &str) -> Result<(), &'static str> {
    let url = reqwest::Url::parse(service).map_err(|_| "a service without scheme and host")?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err("a service without scheme and host");
    }
    let after_scheme = service.split_once("://").map_or("", |(_, rest)| rest);
    if after_scheme.contains('/') {
        return Err("a service with a path");
    }
    Ok(())
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy")
}

fn tunnel(file: &str) -> Configuration {
    let text = fs::read_to_string(folder().join(file)).unwrap();
    serde_yaml_ng::from_str(&text).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// The service that receives a request.
fn service<'a>(tunnel: &'a Configuration, host: &str, path: &str) -> &'a str {
    let rule = tunnel.ingress.iter().find(|rule| rule.matches(host, path));
    &rule.unwrap().service
}

#[test]
fn cloudflared_accepts_the_rules_and_every_request_reaches_its_service() {
    // The pods are at a different site.
    for (file, domain, pods, app) in [
        (
            "cloudflared.yaml",
            "example.com",
            "example.net",
            "http://localhost:3000",
        ),
        (
            "existing-frontend/cloudflared.yaml",
            "neuropod.online",
            "neuropod-pods.online",
            "http://localhost:5173",
        ),
    ] {
        let tunnel = tunnel(file);
        assert_eq!(problems(&tunnel), Vec::<String>::new(), "{file}");
        let api = format!("api.{domain}");
        for (host, path, expected) in [
            (api.as_str(), "/api/pods", "http://localhost:3000"),
            (&api, "/metrics", "http_status:404"),
            (&format!("app.{domain}"), "/", app),
            (
                &format!("lab-abcdefghij-8888.{pods}"),
                "/lab",
                "https://localhost:443",
            ),
            (
                &format!("lab-abcdefghij-8888.{pods}"),
                "/metrics",
                "https://localhost:443",
            ),
            ("other.example.org", "/", "http_status:404"),
        ] {
            assert_eq!(service(&tunnel, host, path), expected, "{file}: {host}{path}");
        }
    }
}

#[test]
fn rules_that_cloudflared_refuses_are_found() {
    let catch_all = "  - service: http_status:404\n";
    let cases = [
        ("", "no rules"),
        (
            "  - hostname: app.example.com\n    service: http://localhost:1\n",
            "the last rule",
        ),
        (
            "  - service: http://localhost:1\n  - service: http_status:404\n",
            "more rules follow",
        ),
        (
            "  - hostname: app.*.com\n    service: http://localhost:1\n",
            "a wildcard",
        ),
        (
            "  - hostname: app.example.com:443\n    service: http://localhost:1\n",
            "a port",
        ),
        (
            "  - hostname: app.example.com\n    path: '('\n    service: http://localhost:1\n",
            "no regular expression",
        ),
        (
            "  - hostname: app.example.com\n    service: localhost:3000\n",
            "without scheme",
        ),
        (
            "  - hostname: app.example.com\n    service: http://localhost:1/app\n",
            "with a path",
        ),
        (
            "  - hostname: app.example.com\n    service: http_status:none\n",
            "no HTTP status",
        ),
        (
            "  - hostname: '*.example.com'\n    service: http://a:1\n  - hostname: app.example.com\n    service: http://b:1\n",
            "an earlier rule",
        ),
    ];
    for (rules, problem) in cases {
        let last =
            if problem == "no rules" || problem.starts_with("the last") || problem == "more rules follow" {
                ""
            } else {
                catch_all
            };
        let rules = if rules.is_empty() { "  []\n" } else { rules };
        let text = format!("tunnel: neuropod\ncredentials-file: /etc/c.json\ningress:\n{rules}{last}");
        let tunnel: Configuration = serde_yaml_ng::from_str(&text).unwrap();
        let found = problems(&tunnel).join("; ");
        assert!(found.contains(problem), "{rules}: {found}");
    }
    let misspelt =
        "tunnel: a\ncredentials-file: b\ningress:\n  - service: http_status:404\n    origin-request: {}\n";
    assert!(serde_yaml_ng::from_str::<Configuration>(misspelt).is_err());
}

/// The scripts with this extension.
fn scripts(extension: &str) -> Vec<PathBuf> {
    let found = fs::read_dir(folder().join("existing-frontend")).unwrap();
    let paths = found.map(|entry| entry.unwrap().path());
    let mut scripts: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .collect();
    scripts.sort();
    scripts
}

/// The places that a grammar of PowerShell does not accept.
fn errors_of_powershell(text: &str) -> Vec<String> {
    let mut parser = tree_sitter::Parser::new();
    parser
        .set_language(&tree_sitter_powershell::LANGUAGE.into())
        .unwrap();
    let tree = parser.parse(text, None).unwrap();
    let mut errors = Vec::new();
    let mut nodes = vec![tree.root_node()];
    while let Some(node) = nodes.pop() {
        if node.is_error() || node.is_missing() {
            let line = node.start_position().row + 1;
            errors.push(format!("line {line}: {}", &text[node.byte_range()]));
        }
        nodes.extend(node.children(&mut tree.walk()));
    }
    errors
}

#[test]
fn the_scripts_for_windows_are_powershell_and_match_those_for_bash() {
    let names = |extension: &str| -> Vec<_> {
        scripts(extension)
            .iter()
            .map(|path| path.file_stem().unwrap().to_owned())
            .collect()
    };
    assert_eq!(names("ps1"), ["start", "stop"]);
    assert_eq!(names("ps1"), names("sh"));
    for script in scripts("ps1") {
        let text = fs::read_to_string(&script).unwrap();
        assert_eq!(
            errors_of_powershell(&text),
            Vec::<String>::new(),
            "{}",
            script.display()
        );
        // PowerShell itself, if it is installed.
        let parse = format!(
            "$errors = $null; [void][System.Management.Automation.Language.Parser]::ParseFile('{}', [ref]$null, \
            [ref]$errors); $errors; exit $errors.Count",
            script.display()
        );
        if let Ok(parsed) = Command::new("pwsh")
            .args(["-NoProfile", "-Command", &parse])
            .output()
        {
            assert!(
                parsed.status.success(),
                "{}",
                String::from_utf8_lossy(&parsed.stdout)
            );
        }
    }
    assert_ne!(
        errors_of_powershell("if ($true) { Write-Output 'open"),
        Vec::<String>::new()
    );
}

#[cfg(unix)]
#[test]
fn the_scripts_for_bash_are_bash() {
    for script in scripts("sh") {
        let checked = Command::new("bash").arg("-n").arg(&script).output().unwrap();
        let errors = String::from_utf8_lossy(&checked.stderr);
        assert!(checked.status.success(), "{}: {errors}", script.display());
    }
}

/// The blocks of this language in a page.
fn blocks<'a>(page: &'a str, language: &str) -> Vec<&'a str> {
    let begin = format!("```{language}\n");
    let parts = page.split(begin.as_str()).skip(1);
    parts.map(|part| part.split("```").next().unwrap()).collect()
}

#[test]
fn the_configuration_in_the_walk_throughs_is_valid() {
    let temporary = tempfile::tempdir().unwrap();
    let mut count = 0;
    for page in ["README.md", "existing-frontend/README.md"] {
        let text = fs::read_to_string(folder().join(page)).unwrap();
        for block in blocks(&text, "toml") {
            let file = temporary.path().join("server.toml");
            fs::write(&file, block).unwrap();
            let checked = Command::new(program::program("server"))
                .args(["--print-config", "--config"])
                .arg(&file)
                .current_dir(temporary.path())
                .output()
                .expect("the server; `cargo build --example server` where only this test was built");
            let errors = String::from_utf8_lossy(&checked.stderr);
            assert!(checked.status.success(), "{page}: {errors}\n{block}");
            count += 1;
        }
    }
    assert!(count >= 3, "{count} blocks");
}
