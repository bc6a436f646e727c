//! Checks that the files and folders named in the pages for contributors exist.
//!
//! A path is relative to the root of the repository, to the folder of the page, or to one that the page has
//! named before: after `neuropod-core/src` a page may say `pod/check.rs`, and then `options.rs` of the same
//! folder. A path may have a `*` in its last part, and alternatives in braces.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::workspace::root;

/// The extensions of files, to distinguish a single word from code.
const EXTENSIONS: [&str; 14] = [
    "css", "html", "js", "json", "md", "ps1", "py", "rs", "sh", "sql", "toml", "txt", "yaml", "yml",
];

/// Pages besides the maps that name files, relative to the root.
const PAGES: [&str; 7] = [
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "RELEASING.md",
    "SECURITY.md",
    "examples/server/dashboard/README.md",
    "tests/HARDENING.md",
    "tests/trials/README.md",
];

/// All pages that name files.
fn pages() -> Vec<PathBuf> {
    let maps = fs::read_dir(root().join("docs/maps")).unwrap();
    let mut pages: Vec<_> = maps.map(|map| map.unwrap().path()).collect();
    pages.extend(PAGES.map(|page| root().join(page)));
    pages.sort();
    pages
}

/// The texts in backticks, outside of code blocks.
fn quoted(page: &str) -> Vec<&str> {
    let blocks = page.split("```").step_by(2);
    blocks
        .flat_map(|text| text.split('`').skip(1).step_by(2))
        .collect()
}

/// The text with each of its alternatives: `a/{b,c}.rs` is `a/b.rs` and `a/c.rs`.
fn alternatives(text: &str) -> Vec<String> {
    let Some((start, rest)) = text.split_once('{') else {
        return vec![text.to_owned()];
    };
    let (words, end) = rest.split_once('}').unwrap_or((rest, ""));
    words
        .split(',')
        .flat_map(|word| alternatives(&format!("{start}{}{end}", word.trim())))
        .collect()
}

/// Whether a text could be a path at all: not code, an address, a command or a text for people.
fn may_be_path(text: &str) -> bool {
    let is_of_path = |c: char| c.is_ascii_alphanumeric() || "_-./*".contains(c);
    // Cargo's output exists on some machines only.
    let is_built = text.starts_with("target/");
    !text.starts_with('/')
        && !is_built
        && text.chars().all(is_of_path)
        && text.chars().any(|c| c.is_ascii_alphanumeric())
}

/// Whether a text that may be a path has to be one: it is a folder, has the extension of a file, or begins with
/// an existing path.
fn is_path(text: &str, known: &[PathBuf]) -> bool {
    let extension = Path::new(text)
        .extension()
        .and_then(|extension| extension.to_str());
    let begins_there = || {
        let first = text.split_once('/').map(|(first, _)| first);
        first.is_some_and(|first| known.iter().any(|folder| folder.join(first).is_dir()))
    };
    text.ends_with('/') || extension.is_some_and(|found| EXTENSIONS.contains(&found)) || begins_there()
}

/// The file or folder of this path, or the first match of a `*` in its last part.
fn find(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?.to_str()?;
    let Some((start, end)) = name.split_once('*') else {
        return path.exists().then(|| path.to_owned());
    };
    let entries = fs::read_dir(path.parent()?).ok()?;
    let mut found = entries.filter_map(|entry| Some(entry.ok()?.path()));
    found.find(|entry| {
        let name = entry
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        name.len() >= start.len() + end.len() && name.starts_with(start) && name.ends_with(end)
    })
}

/// The missing paths that a page in `folder` names.
fn missing(page: &str, folder: &Path) -> Vec<String> {
    let mut known = vec![root(), folder.to_owned()];
    let mut missing = Vec::new();
    for path in quoted(page).into_iter().flat_map(alternatives) {
        if !may_be_path(&path) || !is_path(&path, &known) {
            continue;
        }
        let Some(found) = known.iter().find_map(|folder| find(&folder.join(&path))) else {
            missing.push(path);
            continue;
        };
        for folder in found.ancestors().take_while(|folder| folder.starts_with(root())) {
            if folder.is_dir() && !known.iter().any(|other| other == folder) {
                known.push(folder.to_owned());
            }
        }
    }
    missing
}

#[test]
fn pages_name_paths_that_exist() {
    let mut wrong = Vec::new();
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        let name = page.strip_prefix(root()).unwrap().display().to_string();
        wrong.extend(
            missing(&text, page.parent().unwrap())
                .into_iter()
                .map(|path| format!("{name}: `{path}`")),
        );
    }
    assert!(wrong.is_empty(), "not there: {wrong:#?}");
}

#[test]
fn paths_are_distinguished_from_other_words() {
    let page = "`neuropod-core/src` has `pod/check.rs`, `options.rs` and `reconcile/`; `cargo xtask test`, `Limits`, \
                `/api/docs`, `pod::check`, `target/screenshots`, `{pod,money}/mod.rs`, `tests/kube_*.rs`.\n\
                ```\n`none/of/this.rs`\n```\n";
    assert_eq!(missing(page, &root()), [""; 0]);
}

#[test]
fn missing_paths_are_found() {
    let page = "`options.rs`, then `neuropod-core/src` with `pod/none.rs`, `pod/{check,none}.rs`, `none/`, `tests/none_*` \
                and `pod/options.rs`";
    let wrong = [
        "options.rs",
        "pod/none.rs",
        "pod/none.rs",
        "none/",
        "tests/none_*",
    ];
    assert_eq!(missing(page, &root()), wrong);
}
