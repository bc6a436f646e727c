//! A module of the dashboard, parsed as far as joining modules requires.

use std::fmt::Write as _;

/// An `import`.
#[derive(Debug)]
pub(super) struct Import {
    /// Its first and last line, counted from one.
    pub(super) line: usize,
    last: usize,
    /// The path as written.
    pub(super) from: String,
    /// The imported names, and their local names.
    pub(super) names: Vec<(String, String)>,
    /// The local name of the whole module.
    all: Option<String>,
}

impl Import {
    /// Whether this line belongs to it.
    pub(super) fn covers(&self, line: usize) -> bool {
        (self.line..=self.last).contains(&line)
    }

    /// The replacement for it in a module that is a function.
    pub(super) fn declaration(&self, importer: &str) -> String {
        let target = variable(&resolve(importer, &self.from).unwrap_or_default());
        if let Some(name) = &self.all {
            return format!("const {name} = {target};");
        }
        if self.names.is_empty() {
            return String::new();
        }
        let named = |(name, here): &(String, String)| {
            if name == here {
                name.clone()
            } else {
                format!("{name}: {here}")
            }
        };
        let parts: Vec<_> = self.names.iter().map(named).collect();
        format!("const {{ {} }} = {target};", parts.join(", "))
    }
}

/// A parsed module.
#[derive(Debug)]
pub(super) struct Module {
    pub(super) imports: Vec<Import>,
    pub(super) exports: Vec<String>,
}

/// A line, counted from one, and the problem with it.
pub(super) type Refused = (usize, String);

impl Module {
    /// Reads a module.
    ///
    /// # Errors
    /// The line that is not in the style of the dashboard, and the reason.
    pub(super) fn read(source: &str) -> Result<Self, Refused> {
        let mut parsed = Self {
            imports: Vec::new(),
            exports: Vec::new(),
        };
        let (mut body, mut comment) = (false, false);
        let mut lines = source.lines().enumerate();
        while let Some((index, line)) = lines.next() {
            let number = index + 1;
            let refuse = |text: &str| Err((number, text.to_owned()));
            if hides_code(line, comment) {
                return refuse("nothing follows a comment that began its line");
            }
            if code(line, &mut comment).is_empty() {
                continue;
            }
            if is_statement(line, "import") {
                if body {
                    return refuse("imports come before everything else");
                }
                let mut statement = line.to_owned();
                let mut last = number;
                while !statement.trim_end().ends_with(';') {
                    let Some((index, next)) = lines.next() else {
                        return refuse("an import ends with a semicolon");
                    };
                    last = index + 1;
                    statement.push(' ');
                    statement.push_str(next.trim());
                }
                let mut import = import(&statement).map_err(|text| (number, text))?;
                (import.line, import.last) = (number, last);
                parsed.imports.push(import);
                continue;
            }
            check(line).map_err(|text| (number, text))?;
            if is_statement(line, "export") {
                parsed.exports.push(export(line).map_err(|text| (number, text))?);
            }
            body = true;
        }
        Ok(parsed)
    }
}

/// A line without indentation and full-line comments. No text of the program spans several lines, so no text is
/// damaged. `comment` is whether the previous line ended within a comment.
pub(super) fn code<'a>(line: &'a str, comment: &mut bool) -> &'a str {
    let line = line.trim();
    let begins = line.starts_with("/*");
    if *comment || begins {
        // A comment must end at the end of its line; otherwise it is not a full-line comment.
        let ends = line.ends_with("*/") && (*comment || line.len() >= 4);
        *comment = !ends;
        return "";
    }
    if line.starts_with("//") { "" } else { line }
}

/// Whether a comment line also contains code.
fn hides_code(line: &str, comment: bool) -> bool {
    let begins = comment || line.trim_start().starts_with("/*");
    let rest = line.split_once("*/").map_or("", |(_, rest)| rest);
    begins && !rest.trim().is_empty()
}

/// Whether a line begins with this word.
fn is_statement(line: &str, word: &str) -> bool {
    line.strip_prefix(word).is_some_and(|rest| {
        !rest.starts_with(|sign: char| sign.is_alphanumeric() || sign == '_' || sign == '$')
    })
}

