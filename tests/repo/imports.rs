//! Which file names which item of which other file, however it is written: through `use`, a path in
//! code or in a macro, a name that another file re-exports, or a glob.
//!
//! `mod x;` and `pub use x::Y` are no imports. A re-exported name counts as an import of the file
//! that defines it. A method that is called on a value is not seen: its type is named elsewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use proc_macro2::{Span, TokenStream, TokenTree};
use syn::punctuated::Punctuated;
use syn::visit::{self, Visit};
use syn::{Attribute, Item, Meta, Token, UseTree, Visibility};

use crate::support::source::SourceFile;

/// One file names something of another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Import {
    /// Index of the file that names.
    pub(crate) from: usize,
    /// Index of the file in which it is.
    pub(crate) to: usize,
    /// Where it is named.
    pub(crate) line: usize,
    /// Its item; none where only the module is named.
    pub(crate) item: Option<String>,
    /// Whether only tests name it.
    pub(crate) in_tests: bool,
}

/// Everything that these files, which make up a crate, name of each other. Each pair of files comes
/// once for every item.
pub(crate) fn find_imports(files: &[SourceFile]) -> Vec<Import> {
    let parsed: Vec<syn::File> = files
        .iter()
        .map(|file| {
            let error = |error: syn::Error| panic!("{}: {error}", file.path.display());
            syn::parse_file(&file.text).unwrap_or_else(error)
        })
        .collect();
    let modules = place_files(files, &parsed);
    let mut names = Names::default();
    for (file, syntax) in parsed.iter().enumerate() {
        let mut declared = Declared {
            file,
            module: modules[file].clone(),
            names: &mut names,
        };
        declared.scope();
        declared.visit_file(syntax);
    }
    let mut imports = BTreeSet::new();
    for (file, syntax) in parsed.iter().enumerate() {
        let of_tests = names.test_modules.iter();
        let in_tests = of_tests
            .into_iter()
            .any(|tests| modules[file].starts_with(tests));
        Named {
            file,
            modules: &modules,
            module: modules[file].clone(),
            in_tests,
            names: &names,
            imports: &mut imports,
        }
        .visit_file(syntax);
    }
    imports.into_iter().collect()
}

/// A module or a name, as the names on the way to it from the crate's root.
type Path = Vec<String>;

/// The module of each file: where it lies, unless a `#[path]` puts it elsewhere.
fn place_files(files: &[SourceFile], parsed: &[syn::File]) -> Vec<Path> {
    let mut modules: Vec<Path> = files.iter().map(|file| file.module.clone()).collect();
    let by_path: BTreeMap<&PathBuf, usize> = files
        .iter()
        .enumerate()
        .map(|(index, file)| (&file.path, index))
        .collect();
    for (file, syntax) in files.iter().zip(parsed) {
        for item in &syntax.items {
            let Item::Mod(item) = item else { continue };
            for path in item.attrs.iter().filter_map(|one| path_in(&one.meta)) {
                let placed = by_path[&file.path.with_file_name(path)];
                modules[placed].clone_from(&file.module);
                modules[placed].push(item.ident.to_string());
            }
        }
    }
    modules
}

/// The value of `path = "…"`, also in a `cfg_attr`.
fn path_in(meta: &Meta) -> Option<String> {
    match meta {
        Meta::NameValue(pair) if pair.path.is_ident("path") => match &pair.value {
            syn::Expr::Lit(syn::ExprLit {
                lit: syn::Lit::Str(text),
                ..
            }) => Some(text.value()),
            _ => None,
        },
        Meta::List(_) if meta.path().is_ident("cfg_attr") => {
            nested(meta).iter().skip(1).find_map(path_in)
        }
        _ => None,
    }
}

fn nested(meta: &Meta) -> Vec<Meta> {
    let parser = Punctuated::<Meta, Token![,]>::parse_terminated;
    let list = meta.require_list().and_then(|list| {
        list.parse_args_with(parser)
            .map(|metas| metas.into_iter().collect())
    });
    list.unwrap_or_default()
}

