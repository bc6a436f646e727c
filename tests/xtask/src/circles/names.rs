//! Resolves paths to the items they name.

use std::collections::{HashMap, HashSet};

/// The place of a module in [`Names`].
pub(super) type ModuleId = usize;
/// The place of an item in [`Names`].
pub(super) type ItemId = usize;
/// The place of a file in the list of a crate's files.
pub(super) type FileId = usize;

/// The namespace in which a name is looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Namespace {
    Type,
    Value,
    Macro,
}

impl Namespace {
    pub(super) const ALL: [Self; 3] = [Self::Type, Self::Value, Self::Macro];
}

/// The namespaces that the name of an item is in.
pub(super) type Namespaces = &'static [Namespace];

/// The meaning of a name in a module.
#[derive(Debug)]
enum Entry {
    Item(ItemId, Namespaces),
    Module(ModuleId),
    /// Another path, by `use`.
    Import(Vec<String>),
}

#[derive(Debug)]
struct Module {
    parent: Option<ModuleId>,
    names: HashMap<String, Vec<Entry>>,
    /// The paths of `use path::*`.
    globs: Vec<Vec<String>>,
}

#[derive(Debug)]
struct Item {
    file: FileId,
    /// The variants of an enum.
    variants: HashSet<String>,
}

/// The target of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Named {
    Module(ModuleId),
    Item(ItemId),
    /// Something inside an item: a method, an associated item, a variant.
    Member(ItemId, String),
}

/// The names of a crate, by module. The first module is the root.
#[derive(Debug, Default)]
pub(super) struct Names {
    modules: Vec<Module>,
    items: Vec<Item>,
}

impl Names {
    pub(super) fn add_module(&mut self, parent: Option<(ModuleId, &str)>) -> ModuleId {
        let id = self.modules.len();
        self.modules.push(Module {
            parent: parent.map(|(parent, _)| parent),
            names: HashMap::new(),
            globs: Vec::new(),
        });
        if let Some((parent, name)) = parent {
            self.add(parent, name, Entry::Module(id));
        }
        id
    }

    pub(super) fn add_item(
        &mut self,
        module: ModuleId,
        file: FileId,
        name: &str,
        namespaces: Namespaces,
        variants: HashSet<String>,
    ) {
        let id = self.items.len();
        self.items.push(Item { file, variants });
        self.add(module, name, Entry::Item(id, namespaces));
    }

    pub(super) fn add_import(&mut self, module: ModuleId, name: &str, path: Vec<String>) {
        self.add(module, name, Entry::Import(path));
    }

    pub(super) fn add_glob(&mut self, module: ModuleId, path: Vec<String>) {
        self.modules[module].globs.push(path);
    }

    /// The file that defines an item.
    pub(super) fn file_of(&self, item: ItemId) -> FileId {
        self.items[item].file
    }

    /// The target of `path` in `module`; `None` for items of other crates and for local variables.
    pub(super) fn resolve(&self, module: ModuleId, path: &[String], namespace: Namespace) -> Option<Named> {
        self.follow(module, path, namespace, &mut HashSet::new())
    }

    fn add(&mut self, module: ModuleId, name: &str, entry: Entry) {
        self.modules[module]
            .names
            .entry(name.to_owned())
            .or_default()
            .push(entry);
    }

    fn follow(
        &self,
        module: ModuleId,
        path: &[String],
        namespace: Namespace,
        seen: &mut HashSet<(ModuleId, String, Namespace)>,
    ) -> Option<Named> {
        let mut here = Named::Module(module);
        for (place, segment) in path.iter().enumerate() {
            let is_last = place + 1 == path.len();
            here = match here {
                Named::Module(module) => match segment.as_str() {
                    "crate" => Named::Module(0),
                    "self" => Named::Module(module),
                    "super" => Named::Module(self.modules[module].parent?),
                    // Only the last segment may name a value or a macro.
                    name if is_last => self.look_up(module, name, namespace, seen)?,
                    name => self.look_up(module, name, Namespace::Type, seen)?,
                },
                Named::Item(item) => Named::Member(item, segment.clone()),
                member @ Named::Member(..) => member,
            };
        }
        Some(here)
    }

    /// The meaning of `name` in `module`. `seen` stops at imports that lead back to themselves.
    fn look_up(
        &self,
        module: ModuleId,
        name: &str,
        namespace: Namespace,
        seen: &mut HashSet<(ModuleId, String, Namespace)>,
    ) -> Option<Named> {
        if !seen.insert((module, name.to_owned(), namespace)) {
            return None;
        }
        let Module { names, globs, .. } = &self.modules[module];
        let entries = names.get(name).map_or(&[][..], Vec::as_slice);
        let own = entries.iter().find_map(|entry| match entry {
            Entry::Item(item, namespaces) if namespaces.contains(&namespace) => Some(Named::Item(*item)),
            Entry::Module(module) if namespace == Namespace::Type => Some(Named::Module(*module)),
            Entry::Item(..) | Entry::Module(_) => None,
            Entry::Import(path) => self.follow(module, path, namespace, seen),
        });
        own.or_else(|| {
            globs.iter().find_map(|path| {
                match self.follow(module, path, Namespace::Type, &mut seen.clone())? {
                    Named::Module(module) => self.look_up(module, name, namespace, seen),
                    Named::Item(item) if self.items[item].variants.contains(name) => {
                        Some(Named::Member(item, name.to_owned()))
                    }
                    Named::Item(_) | Named::Member(..) => None,
                }
            })
        })
    }
}
