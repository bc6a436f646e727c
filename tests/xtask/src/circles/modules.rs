//! Reads a crate's source files and sorts their items into modules.

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use syn::{
    Attribute, Expr, Item, ItemMod, ItemUse, Lit, Meta, Token, UseTree, Visibility, punctuated::Punctuated,
    visit::Visit,
};

use super::names::{FileId, ModuleId, Names, Namespace, Namespaces};

/// The items of one module, without its submodules and without test code.
pub(super) struct Module {
    pub(super) id: ModuleId,
    pub(super) file: FileId,
    pub(super) items: Vec<Item>,
}

/// A crate: its files, its modules and the names in them.
#[derive(Default)]
pub(super) struct Crate {
    pub(super) files: Vec<PathBuf>,
    pub(super) modules: Vec<Module>,
    pub(super) names: Names,
}

/// One path of a `use`.
pub(super) struct Import {
    pub(super) path: Vec<String>,
    /// The local name; none for a glob.
    pub(super) name: Option<String>,
}

impl Crate {
    /// Reads the crate whose root file is `root`.
    pub(super) fn read(root: &Path) -> Result<Self> {
        let mut this = Self::default();
        let folder = root.parent().context("the folder of a crate")?;
        let module = this.names.add_module(None);
        this.read_file(root, folder, module)?;
        Ok(this)
    }

    fn read_file(&mut self, path: &Path, submodules: &Path, module: ModuleId) -> Result<()> {
        let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
        let parsed = syn::parse_file(&text).with_context(|| path.display().to_string())?;
        let file = self.files.len();
        self.files.push(path.to_owned());
        self.add(parsed.items, file, submodules, module)
    }

    /// Adds the items of a module. `submodules` is the folder of its submodules' files.
    fn add(&mut self, items: Vec<Item>, file: FileId, submodules: &Path, module: ModuleId) -> Result<()> {
        let mut kept = Vec::new();
        for item in items {
            if attributes(&item).iter().any(is_test_only) {
                continue;
            }
            match item {
                Item::Mod(child) => self.add_submodule(child, file, submodules, module)?,
                item => {
                    self.define(&item, file, module);
                    kept.push(item);
                }
            }
        }
        self.modules.push(Module {
            id: module,
            file,
            items: kept,
        });
        Ok(())
    }

    fn add_submodule(
        &mut self,
        child: ItemMod,
        file: FileId,
        submodules: &Path,
        parent: ModuleId,
    ) -> Result<()> {
        let name = child.ident.to_string();
        let module = self.names.add_module(Some((parent, &name)));
        let inside = submodules.join(&name);
        if let Some((_, items)) = child.content {
            return self.add(items, file, &inside, module);
        }
        if let Some(path) = child.attrs.iter().find_map(path_attribute) {
            let folder = self.files[file].parent().context("the folder of a file")?;
            let path = folder.join(path);
            let submodules = path.parent().context("the folder of a module")?.to_owned();
            return self.read_file(&path, &submodules, module);
        }
        let candidates = [submodules.join(format!("{name}.rs")), inside.join("mod.rs")];
        match candidates.iter().find(|path| path.is_file()) {
            Some(path) => self.read_file(path, &inside, module),
            None => bail!("no file for the module {}", inside.display()),
        }
    }

