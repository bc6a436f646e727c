//! The page as sent to browsers, made of the files of the dashboard.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use bytes::Bytes;
use rust_embed::RustEmbed;
use serde::Serialize;

use super::modules::{self, NotUnderstood};
use crate::encoding::Encoding;

/// The path of the page's files.
pub(super) const ASSETS: &str = "assets/";
/// The icon, at an address that pages use directly.
pub(super) const ICON: &str = "icon.svg";
/// The element in which the server embeds the configuration, so that the page need not request it.
const CONFIG: &str = r#"<meta name="neuropod-config" content="" />"#;

#[derive(RustEmbed)]
#[folder = "dashboard"]
#[include = "*.html"]
#[include = "*.js"]
#[include = "*.css"]
#[include = "*.svg"]
#[exclude = "tests/*"]
struct Files;

/// The text of a file of the dashboard.
pub(super) fn text(path: &str) -> Option<String> {
    let file = Files::get(path)?;
    String::from_utf8(file.data.into_owned()).ok()
}

/// The paths of all files of the dashboard.
#[cfg(test)]
pub(super) fn paths() -> impl Iterator<Item = Cow<'static, str>> {
    Files::iter()
}

/// A part of a digest, to distinguish texts.
pub(super) fn digest(bytes: &[u8]) -> String {
    let digest = blake3::hash(bytes);
    data_encoding::HEXLOWER.encode(&digest.as_bytes()[..8])
}

/// The current page. It is created once, and again when its files have changed, which only happens in a debug
/// build.
///
/// # Errors
/// A module that can't be joined with the others.
pub(super) fn current() -> Result<Arc<Page>, NotUnderstood> {
    type Made = (String, Result<Arc<Page>, NotUnderstood>);
    static MADE: Mutex<Option<Made>> = Mutex::new(None);
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    let version = || {
        if cfg!(debug_assertions) {
            version()
        } else {
            String::new()
        }
    };
    match &*made {
        Some((of, page)) if *of == version() => page.clone(),
        _ => {
            let page = Page::make().map(Arc::new);
            *made = Some((version(), page.clone()));
            page
        }
    }
}

/// A value that changes with every file.
fn version() -> String {
    let mut hasher = blake3::Hasher::new();
    for path in Files::iter() {
        hasher.update(path.as_bytes());
        if let Some(file) = Files::get(&path) {
            hasher.update(&file.data);
        }
    }
    hasher.finalize().to_string()
}

/// A file of the page, with each encoding that was requested so far.
#[derive(Debug)]
pub(super) struct Asset {
    media_type: &'static str,
    plain: Bytes,
    brotli: OnceLock<Option<Bytes>>,
    gzip: OnceLock<Option<Bytes>>,
}

impl Asset {
    fn new(media_type: &'static str, text: String) -> Self {
        Self {
            media_type,
            plain: text.into(),
            brotli: OnceLock::new(),
            gzip: OnceLock::new(),
        }
    }

    /// Its media type.
    pub(super) fn media_type(&self) -> &'static str {
        self.media_type
    }

    /// Its contents in this encoding, or unencoded if that fails.
    pub(super) fn encoded(&self, encoding: Encoding) -> (Encoding, Bytes) {
        let place = match encoding {
            Encoding::Brotli => &self.brotli,
            Encoding::Gzip => &self.gzip,
            Encoding::Identity => return (encoding, self.plain.clone()),
        };
        match place.get_or_init(|| encoding.smallest(&self.plain)) {
            Some(body) => (encoding, body.clone()),
            None => (Encoding::Identity, self.plain.clone()),
        }
    }
}

/// The page and all of its files.
#[derive(Debug)]
pub(super) struct Page {
    index: String,
    /// By path.
    assets: BTreeMap<String, Asset>,
}

impl Page {
    fn make() -> Result<Self, NotUnderstood> {
        let mut page = Self {
            index: String::new(),
            assets: BTreeMap::new(),
        };
        let source = text("index.html").unwrap_or_default();
        let styles: String = source.lines().filter_map(style).filter_map(text).collect();
        let style_path = page.add("page", "css", "text/css; charset=utf-8", styles);
        let mut has_style = false;
        for line in source.lines() {
            let line: Cow<'_, str> = if style(line).is_some() {
                if has_style {
                    continue;
                }
                has_style = true;
                format!(r#"    <link rel="stylesheet" href="/{style_path}" />"#).into()
            } else if let Some(entry) = attribute(line, r#"<script type="module" src="/"#) {
                let path = page.add_script(entry)?;
                line.replace(entry, &path).into()
            } else if let Some(script) = attribute(line, r#"<script src="/"#) {
                let (stem, _) = script.rsplit_once('.').unwrap_or((script, ""));
                let early = text(script).unwrap_or_default();
                line.replace(script, &page.add(stem, "js", SCRIPT, early)).into()
            } else {
                line.into()
            };
            page.index.push_str(&line);
            page.index.push('\n');
        }
        let icon = Asset::new("image/svg+xml", text(ICON).unwrap_or_default());
        page.assets.insert(ICON.to_owned(), icon);
        Ok(page)
    }