/// Refuses statements that a module may have and a function may not, and anything that would mislead a
/// line-based parser.
fn check(line: &str) -> Result<(), String> {
    // Inside of a multi-line text, a line that begins with `export` would look like an export.
    if !line.matches('`').count().is_multiple_of(2) {
        return Err("a text between backticks ends on its line".into());
    }
    if line.contains("import(") || line.contains("import.meta") {
        return Err("modules are imported with `import … from`, at the beginning".into());
    }
    let waits = is_statement(line, "await") || {
        let declares = ["const ", "let ", "var ", "export const "];
        declares.iter().any(|start| line.starts_with(start)) && line.contains(" = await ")
    };
    if waits {
        return Err("a module does not wait while it is loaded".into());
    }
    Ok(())
}

/// The name that a line exports.
fn export(line: &str) -> Result<String, String> {
    let declaration = line.trim_start_matches("export").trim_start();
    let rest = [
        "async function* ",
        "async function ",
        "function* ",
        "function ",
        "class ",
        "const ",
    ]
    .iter()
    .find_map(|start| declaration.strip_prefix(start));
    let name: String = rest
        .unwrap_or_default()
        .chars()
        .take_while(|sign| sign.is_alphanumeric() || matches!(sign, '_' | '$'))
        .collect();
    if name.is_empty() {
        return Err(
            "only `export function`, `export class` and `export const` with one name are understood".into(),
        );
    }
    Ok(name)
}

/// An import that is one line.
fn import(statement: &str) -> Result<Import, String> {
    let wrong = || {
        "only `import { a, b as c } from \"./d.js\";`, `import * as a from …` and `import \"./d.js\";` are understood"
            .to_owned()
    };
    let inside = statement
        .strip_prefix("import")
        .and_then(|rest| rest.trim_end().strip_suffix(';'))
        .ok_or_else(wrong)?;
    let (what, path) = match inside.rsplit_once(" from ") {
        Some((what, path)) => (Some(what.trim()), path),
        None => (None, inside),
    };
    let from = path
        .trim()
        .strip_prefix('"')
        .and_then(|path| path.strip_suffix('"'))
        .filter(|path| !path.contains('"'))
        .ok_or_else(wrong)?;
    let mut import = Import {
        line: 0,
        last: 0,
        from: from.to_owned(),
        names: Vec::new(),
        all: None,
    };
    let Some(what) = what else {
        return Ok(import);
    };
    if let Some(name) = what
        .strip_prefix("* as ")
        .map(str::trim)
        .filter(|name| is_name(name))
    {
        import.all = Some(name.to_owned());
        return Ok(import);
    }
    let list = what
        .strip_prefix('{')
        .and_then(|list| list.strip_suffix('}'))
        .ok_or_else(wrong)?;
    for each in list.split(',').map(str::trim).filter(|each| !each.is_empty()) {
        let (name, here) = each.split_once(" as ").unwrap_or((each, each));
        let (name, here) = (name.trim(), here.trim());
        if !is_name(name) || !is_name(here) || name == "default" {
            return Err(wrong());
        }
        import.names.push((name.to_owned(), here.to_owned()));
    }
    Ok(import)
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|sign| sign.is_alphanumeric() || matches!(sign, '_' | '$'))
}

/// The path of the file that `importer` calls `path`; `None` if it is outside of the dashboard.
pub(super) fn resolve(importer: &str, path: &str) -> Option<String> {
    if !path.starts_with("./") && !path.starts_with("../") {
        return None;
    }
    let mut parts: Vec<&str> = importer.split('/').collect();
    parts.pop();
    for part in path.split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()?),
            "" => return None,
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// The variable with the exports of a module: its path, with a first character that no name in a module has.
pub(super) fn variable(module: &str) -> String {
    let mut name = String::from("$");
    for sign in module.chars() {
        match sign {
            'a'..='z' | 'A'..='Z' | '0'..='9' => name.push(sign),
            // So that two paths never get the same name.
            '_' => name.push_str("__"),
            '/' => name.push_str("_0"),
            '-' => name.push_str("_1"),
            '.' => name.push_str("_2"),
            other => {
                let _ = write!(name, "_u{:x}_", u32::from(other));
            }
        }
    }
    name
}
