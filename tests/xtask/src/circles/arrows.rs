//! Finds the dependencies between the files of a crate, with their places.

use std::{
    collections::{BTreeMap, HashMap},
    mem,
};

use proc_macro2::{Span, TokenStream, TokenTree};
use syn::{
    Attribute, Block, Expr, ExprMethodCall, ExprPath, FnArg, Ident, ImplItem, ImplItemFn, Item, ItemFn,
    ItemImpl, ItemMacro, ItemTrait, ItemUse, Local, Macro, Member, Pat, PatIdent, Path, Signature, Stmt,
    TraitItemFn,
    visit::{self, Visit},
};

use super::{
    methods::{Known, Methods, known_type},
    modules::{Crate, attributes, imports, is_re_export, is_test_only},
    names::{FileId, ItemId, ModuleId, Named, Namespace},
};

/// A line of a file, and the dependency in it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) line: usize,
    pub(super) what: String,
}

/// The arrows from file to file, with the places that make them.
pub(super) type Arrows = BTreeMap<(FileId, FileId), Vec<Place>>;

/// All arrows among the files of a crate.
pub(super) fn arrows(source: &Crate) -> Arrows {
    let methods = Methods::of_crate(source);
    let mut arrows = Arrows::new();
    for module in &source.modules {
        let mut finder = Finder {
            source,
            methods: &methods,
            module: module.id,
            file: module.file,
            this: Known::Unknown,
            variables: HashMap::new(),
            arrows: &mut arrows,
        };
        for item in &module.items {
            finder.visit_item(item);
        }
    }
    arrows
}

/// Walks through the items of one module.
struct Finder<'a> {
    source: &'a Crate,
    methods: &'a Methods,
    module: ModuleId,
    file: FileId,
    /// The type of the present `impl`.
    this: Known,
    /// The types of the present parameters.
    variables: HashMap<String, Known>,
    arrows: &'a mut Arrows,
}

impl Finder<'_> {
    fn point_to(&mut self, file: FileId, span: Span, what: &str) {
        if file != self.file {
            self.arrows.entry((self.file, file)).or_default().push(Place {
                line: span.start().line,
                what: what.to_owned(),
            });
        }
    }

    fn point_to_item(&mut self, item: ItemId, member: Option<&str>, span: Span, what: &str) {
        self.point_to(self.source.names.file_of(item), span, what);
        if let Some(member) = member {
            for file in self.methods.of_type(item, member) {
                self.point_to(file, span, what);
            }
        }
    }

    fn name(&mut self, path: &[String], namespace: Namespace, span: Span) {
        let what = path.join("::");
        if let [first, member, ..] = path
            && first == "Self"
        {
            if let Known::Ours(item) = self.this {
                self.point_to_item(item, Some(member), span, &what);
            }
            return;
        }
        match self.source.names.resolve(self.module, path, namespace) {
            Some(Named::Item(item)) => self.point_to_item(item, None, span, &what),
            Some(Named::Member(item, member)) => self.point_to_item(item, Some(&member), span, &what),
            Some(Named::Module(_)) | None => {}
        }
    }

    fn path(&mut self, path: &Path, namespace: Namespace) {
        if path.leading_colon.is_none()
            && let Some(first) = path.segments.first()
        {
            let names: Vec<String> = path
                .segments
                .iter()
                .map(|segment| segment.ident.to_string())
                .collect();
            self.name(&names, namespace, first.ident.span());
        }
    }

    fn call(&mut self, receiver: Known, method: &Ident) {
        let name = method.to_string();
        for file in self.methods.called(receiver, &name, &self.source.names) {
            self.point_to(file, method.span(), &format!(".{name}()"));
        }
    }

    /// The known facts about the type of an expression.
    fn type_of(&self, expression: &Expr) -> Known {
        match expression {
            Expr::Path(path) if path.path.is_ident("self") => self.this,
            Expr::Path(path) => path
                .path
                .get_ident()
                .and_then(|name| self.variables.get(&name.to_string()))
                .copied()
                .unwrap_or(Known::Unknown),
            Expr::Field(field) => match &field.member {
                Member::Named(name) => self.methods.field(self.type_of(&field.base), &name.to_string()),
                Member::Unnamed(_) => Known::Unknown,
            },
            Expr::Reference(inner) => self.type_of(&inner.expr),
            Expr::Paren(inner) => self.type_of(&inner.expr),
            Expr::MethodCall(call) if call.method == "clone" => self.type_of(&call.receiver),
            _ => Known::Unknown,
        }
    }

    /// Walks through the body of a function, with its parameters known.
    fn body(&mut self, signature: &Signature, body: &Block) {
        let parameters = signature.inputs.iter().filter_map(|input| match input {
            FnArg::Typed(input) => match &*input.pat {
                Pat::Ident(name) => Some((
                    name.ident.to_string(),
                    known_type(&input.ty, self.module, &self.source.names),
                )),
                _ => None,
            },
            FnArg::Receiver(_) => None,
        });
        let parameters = parameters.collect();
        let outside = mem::replace(&mut self.variables, parameters);
        self.visit_block(body);
        self.variables = outside;
    }

    /// Walks through the items of the type `this`.
    fn of_type(&mut self, this: Known, walk: impl FnOnce(&mut Self)) {
        let outside = mem::replace(&mut self.this, this);
        walk(self);
        self.this = outside;
    }

    /// Reads the paths and method calls in tokens that were not parsed, such as those of a macro. A single word
    /// may be anything, so it only counts if `words` says that it is an expression.
    fn tokens(&mut self, tokens: TokenStream, words: bool) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut place = 0;
        while let Some(token) = tokens.get(place) {
            match token {
                TokenTree::Group(group) => self.tokens(group.stream(), words),
                TokenTree::Ident(first) => {
                    let after_dot = place > 0 && is_punct(&tokens[place - 1], '.');
                    let mut path = vec![first.to_string()];
                    while is_path_separator(&tokens, place + 1)
                        && let Some(TokenTree::Ident(next)) = tokens.get(place + 3)
                    {
                        path.push(next.to_string());
                        place += 3;
                    }
                    let is_called = matches!(tokens.get(place + 1), Some(TokenTree::Group(_)));
                    if after_dot && is_called {
                        let of_self = place >= 2
                            && matches!(&tokens[place - 2], TokenTree::Ident(name) if name == "self");
                        let receiver = if of_self { self.this } else { Known::Unknown };
                        self.call(receiver, first);
                    } else if !after_dot && (words || path.len() > 1) {
                        for namespace in Namespace::ALL {
                            self.name(&path, namespace, first.span());
                        }
                    }
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
            place += 1;
        }
    }
}

