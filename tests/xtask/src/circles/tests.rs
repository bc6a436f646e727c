//! Small made-up crates.

use std::{collections::BTreeSet, fs, path::Path};

use super::{check::circles_of, list};

/// The arrows in circles of a crate with these files, as in the list.
fn found(files: &[(&str, &str)]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let root = folder.path().join("src/lib.rs");
    let circles = circles_of("made-up", folder.path(), &root).unwrap();
    let arrows = circles.iter().flat_map(|circle| circle.keys());
    arrows
        .map(|arrow| arrow.to_string().replace("made-up: src/", "").replace("src/", ""))
        .collect()
}

#[test]
fn files_that_import_each_other_are_a_circle() {
    let arrows = found(&[
        ("src/lib.rs", "mod one; mod two; mod three;"),
        ("src/one.rs", "use crate::two::{self, Two}; pub struct One(Two);"),
        (
            "src/two.rs",
            "pub struct Two; pub fn make() -> super::one::One { todo!() }",
        ),
        ("src/three.rs", "use crate::one::One; pub struct Three(One);"),
    ]);
    assert_eq!(arrows, ["one.rs -> two.rs", "two.rs -> one.rs"]);
}

#[test]
fn a_path_counts_anywhere() {
    let names = |text: &str| {
        found(&[
            ("src/lib.rs", "mod one; mod two;"),
            ("src/one.rs", "pub struct Thing; pub enum Kind { A } pub mod exposed { pub fn serialize() {} } use crate::two::Two;"),
            ("src/two.rs", &format!("use crate::one; pub struct Two; {text}")),
        ])
        .contains(&"two.rs -> one.rs".to_owned())
    };
    assert!(!names("fn f() {}"), "a module alone is no item");
    assert!(names("fn f(x: &[one::Thing]) {}"));
    assert!(names("fn f() { let x = crate::one::Thing; }"));
    assert!(names("fn f() { use super::one::Kind::*; A; }"));
    assert!(names("fn f() { assert!(matches!(1, 2) || one::Thing == 3); }"));
    assert!(names("macro_rules! m { () => { $crate::one::Thing } }"));
    assert!(names("struct S { #[serde(with = \"one::exposed\")] field: u8 }"));
    assert!(names("impl<T: Into<one::Kind>> From<T> for Two {}"));
    assert!(names("mod inner { use super::super::one::Kind as Sort; }"));
    assert!(names("use one::*; fn f(x: Thing) {}"));
}

/// `impl Platform` in two files that call each other's methods: only calls make this circle.
#[test]
fn files_that_call_each_others_methods_are_a_circle() {
    let lib = "mod platform { pub mod create; pub mod change; mod parts; pub use self::parts::Platform; }";
    let files = |change: &'static str| {
        [
            ("src/lib.rs", lib),
            ("src/platform/parts.rs", "pub struct Platform;"),
            (
                "src/platform/create.rs",
                "use super::Platform; impl Platform { pub fn create(&self) { self.reserve() } pub fn discard(&self) {} }",
            ),
            ("src/platform/change.rs", change),
        ]
    };
    let circle = [
        "platform/change.rs -> platform/create.rs",
        "platform/create.rs -> platform/change.rs",
    ];
    let by_self = "use super::Platform; impl Platform { pub fn reserve(&self) { self.discard() } }";
    assert_eq!(found(&files(by_self)), circle);
    let by_parameter =
        "use super::Platform; impl Platform { pub fn reserve(&self) {} } fn f(p: &Platform) { p.discard() }";
    assert_eq!(found(&files(by_parameter)), circle);
    let by_type = "use super::Platform; impl Platform { pub fn reserve(&self) { Self::discard(self) } }";
    assert_eq!(found(&files(by_type)), circle);
    let by_name = "use super::Platform; impl Platform { pub fn reserve(&self) { (|| self)().discard() } }";
    assert_eq!(found(&files(by_name)), circle);
    let in_a_macro =
        "use super::Platform; impl Platform { pub fn reserve(&self) { drop(vec![self.discard()]) } }";
    assert_eq!(found(&files(in_a_macro)), circle);
    let nothing = "use super::Platform; impl Platform { pub fn reserve(&self) {} }";
    assert_eq!(found(&files(nothing)), [""; 0]);
}

