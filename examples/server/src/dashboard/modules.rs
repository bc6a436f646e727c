//! Joins the modules of the dashboard into one script, so that a browser needs one request instead of one for
//! each module, and then one for each import.
//!
//! Each module becomes a function that is called once, after the modules that it imports:
//!
//! ```js
//! const $search_2js = (() => {
//! …the lines of the module, without comments…
//! return { searcher };
//! })();
//! ```
//!
//! This is correct only for modules in the style of the dashboard, so everything else is refused with its
//! place: imports come first and name what they import, exports are functions, classes and constants that are
//! named at their declaration, there are no import cycles, and every imported name exists.

use std::collections::BTreeMap;
use std::fmt;

use super::module::{Module, code, resolve, variable};
use super::source_map::SourceMap;

/// One script made of many modules.
#[derive(Debug)]
pub(super) struct Script {
    /// The script.
    pub(super) text: String,
    /// The source map.
    pub(super) map: String,
}

/// The reason why modules can't be joined.
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

/// Joins `entry` and everything that it imports. `read` returns a module by its path.
///
/// # Errors
/// The place that is not in the style of the dashboard, and the problem.
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
    /// The exports of each module in the script.
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
        let parsed = Module::read(source).map_err(|(line, text)| at(line, text))?;
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

    fn write(&mut self, name: &str, source: &str, parsed: &Module) {
        // The name of the file, for readers of the script.
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
    fn comments_and_indentation_are_removed() {
        let main = "/**\nexport const no = `1;\n */\nexport function one() {\n  /* Two. */\n  // Three.\n  \
            return `// ${1} /* four */`; // five\n}\n";
        let text = joined(&[("main.js", main)]).unwrap().text;
        let expected = "// main.js\nconst $main_2js = (() => {\nfunction one() {\n\
            return `// ${1} /* four */`; // five\n}\nreturn { one };\n})();\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn unsupported_syntax_is_refused_with_its_place() {
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

    /// The real page: a module in another style must be noticed before a browser loads it.
    #[test]
    fn every_module_of_the_dashboard_is_supported_and_used() {
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