/// Whether what has these attributes is compiled for tests alone.
fn is_for_tests(attributes: &[Attribute]) -> bool {
    fn needs_test(meta: &Meta) -> bool {
        let any = || nested(meta);
        match meta.path().get_ident().map(ToString::to_string).as_deref() {
            Some("test") => true,
            Some("all") => any().iter().any(needs_test),
            Some("any") => any().iter().all(needs_test),
            _ => false,
        }
    }
    attributes
        .iter()
        .filter(|one| one.path().is_ident("cfg"))
        .any(|one| nested(&one.meta).iter().any(needs_test))
}

/// What the modules of the crate hold.
#[derive(Default)]
struct Names {
    scopes: BTreeMap<Path, Vec<Scope>>,
    test_modules: BTreeSet<Path>,
}

/// A module in a file: the whole of it, or an inline one.
struct Scope {
    file: usize,
    items: BTreeSet<String>,
    /// The names that a `use` imports, with their paths.
    bindings: Vec<(String, Path)>,
    globs: Vec<Path>,
}

/// What a path leads to.
enum Target {
    Module(Path),
    Item { file: usize, name: String },
}

impl Names {
    /// Follows a path that is written in `module`. Nothing for what is of another crate, or local to
    /// a function.
    fn resolve(&self, module: &[String], path: &[String], seen: &mut Vec<Path>) -> Vec<Target> {
        let Some((first, mut rest)) = path.split_first() else {
            return Vec::new();
        };
        match first.as_str() {
            "crate" => self.descend(&[], rest, seen),
            "self" => self.descend(module, rest, seen),
            "super" => {
                let mut above = &module[..module.len().saturating_sub(1)];
                while let Some(("super", further)) =
                    rest.split_first().map(|(one, rest)| (one.as_str(), rest))
                {
                    above = &above[..above.len().saturating_sub(1)];
                    rest = further;
                }
                self.descend(above, rest, seen)
            }
            _ => self.look_up(module, path, seen).unwrap_or_default(),
        }
    }

    /// Follows the rest of a path from a module on. A name that is not seen there, such as one that a
    /// macro makes, counts as one of its items.
    fn descend(&self, module: &[String], path: &[String], seen: &mut Vec<Path>) -> Vec<Target> {
        let Some(name) = path.first() else {
            return vec![Target::Module(module.to_vec())];
        };
        self.look_up(module, path, seen).unwrap_or_else(|| {
            let scopes = self.scopes.get(module).into_iter().flatten();
            scopes
                .map(|scope| Target::Item {
                    file: scope.file,
                    name: name.clone(),
                })
                .collect()
        })
    }

    /// `None`: the module has no such name.
    fn look_up(
        &self,
        module: &[String],
        path: &[String],
        seen: &mut Vec<Path>,
    ) -> Option<Vec<Target>> {
        let (name, rest) = path.split_first()?;
        let own = [module, std::slice::from_ref(name)].concat();
        let is_module = self.scopes.contains_key(&own);
        if is_module && !rest.is_empty() {
            return Some(self.descend(&own, rest, seen));
        }
        let mut known = is_module;
        let mut found = Vec::new();
        if is_module {
            found.push(Target::Module(own.clone()));
        }
        // A name whose path is the name itself belongs to another crate.
        let is_new = !seen.contains(&own);
        seen.push(own);
        for scope in self.scopes.get(module).into_iter().flatten() {
            if scope.items.contains(name) {
                known = true;
                found.push(Target::Item {
                    file: scope.file,
                    name: name.clone(),
                });
            }
            for (_, bound_path) in scope.bindings.iter().filter(|(bound, _)| bound == name) {
                known = true;
                if is_new || is_module {
                    let whole = [bound_path, rest].concat();
                    found.extend(self.resolve(module, &whole, seen));
                }
            }
        }
        if !known && is_new {
            for scope in self.scopes.get(module).into_iter().flatten() {
                for glob in &scope.globs {
                    for target in self.resolve(module, glob, &mut seen.clone()) {
                        let Target::Module(source) = target else {
                            continue;
                        };
                        if let Some(targets) = self.look_up(&source, path, seen) {
                            known = true;
                            found.extend(targets);
                        }
                    }
                }
            }
        }
        seen.pop();
        known.then_some(found)
    }
}

/// Reads what a file declares.
struct Declared<'a> {
    file: usize,
    module: Path,
    names: &'a mut Names,
}

