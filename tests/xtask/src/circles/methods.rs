//! Finds the file of a called method.
//!
//! The type of a receiver is known if it is written down close by: `self`, a parameter, a field of either. The
//! method is then looked up among the methods of that type. If the type is unknown, a call is followed only if
//! one `impl` in the whole crate has a method of that name, in another file than its type: that is how the
//! methods of one type are spread over files.

use std::collections::{BTreeSet, HashMap};

use syn::{Fields, GenericArgument, ImplItem, Item, PathArguments, TraitItem, Type};

use super::{
    modules::{Crate, is_test_only},
    names::{FileId, ItemId, ModuleId, Named, Names, Namespace},
};

/// The known facts about the type of an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// A type of this crate.
    Ours(ItemId),
    /// A type of another crate, a type parameter, or a trait object.
    Foreign,
    Unknown,
}

/// The methods of a crate's types, and the types of their fields.
#[derive(Default)]
pub(super) struct Methods {
    by_type: HashMap<(ItemId, String), BTreeSet<FileId>>,
    /// By name, each `impl` that has such a method: its file and the type, if it is of this crate.
    by_name: HashMap<String, Vec<(FileId, Option<ItemId>)>>,
    fields: HashMap<(ItemId, String), Known>,
}

impl Methods {
    /// Collects the methods and fields of all types of a crate.
    pub(super) fn of_crate(source: &Crate) -> Self {
        let mut this = Self::default();
        for module in &source.modules {
            for item in &module.items {
                this.collect(item, module.id, module.file, &source.names);
            }
        }
        this
    }

    fn collect(&mut self, item: &Item, module: ModuleId, file: FileId, names: &Names) {
        match item {
            Item::Impl(item) => {
                let of = match known_type(&item.self_ty, module, names) {
                    Known::Ours(id) => Some(id),
                    Known::Foreign | Known::Unknown => None,
                };
                for member in &item.items {
                    let ImplItem::Fn(method) = member else { continue };
                    if method.attrs.iter().any(is_test_only) {
                        continue;
                    }
                    let name = method.sig.ident.to_string();
                    if let Some(id) = of {
                        self.by_type.entry((id, name.clone())).or_default().insert(file);
                    }
                    self.by_name.entry(name).or_default().push((file, of));
                }
            }
            Item::Trait(item) => {
                for member in &item.items {
                    if let TraitItem::Fn(method) = member {
                        let name = method.sig.ident.to_string();
                        self.by_name.entry(name).or_default().push((file, None));
                    }
                }
            }
            Item::Struct(item) => {
                let path = [item.ident.to_string()];
                let this = names.resolve(module, &path, Namespace::Type);
                if let (Some(Named::Item(id)), Fields::Named(fields)) = (this, &item.fields) {
                    for field in &fields.named {
                        if let Some(name) = &field.ident {
                            let known = known_type(&field.ty, module, names);
                            self.fields.insert((id, name.to_string()), known);
                        }
                    }
                }
            }
            _ => {}
        }
    }

    /// The type of a field of a type.
    pub(super) fn field(&self, of: Known, name: &str) -> Known {
        match of {
            Known::Ours(id) => self
                .fields
                .get(&(id, name.to_owned()))
                .copied()
                .unwrap_or(Known::Unknown),
            Known::Foreign | Known::Unknown => Known::Unknown,
        }
    }

    /// The files that implement a method or an associated function `name` of the type `of`.
    pub(super) fn of_type(&self, of: ItemId, name: &str) -> impl Iterator<Item = FileId> {
        self.by_type
            .get(&(of, name.to_owned()))
            .into_iter()
            .flatten()
            .copied()
    }

    /// The files that a call of the method `name` on a receiver may lead to.
    pub(super) fn called(&self, receiver: Known, name: &str, names: &Names) -> Vec<FileId> {
        match receiver {
            Known::Ours(id) => self.of_type(id, name).collect(),
            Known::Foreign => Vec::new(),
            Known::Unknown => match self.by_name.get(name).map(Vec::as_slice) {
                Some([(file, Some(of))]) if names.file_of(*of) != *file => vec![*file],
                _ => Vec::new(),
            },
        }
    }
}

/// The type in an annotation, seen through references and the pointers of the standard library.
pub(super) fn known_type(written: &Type, module: ModuleId, names: &Names) -> Known {
    match written {
        Type::Reference(written) => known_type(&written.elem, module, names),
        Type::Paren(written) => known_type(&written.elem, module, names),
        Type::Group(written) => known_type(&written.elem, module, names),
        Type::Infer(_) => Known::Unknown,
        Type::Path(written) if written.qself.is_none() => {
            if let Some(last) = written.path.segments.last()
                && ["Arc", "Box", "Rc"].iter().any(|pointer| last.ident == pointer)
                && let PathArguments::AngleBracketed(arguments) = &last.arguments
                && let Some(GenericArgument::Type(inner)) = arguments.args.first()
            {
                return known_type(inner, module, names);
            }
            let path: Vec<String> = written
                .path
                .segments
                .iter()
                .map(|segment| segment.ident.to_string())
                .collect();
            match names.resolve(module, &path, Namespace::Type) {
                Some(Named::Item(item)) => Known::Ours(item),
                _ => Known::Foreign,
            }
        }
        _ => Known::Foreign,
    }
}