    /// Adds the name of an item to its module.
    fn define(&mut self, item: &Item, file: FileId, module: ModuleId) {
        use Namespace::{Macro, Type, Value};
        // Imports inside of a function are treated as imports of its whole module.
        let mut uses = Uses(Vec::new());
        uses.visit_item(item);
        for import in uses.0.into_iter().flat_map(imports) {
            match import.name {
                Some(name) => self.names.add_import(module, &name, import.path),
                None => self.names.add_glob(module, import.path),
            }
        }
        let (name, namespaces): (_, Namespaces) = match item {
            Item::Const(item) => (&item.ident, &[Value]),
            Item::Static(item) => (&item.ident, &[Value]),
            Item::Fn(item) => (&item.sig.ident, &[Value]),
            Item::Enum(item) => (&item.ident, &[Type]),
            Item::Struct(item) => (&item.ident, &[Type, Value]),
            Item::Trait(item) => (&item.ident, &[Type]),
            Item::TraitAlias(item) => (&item.ident, &[Type]),
            Item::Type(item) => (&item.ident, &[Type]),
            Item::Union(item) => (&item.ident, &[Type]),
            Item::Macro(item) => match &item.ident {
                Some(name) => (name, &[Macro]),
                None => return,
            },
            _ => return,
        };
        let variants = match item {
            Item::Enum(item) => item
                .variants
                .iter()
                .map(|variant| variant.ident.to_string())
                .collect(),
            _ => HashSet::new(),
        };
        self.names
            .add_item(module, file, &name.to_string(), namespaces, variants);
    }
}

/// Collects each `use`, also of functions.
struct Uses<'ast>(Vec<&'ast ItemUse>);

impl<'ast> Visit<'ast> for Uses<'ast> {
    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.0.push(item);
    }
}

/// Whether a `use` makes its names visible outside its module.
pub(super) fn is_re_export(item: &ItemUse) -> bool {
    !matches!(item.vis, Visibility::Inherited)
}

/// All paths of a `use`.
pub(super) fn imports(item: &ItemUse) -> Vec<Import> {
    let mut imports = Vec::new();
    // A path that begins with `::` names another crate.
    if item.leading_colon.is_none() {
        flatten(&item.tree, &mut Vec::new(), &mut imports);
    }
    imports
}

fn flatten(tree: &UseTree, path: &mut Vec<String>, imports: &mut Vec<Import>) {
    let mut import = |path: &[String], last: &syn::Ident, name: &syn::Ident| {
        let mut path = path.to_vec();
        let is_self = last == "self" && !path.is_empty();
        if !is_self {
            path.push(last.to_string());
        }
        let name = if is_self && name == "self" {
            path.last().cloned()
        } else {
            Some(name.to_string())
        };
        imports.push(Import { path, name });
    };
    match tree {
        UseTree::Path(tree) => {
            path.push(tree.ident.to_string());
            flatten(&tree.tree, path, imports);
            path.pop();
        }
        UseTree::Name(tree) => import(path, &tree.ident, &tree.ident),
        UseTree::Rename(tree) => import(path, &tree.ident, &tree.rename),
        UseTree::Glob(_) => imports.push(Import {
            path: path.clone(),
            name: None,
        }),
        UseTree::Group(tree) => {
            for tree in &tree.items {
                flatten(tree, path, imports);
            }
        }
    }
}

/// Whether an attribute excludes its item from every build except tests.
pub(super) fn is_test_only(attribute: &Attribute) -> bool {
    attribute.path().is_ident("test")
        || (attribute.path().is_ident("cfg")
            && attribute.parse_args::<Meta>().is_ok_and(|meta| is_false(&meta)))
}

/// Whether a condition is false in every build without tests.
fn is_false(condition: &Meta) -> bool {
    let Meta::List(list) = condition else {
        return condition.path().is_ident("test") || condition.path().is_ident("doctest");
    };
    let Ok(parts) = list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated) else {
        return false;
    };
    (list.path.is_ident("all") && parts.iter().any(is_false))
        || (list.path.is_ident("any") && parts.iter().all(is_false))
}

/// The file that `#[path = "…"]` names.
fn path_attribute(attribute: &Attribute) -> Option<String> {
    let Meta::NameValue(meta) = &attribute.meta else {
        return None;
    };
    match &meta.value {
        Expr::Lit(literal) if meta.path.is_ident("path") => match &literal.lit {
            Lit::Str(path) => Some(path.value()),
            _ => None,
        },
        _ => None,
    }
}

/// The attributes of an item.
pub(super) fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}