impl Declared<'_> {
    fn scope(&mut self) -> &mut Scope {
        let scopes = self.names.scopes.entry(self.module.clone()).or_default();
        let file = self.file;
        let known = scopes.iter().position(|scope| scope.file == file);
        let index = known.unwrap_or_else(|| {
            scopes.push(Scope {
                file,
                items: BTreeSet::new(),
                bindings: Vec::new(),
                globs: Vec::new(),
            });
            scopes.len() - 1
        });
        &mut scopes[index]
    }
}

impl<'ast> Visit<'ast> for Declared<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        let name = match item {
            Item::Const(item) => &item.ident,
            Item::Enum(item) => &item.ident,
            Item::Fn(item) => &item.sig.ident,
            Item::Static(item) => &item.ident,
            Item::Struct(item) => &item.ident,
            Item::Trait(item) => &item.ident,
            Item::TraitAlias(item) => &item.ident,
            Item::Type(item) => &item.ident,
            Item::Union(item) => &item.ident,
            _ => return visit::visit_item(self, item),
        };
        let name = name.to_string();
        self.scope().items.insert(name);
        visit::visit_item(self, item);
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.module.push(item.ident.to_string());
        if is_for_tests(&item.attrs) {
            self.names.test_modules.insert(self.module.clone());
        }
        if item.content.is_some() {
            self.scope();
        }
        visit::visit_item_mod(self, item);
        self.module.pop();
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        if item.leading_colon.is_some() {
            return;
        }
        let scope = self.scope();
        for leaf in leaves(&item.tree) {
            match leaf.bound {
                Some(name) => scope.bindings.push((name, leaf.path)),
                None => scope.globs.push(leaf.path),
            }
        }
    }
}

/// One path of a `use`.
struct Leaf {
    path: Path,
    /// `None`: everything in it.
    bound: Option<String>,
    span: Span,
}

fn leaves(tree: &UseTree) -> Vec<Leaf> {
    fn collect(tree: &UseTree, before: &mut Path, leaves: &mut Vec<Leaf>) {
        let named = |before: &Path, name: &syn::Ident, bound: &syn::Ident| {
            let mut path = before.clone();
            if name != "self" || before.is_empty() {
                path.push(name.to_string());
            }
            let bound = match path.last() {
                Some(last) if bound == "self" => last.clone(),
                _ => bound.to_string(),
            };
            Leaf {
                path,
                bound: Some(bound),
                span: name.span(),
            }
        };
        match tree {
            UseTree::Path(path) => {
                before.push(path.ident.to_string());
                collect(&path.tree, before, leaves);
                before.pop();
            }
            UseTree::Name(name) => leaves.push(named(before, &name.ident, &name.ident)),
            UseTree::Rename(name) => leaves.push(named(before, &name.ident, &name.rename)),
            UseTree::Glob(glob) => leaves.push(Leaf {
                path: before.clone(),
                bound: None,
                span: glob.star_token.spans[0],
            }),
            UseTree::Group(group) => {
                for tree in &group.items {
                    collect(tree, before, leaves);
                }
            }
        }
    }
    let mut found = Vec::new();
    collect(tree, &mut Vec::new(), &mut found);
    found
}

/// Reads what a file names.
struct Named<'a> {
    file: usize,
    /// Of every file.
    modules: &'a [Path],
    /// Where in the file this is.
    module: Path,
    in_tests: bool,
    names: &'a Names,
    imports: &'a mut BTreeSet<Import>,
}