fn is_punct(token: &TokenTree, character: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == character)
}

fn is_path_separator(tokens: &[TokenTree], place: usize) -> bool {
    [place, place + 1]
        .iter()
        .all(|place| tokens.get(*place).is_some_and(|token| is_punct(token, ':')))
}

impl<'ast> Visit<'ast> for Finder<'_> {
    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        if is_re_export(item) {
            return;
        }
        for import in imports(item).into_iter().filter(|import| import.name.is_some()) {
            for namespace in Namespace::ALL {
                self.name(&import.path, namespace, item.use_token.span);
            }
        }
    }

    fn visit_item(&mut self, item: &'ast Item) {
        if !attributes(item).iter().any(is_test_only) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_impl(&mut self, item: &'ast ItemImpl) {
        let this = known_type(&item.self_ty, self.module, &self.source.names);
        self.of_type(this, |finder| visit::visit_item_impl(finder, item));
    }

    /// The type behind `self` in a trait is unknown.
    fn visit_item_trait(&mut self, item: &'ast ItemTrait) {
        self.of_type(Known::Foreign, |finder| visit::visit_item_trait(finder, item));
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        let is_test = match item {
            ImplItem::Fn(item) => item.attrs.iter().any(is_test_only),
            ImplItem::Const(item) => item.attrs.iter().any(is_test_only),
            _ => false,
        };
        if !is_test {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_item_fn(&mut self, item: &'ast ItemFn) {
        self.visit_signature(&item.sig);
        self.body(&item.sig, &item.block);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast ImplItemFn) {
        self.visit_signature(&item.sig);
        self.body(&item.sig, &item.block);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast TraitItemFn) {
        self.visit_signature(&item.sig);
        if let Some(body) = &item.default {
            self.body(&item.sig, body);
        }
    }

    fn visit_stmt(&mut self, statement: &'ast Stmt) {
        let is_test = match statement {
            Stmt::Local(local) => local.attrs.iter().any(is_test_only),
            Stmt::Macro(statement) => statement.attrs.iter().any(is_test_only),
            Stmt::Item(_) | Stmt::Expr(..) => false,
        };
        if !is_test {
            visit::visit_stmt(self, statement);
        }
    }

    /// The value comes before the pattern: in `let pod = pod.stored()` the second `pod` is the old one.
    fn visit_local(&mut self, local: &'ast Local) {
        if let Some(init) = &local.init {
            self.visit_local_init(init);
        }
        self.visit_pat(&local.pat);
    }

    /// A variable with the name of a parameter hides it, and its type is unknown.
    fn visit_pat_ident(&mut self, pattern: &'ast PatIdent) {
        self.variables.remove(&pattern.ident.to_string());
        visit::visit_pat_ident(self, pattern);
    }

    fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
        self.call(self.type_of(&call.receiver), &call.method);
        visit::visit_expr_method_call(self, call);
    }

    fn visit_expr_path(&mut self, expression: &'ast ExprPath) {
        if let Some(qself) = &expression.qself {
            self.visit_qself(qself);
            self.visit_path(&expression.path);
        } else {
            self.path(&expression.path, Namespace::Value);
            visit::visit_path(self, &expression.path);
        }
    }

    fn visit_path(&mut self, path: &'ast Path) {
        self.path(path, Namespace::Type);
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, invoked: &'ast Macro) {
        self.path(&invoked.path, Namespace::Macro);
        self.tokens(invoked.tokens.clone(), true);
    }

    fn visit_item_macro(&mut self, item: &'ast ItemMacro) {
        if item.ident.is_some() {
            self.tokens(item.mac.tokens.clone(), false);
        } else {
            self.visit_macro(&item.mac);
        }
    }

    /// Of the attributes, only serde's name functions and modules, in strings.
    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        let syn::Meta::List(list) = &attribute.meta else {
            return;
        };
        if !list.path.is_ident("serde") {
            return;
        }
        for token in list.tokens.clone() {
            if let TokenTree::Literal(literal) = token
                && let Ok(text) = syn::parse_str::<syn::LitStr>(&literal.to_string())
                && let Ok(path) = text.parse::<Path>()
            {
                let mut names: Vec<String> = path
                    .segments
                    .iter()
                    .map(|segment| segment.ident.to_string())
                    .collect();
                self.name(&names, Namespace::Value, literal.span());
                self.name(&names, Namespace::Type, literal.span());
                // `with = "module"` calls the functions of these names in the module.
                for function in ["serialize", "deserialize"] {
                    names.push(function.to_owned());
                    self.name(&names, Namespace::Value, literal.span());
                    names.pop();
                }
            }
        }
    }
}