    /// Adds a file under an address that depends on its contents, and returns the address.
    fn add(&mut self, stem: &str, extension: &str, media_type: &'static str, text: String) -> String {
        let path = format!("{ASSETS}{stem}-{}.{extension}", digest(text.as_bytes()));
        self.assets.insert(path.clone(), Asset::new(media_type, text));
        path
    }

    /// Adds a module with all its imports.
    fn add_script(&mut self, entry: &str) -> Result<String, NotUnderstood> {
        let modules::Script { text, map } = modules::join(entry, self::text)?;
        let map = self.add("page", "js.map", "application/json", map);
        let map_name = map.trim_start_matches(ASSETS);
        let text = format!("{text}//# sourceMappingURL={map_name}\n");
        Ok(self.add("page", "js", SCRIPT, text))
    }

    /// The page itself, with the configuration.
    pub(super) fn index(&self, config: &impl Serialize) -> String {
        let json = serde_json::to_string(config).unwrap_or_default();
        let value = json
            .replace('&', "&amp;")
            .replace('"', "&quot;")
            .replace('<', "&lt;");
        self.index
            .replacen(CONFIG, &CONFIG.replace(r#""" />"#, &format!("\"{value}\" />")), 1)
    }

    /// The file at this path, and whether it is exactly that version. If not, it is the present version of the
    /// same file, because replicas are not replaced all at once, and the page of one may request files from
    /// another.
    pub(super) fn asset(&self, path: &str) -> Option<(&Asset, bool)> {
        if let Some(asset) = self.assets.get(path) {
            return Some((asset, true));
        }
        let wanted = kind(path)?;
        let found = self.assets.iter().find(|(path, _)| kind(path) == Some(wanted));
        found.map(|(_, asset)| (asset, false))
    }

    /// Compresses every file that browsers request.
    pub(super) fn compress(&self) {
        for (path, asset) in &self.assets {
            if kind(path).is_some_and(|(_, extension)| extension == "js.map") {
                continue;
            }
            asset.encoded(Encoding::Brotli);
            asset.encoded(Encoding::Gzip);
        }
    }
}

const SCRIPT: &str = "text/javascript; charset=utf-8";

/// The style sheet that a line of the page names.
fn style(line: &str) -> Option<&str> {
    attribute(line, r#"<link rel="stylesheet" href="/"#)
}

/// The text after `start` in a line, up to the end of the attribute.
fn attribute<'a>(line: &'a str, start: &str) -> Option<&'a str> {
    let (path, _) = line.trim_start().strip_prefix(start)?.split_once('"')?;
    Some(path)
}

/// A path without its digest: the name before it and the extension.
fn kind(path: &str) -> Option<(&str, &str)> {
    let (name, extension) = path.strip_prefix(ASSETS)?.split_once('.')?;
    let (stem, digest) = name.rsplit_once('-')?;
    let is_digest = digest.len() == 16 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_digest.then_some((stem, extension))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_names_existing_files_and_no_sources() {
        let page = Page::make().unwrap();
        let html = page.index(&serde_json::json!({ "name": "\"a\" & <b>" }));
        assert!(
            html.contains(r#"content="{&quot;name&quot;:&quot;\&quot;a\&quot; &amp; &lt;b>&quot;}" />"#),
            "{html}"
        );
        let named: Vec<_> = html
            .split(['"'])
            .filter_map(|part| part.strip_prefix('/'))
            .collect();
        assert_eq!(named.len(), 4, "icon, early script, style and script: {named:?}");
        for path in named {
            let (_, is_current) = page.asset(path).unwrap();
            assert!(is_current, "{path}");
        }
        assert!(page.asset("main.js").is_none());
    }

    #[test]
    fn every_style_sheet_is_in_the_page() {
        let page = Page::make().unwrap();
        let (_, style) = page
            .assets
            .iter()
            .find(|(path, _)| kind(path) == Some(("page", "css")))
            .unwrap();
        let all = std::str::from_utf8(&style.plain).unwrap();
        for path in paths().filter(|path| path.ends_with(".css")) {
            assert!(all.contains(&text(&path).unwrap()), "{path} is not in index.html");
        }
    }

    #[test]
    fn a_page_of_another_version_gets_the_present_files() {
        let page = Page::make().unwrap();
        let (asset, is_current) = page.asset("assets/page-0123456789abcdef.css").unwrap();
        assert!(!is_current);
        assert!(asset.media_type().starts_with("text/css"));
        for path in [
            "assets/page-nothing.css",
            "assets/other-0123456789abcdef.css",
            "assets/",
        ] {
            assert!(page.asset(path).is_none(), "{path}");
        }
    }
}