impl Named<'_> {
    fn name(&mut self, path: &[String], span: Span) {
        for target in self.names.resolve(&self.module, path, &mut Vec::new()) {
            match target {
                Target::Item { file, name } => self.import(file, Some(name), span),
                Target::Module(module) => self.import_module(&module, None, span),
            }
        }
    }

    fn import_module(&mut self, module: &[String], item: Option<&str>, span: Span) {
        let names = self.names;
        for scope in names.scopes.get(module).into_iter().flatten() {
            self.import(scope.file, item.map(str::to_owned), span);
        }
    }

    fn import(&mut self, to: usize, item: Option<String>, span: Span) {
        // Files of one module are each for another system.
        if self.modules[to] != self.modules[self.file] {
            self.imports.insert(Import {
                from: self.file,
                to,
                line: span.start().line,
                item,
                in_tests: self.in_tests,
            });
        }
    }

    /// Paths in what a macro gets: names with `::` between them, and single names.
    fn read_tokens(&mut self, tokens: TokenStream) {
        let mut path: Path = Vec::new();
        let mut start = Span::call_site();
        let mut colons = 0;
        // What comes before a name can make it a field, a method or one of another crate.
        let mut is_separate = true;
        for token in tokens {
            match token {
                TokenTree::Ident(name) => {
                    if colons < 2 || path.is_empty() {
                        self.name_of_tokens(&path, start);
                        path.clear();
                        start = name.span();
                    }
                    if is_separate || !path.is_empty() {
                        path.push(name.to_string());
                    }
                    colons = 0;
                    is_separate = true;
                }
                TokenTree::Punct(mark) => {
                    colons = if mark.as_char() == ':' { colons + 1 } else { 0 };
                    if colons == 0 {
                        self.name_of_tokens(&path, start);
                        path.clear();
                    }
                    is_separate = mark.as_char() != '.' && colons < 2;
                }
                TokenTree::Group(group) => {
                    self.name_of_tokens(&path, start);
                    path.clear();
                    colons = 0;
                    is_separate = true;
                    self.read_tokens(group.stream());
                }
                TokenTree::Literal(_) => is_separate = true,
            }
        }
        self.name_of_tokens(&path, start);
    }

    fn name_of_tokens(&mut self, path: &[String], span: Span) {
        if !is_bare_keyword(path) {
            self.name(path, span);
        }
    }

    /// Reads what may be there for tests alone.
    fn read_part(&mut self, attributes: &[Attribute], read: impl FnOnce(&mut Self)) {
        let before = self.in_tests;
        self.in_tests = before || is_for_tests(attributes);
        read(self);
        self.in_tests = before;
    }
}

/// A receiver, or part of a visibility.
fn is_bare_keyword(path: &[String]) -> bool {
    matches!(path, [name] if matches!(name.as_str(), "crate" | "self" | "super"))
}

impl<'ast> Visit<'ast> for Named<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        let attributes: &[Attribute] = match item {
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
            Item::Use(item) => &item.attrs,
            _ => &[],
        };
        self.read_part(attributes, |me| visit::visit_item(me, item));
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.read_part(&item.attrs, |me| visit::visit_impl_item_fn(me, item));
    }

    fn visit_field(&mut self, field: &'ast syn::Field) {
        self.read_part(&field.attrs, |me| visit::visit_field(me, field));
    }

    fn visit_variant(&mut self, variant: &'ast syn::Variant) {
        self.read_part(&variant.attrs, |me| visit::visit_variant(me, variant));
    }

    fn visit_arm(&mut self, arm: &'ast syn::Arm) {
        self.read_part(&arm.attrs, |me| visit::visit_arm(me, arm));
    }

    fn visit_field_value(&mut self, value: &'ast syn::FieldValue) {
        self.read_part(&value.attrs, |me| visit::visit_field_value(me, value));
    }

    fn visit_local(&mut self, local: &'ast syn::Local) {
        self.read_part(&local.attrs, |me| visit::visit_local(me, local));
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.module.push(item.ident.to_string());
        visit::visit_item_mod(self, item);
        self.module.pop();
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        let is_re_export = !matches!(item.vis, Visibility::Inherited);
        if is_re_export || item.leading_colon.is_some() {
            return;
        }
        for leaf in leaves(&item.tree) {
            self.name(&leaf.path, leaf.span);
            if leaf.bound.is_none() {
                let mut seen = Vec::new();
                for target in self.names.resolve(&self.module, &leaf.path, &mut seen) {
                    if let Target::Module(module) = target {
                        self.import_module(&module, Some("*"), leaf.span);
                    }
                }
            }
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names: Path = path
            .segments
            .iter()
            .map(|segment| segment.ident.to_string())
            .collect();
        if path.leading_colon.is_none() && !is_bare_keyword(&names) {
            let span = path.segments.first().map(|first| first.ident.span());
            self.name(&names, span.unwrap_or_else(Span::call_site));
        }
        visit::visit_path(self, path);
    }

    fn visit_visibility(&mut self, _: &'ast Visibility) {}

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if let Meta::List(list) = &attribute.meta {
            self.read_tokens(list.tokens.clone());
        }
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        visit::visit_macro(self, call);
        self.read_tokens(call.tokens.clone());
    }
}
