//! Puts the modules of the dashboard together into one script, so that a browser asks once instead of once for each
//! module, and then for what that one imports.
//!
//! Each module becomes a function that is called once, after those it imports:
//!
//! ```js
//! const $search_2js = (() => {
//! …the lines of the module, without comments…
//! return { searcher };
//! })();
//! ```
//!
//! That is right only for modules in the style of the dashboard, so all else is refused with its place: imports come
//! first and name what they import, exports are functions, classes and constants that are named where they are
//! declared, no module imports itself by way of others, and what is imported exists.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use super::source_map::SourceMap;

/// One script made of many modules.
#[derive(Debug)]
pub(super) struct Script {
    /// The script.
    pub(super) text: String,
    /// Which of its lines is from where.
    pub(super) map: String,
}

/// Why modules can't be put together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NotUnderstood {
    module: String,
    line: usize,
    text: String,
}

impl fmt::Display for NotUnderstood {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.module, self.line, self.text)
    }
}

impl std::error::Error for NotUnderstood {}

/// Puts `entry` and all that it imports together. `read` returns a module by its path.
///
/// # Errors
/// What is not in the style of the dashboard, and where.
pub(super) fn join(entry: &str, read: impl Fn(&str) -> Option<String>) -> Result<Script, NotUnderstood> {
    let mut joined = Joined {
        read,
        done: BTreeMap::new(),
        path: Vec::new(),
        text: String::new(),
        map: SourceMap::default(),
    };
    let text = (joined.read)(entry).ok_or_else(|| NotUnderstood {
        module: entry.to_owned(),
        line: 0,
        text: "there is no such file".into(),
    })?;
    joined.add(entry, &text)?;
    Ok(Script {
        text: joined.text,
        map: joined.map.json(),
    })
}

struct Joined<R> {
    read: R,
    /// What each module that is in the script exports.
    done: BTreeMap<String, Vec<String>>,
    /// The modules that are being added: each imports the next.
    path: Vec<String>,
    text: String,
    map: SourceMap,
}

impl<R: Fn(&str) -> Option<String>> Joined<R> {
    fn add(&mut self, name: &str, source: &str) -> Result<(), NotUnderstood> {
        let at = |line: usize, text: String| NotUnderstood {
            module: name.to_owned(),
            line,
            text,
        };
        self.path.push(name.to_owned());
        let parsed = Parsed::of(source).map_err(|(line, text)| at(line, text))?;
        for import in &parsed.imports {
            let target = resolve(name, &import.from).ok_or_else(|| {
                at(
                    import.line,
                    format!("{:?} is no path of a file of the dashboard", import.from),
                )
            })?;
            if self.path.contains(&target) {
                let circle = self.path.join(" → ");
                return Err(at(
                    import.line,
                    format!("modules import each other in a circle: {circle} → {target}"),
                ));
            }
            if !self.done.contains_key(&target) {
                let text = (self.read)(&target)
                    .ok_or_else(|| at(import.line, format!("there is no file {target}")))?;
                self.add(&target, &text)?;
            }
            let exports = self.done.get(&target).map_or(&[][..], Vec::as_slice);
            if let Some((missing, _)) = import.names.iter().find(|(name, _)| !exports.contains(name)) {
                return Err(at(import.line, format!("{target} exports no `{missing}`")));
            }
        }
        self.write(name, source, &parsed);
        self.path.pop();
        self.done.insert(name.to_owned(), parsed.exports);
        Ok(())
    }

    fn write(&mut self, name: &str, source: &str, parsed: &Parsed) {
        // The name of the file, for who reads the script itself.
        self.line(&format!("// {name}"));
        self.line(&format!("const {} = (() => {{", variable(name)));
        let module = self.map.source(name, source);
        let mut comment = false;
        for (number, line) in source.lines().enumerate() {
            let import = parsed.imports.iter().find(|import| import.covers(number + 1));
            let text = match import {
                Some(import) if import.line == number + 1 => import.declaration(name),
                Some(_) => String::new(),
                None => code(line.strip_prefix("export ").unwrap_or(line), &mut comment).to_owned(),
            };
            if !text.is_empty() {
                self.map
                    .line_is(module, number, line.len() - line.trim_start().len());
                self.line(&text);
            }
        }
        self.line(&format!("return {{ {} }};", parsed.exports.join(", ")));
        self.line("})();");
    }