#[test]
fn a_method_is_followed_by_name_only_if_a_single_type_has_it() {
    let files = |call: &'static str| {
        [
            ("src/lib.rs", "mod ours; mod more; mod caller;"),
            ("src/ours.rs", "pub struct Ours { pub other: Vec<u8> }"),
            (
                "src/more.rs",
                "use crate::{ours::Ours, caller::f}; impl Ours { pub fn push(&self) { f() } }",
            ),
            ("src/caller.rs", call),
        ]
    };
    assert_eq!(found(&files("pub fn f() { let x = g(); x.push(); }")).len(), 2);
    // These types are known, and not ours.
    assert_eq!(found(&files("pub fn f(x: Vec<u8>) { x.push(); }")).len(), 0);
    assert_eq!(
        found(&files(
            "use crate::ours::Ours; pub fn f(x: &Ours) { x.other.push(1); }"
        ))
        .len(),
        0
    );
    // Either type may be meant.
    let two = "struct Two; impl Two { fn push(&self) {} } pub fn f() { let x = g(); x.push(); }";
    assert_eq!(found(&files(two)).len(), 0);
    // A variable that hides a parameter.
    let hidden = "pub fn f(x: Vec<u8>) { let x = g(); x.push(); }";
    assert_eq!(found(&files(hidden)).len(), 2);
}

#[test]
fn a_re_export_stands_for_the_file_that_defines_the_item() {
    let arrows = found(&[
        ("src/lib.rs", "pub mod room; pub use self::room::*;"),
        (
            "src/room/mod.rs",
            "mod one; mod two; pub use self::{one::One, two::Two};",
        ),
        ("src/room/one.rs", "pub struct One;"),
        (
            "src/room/two.rs",
            "use super::One; pub struct Two(One, crate::One, crate::room::One);",
        ),
    ]);
    assert_eq!(arrows, [""; 0]);
}

#[test]
fn a_module_file_with_items_of_its_own_is_part_of_a_circle() {
    let arrows = found(&[
        ("src/lib.rs", "pub mod room;"),
        (
            "src/room/mod.rs",
            "mod one; pub struct Shared; pub fn f() { one::g() }",
        ),
        ("src/room/one.rs", "pub fn g(shared: super::Shared) {}"),
    ]);
    assert_eq!(
        arrows,
        ["room/mod.rs -> room/one.rs", "room/one.rs -> room/mod.rs"]
    );
}

#[test]
fn test_code_does_not_count() {
    let arrows = found(&[
        ("src/lib.rs", "mod one; mod two;"),
        ("src/one.rs", "use crate::two::Two; pub struct One;"),
        (
            "src/two.rs",
            "pub struct Two;
            #[cfg(test)] mod tests { use crate::one::One; }
            #[cfg(all(test, unix))] mod more_tests;
            #[cfg(test)] fn sample() -> crate::one::One { todo!() }
            impl Two { #[cfg(test)] fn sample() -> crate::one::One { todo!() } }",
        ),
    ]);
    assert_eq!(arrows, [""; 0]);
    let arrows = found(&[
        ("src/lib.rs", "mod one; mod two;"),
        ("src/one.rs", "use crate::two::Two; pub struct One;"),
        (
            "src/two.rs",
            "pub struct Two; #[cfg(any(test, unix))] use crate::one::One;",
        ),
    ]);
    assert_eq!(arrows.len(), 2, "this is part of other builds too");
}

#[test]
fn the_list_is_compared_both_ways() {
    let listed = list::parse("# A comment.\na: x.rs -> y.rs\n<<<<<<< HEAD\na: gone.rs -> x.rs\n");
    let found = list::parse("a: x.rs -> y.rs\na: y.rs -> x.rs\n");
    let difference = list::compare(&found, &listed);
    let lines = |arrows: &[list::Known]| arrows.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(lines(&difference.new), ["a: y.rs -> x.rs"]);
    assert_eq!(lines(&difference.stale), ["a: gone.rs -> x.rs"]);
    assert_eq!(list::parse(&list::print(&found)), found);
    assert_eq!(list::compare(&found, &found), list::Difference::default());
}

#[test]
fn a_missing_file_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("lib.rs"), "mod gone;").unwrap();
    let error = circles_of("made-up", folder.path(), &folder.path().join("lib.rs"));
    assert!(error.unwrap_err().to_string().contains("gone"));
    assert!(circles_of("made-up", Path::new("/"), Path::new("/no/such/lib.rs")).is_err());
    assert_eq!(list::parse(""), BTreeSet::new());
}