    fn line(&mut self, text: &str) {
        self.text.push_str(text);
        self.text.push('\n');
        self.map.end_line();
    }
}

/// An `import`.
#[derive(Debug)]
struct Import {
    /// Its first and last line, counted from one.
    line: usize,
    last: usize,
    /// The path as written.
    from: String,
    /// What it imports by name, and what that is called here.
    names: Vec<(String, String)>,
    /// What everything together is called here.
    all: Option<String>,
}

impl Import {
    fn covers(&self, line: usize) -> bool {
        (self.line..=self.last).contains(&line)
    }

    /// What stands for it in a module that is a function.
    fn declaration(&self, importer: &str) -> String {
        let target = variable(&resolve(importer, &self.from).unwrap_or_default());
        if let Some(name) = &self.all {
            return format!("const {name} = {target};");
        }
        let mut text = String::new();
        for (name, here) in &self.names {
            let separator = if text.is_empty() { "" } else { ", " };
            let _ = match name == here {
                true => write!(text, "{separator}{name}"),
                false => write!(text, "{separator}{name}: {here}"),
            };
        }
        match text.as_str() {
            "" => text,
            names => format!("const {{ {names} }} = {target};"),
        }
    }
}

/// A module, as far as it has to be understood.
#[derive(Debug)]
struct Parsed {
    imports: Vec<Import>,
    exports: Vec<String>,
}

type Refused = (usize, String);

impl Parsed {
    fn of(source: &str) -> Result<Self, Refused> {
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

/// A line without what only its reader needs: indentation, and comments that have lines of their own. No text of the
/// program goes over several lines, so that nothing of one is lost. `comment` is whether the line before ended in one.
fn code<'a>(line: &'a str, comment: &mut bool) -> &'a str {
    let line = line.trim();
    let begins = line.starts_with("/*");
    if *comment || begins {
        // The end of a comment is the end of its line, or it is none that has lines of its own.
        let ends = line.ends_with("*/") && (*comment || line.len() >= 4);
        *comment = !ends;
        return "";
    }
    if line.starts_with("//") { "" } else { line }
}

/// Whether there is more on a line that is, or begins with, a comment.
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

/// What a function can't do that a module can, and what would hide from who reads lines.
fn check(line: &str) -> Result<(), String> {
    // Inside of a text a line that begins with `export` would look like one.
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

/// The path of a file that `importer` calls `path`; `None` where that is not within the dashboard.
fn resolve(importer: &str, path: &str) -> Option<String> {
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

/// The variable that has what a module exports: its path, with a sign that names in modules don't begin with.
fn variable(module: &str) -> String {
    let mut name = String::from("$");
    for sign in module.chars() {
        match sign {
            'a'..='z' | 'A'..='Z' | '0'..='9' => name.push(sign),
            // Two paths never give one name.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dashboard::page;

    fn joined(modules: &[(&str, &str)]) -> Result<Script, String> {
        let read = |path: &str| {
            let found = modules.iter().find(|(name, _)| *name == path);
            found.map(|(_, text)| (*text).to_owned())
        };
        join("main.js", read).map_err(|error| error.to_string())
    }

    #[test]
    fn modules_become_functions_after_those_that_they_import() {
        let script = joined(&[
            (
                "main.js",
                "import * as all from \"./parts/two.js\";\nimport {\n  one,\n  ONE as first,\n} from \"./one.js\";\n\n\
                 all.two(one, first);\n",
            ),
            (
                "parts/two.js",
                "// Two.\nimport { one } from \"../one.js\";\nimport \"../one.js\";\nexport async function two() {}\n",
            ),
            ("one.js", "export const ONE = 1;\nexport function one() {}\n"),
        ]);
        let expected = "// one.js\nconst $one_2js = (() => {\nconst ONE = 1;\nfunction one() {}\n\
            return { ONE, one };\n})();\n\
            // parts/two.js\nconst $parts_0two_2js = (() => {\nconst { one } = $one_2js;\n\
            async function two() {}\nreturn { two };\n})();\n\
            // main.js\nconst $main_2js = (() => {\nconst all = $parts_0two_2js;\n\
            const { one, ONE: first } = $one_2js;\nall.two(one, first);\nreturn {  };\n})();\n";
        assert_eq!(script.unwrap().text, expected);
    }

    #[test]
    fn comments_and_indentation_stay_at_home() {
        let main = "/**\nexport const no = `1;\n */\nexport function one() {\n  /* Two. */\n  // Three.\n  \
            return `// ${1} /* four */`; // five\n}\n";
        let text = joined(&[("main.js", main)]).unwrap().text;
        let expected = "// main.js\nconst $main_2js = (() => {\nfunction one() {\n\
            return `// ${1} /* four */`; // five\n}\nreturn { one };\n})();\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn what_is_not_understood_is_refused_with_its_place() {
        let other = (
            "other.js",
            "import { a } from \"./main.js\";\nexport const b = 1;\n",
        );
        let plain = ("plain.js", "export const b = 1;\n");
        for (main, said) in [
            ("import a from \"./plain.js\";\n", "main.js:1: only `import {"),
            (
                "import { default as a } from \"./plain.js\";\n",
                "main.js:1: only `import {",
            ),
            ("import { a } from './plain.js';\n", "main.js:1: only `import {"),
            ("import { a }\n", "main.js:1: an import ends with a semicolon"),
            (
                "import { b } from \"plain.js\";\n",
                "main.js:1: \"plain.js\" is no path",
            ),
            (
                "import { b } from \"../plain.js\";\n",
                "main.js:1: \"../plain.js\" is no path",
            ),
            (
                "import { b } from \"https://a.example/b.js\";\n",
                "main.js:1: \"https:",
            ),
            (
                "import { b } from \"./nothing.js\";\n",
                "main.js:1: there is no file nothing.js",
            ),
            (
                "import { c } from \"./plain.js\";\n",
                "main.js:1: plain.js exports no `c`",
            ),
            (
                "\nimport { b } from \"./other.js\";\n",
                "other.js:1: modules import each other in a circle",
            ),
            (
                "const a = 1;\nimport { b } from \"./plain.js\";\n",
                "main.js:2: imports come before",
            ),
            (
                "const a = import(\"./plain.js\");\n",
                "main.js:1: modules are imported with",
            ),
            (
                "const a = import.meta.url;\n",
                "main.js:1: modules are imported with",
            ),
            ("export default 1;\n", "main.js:1: only `export function`"),
            (
                "export * from \"./plain.js\";\n",
                "main.js:1: only `export function`",
            ),
            ("export { a };\n", "main.js:1: only `export function`"),
            ("export{ a };\n", "main.js:1: only `export function`"),
            ("export let a = 1;\n", "main.js:1: only `export function`"),
            ("export const { a } = b;\n", "main.js:1: only `export function`"),
            ("\nawait load();\n", "main.js:2: a module does not wait"),
            ("const a = await load();\n", "main.js:1: a module does not wait"),
            (
                "const a = `one\nexport const b = 2`;\n",
                "main.js:1: a text between backticks",
            ),
        ] {
            let error = joined(&[("main.js", main), other, plain]).unwrap_err();
            assert!(error.starts_with(said), "{main}: {error}");
        }
        assert_eq!(joined(&[]).unwrap_err(), "main.js:0: there is no such file");
    }

    #[test]
    fn two_modules_never_share_a_variable() {
        let paths = [
            "a-b.js", "a_b.js", "a/b.js", "a.b.js", "a_1b.js", "añb.js", "aub.js",
        ];
        let names: std::collections::BTreeSet<_> = paths.map(variable).into_iter().collect();
        assert_eq!(names.len(), paths.len(), "{names:?}");
    }

    /// The page of this very program: a module in another style must not wait for a browser to be noticed.
    #[test]
    fn every_module_of_the_dashboard_is_understood_and_used() {
        let script = join("main.js", page::text).unwrap();
        let unused = page::paths()
            .filter(|path| path.ends_with(".js") && path != "early.js")
            .filter(|path| {
                !script.text.contains(&format!("\n// {path}\n"))
                    && !script.text.starts_with(&format!("// {path}\n"))
            })
            .collect::<Vec<_>>();
        assert_eq!(unused, Vec::<String>::new(), "nobody imports them");
    }
}
