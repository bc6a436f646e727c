//! What is stored as a document.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::tree::Tree;

/// A type of the library that is stored as a document of a shape.
pub(crate) trait Stored: Sized {
    /// The document of today.
    type Shape: Serialize + DeserializeOwned;

    /// The document of this value.
    fn to_shape(&self) -> Self::Shape;

    /// The value in a document.
    fn from_shape(shape: Self::Shape) -> Self;

    /// Moves the fields of a document of layout 1 to where they are today. Documents of layout 1 differ between SQLite
    /// and MongoDB: this takes both.
    fn upgrade<T: Tree>(document: &mut T) {
        let _ = document;
    }
}

/// Brings `document` into the layout of today, if it is of an earlier one.
pub(crate) fn upgrade<D: Stored, T: Tree>(document: &mut T) {
    if document.field(LAYOUT).is_none() {
        D::upgrade(document);
    }
}

/// The field with the number of the layout.
pub(crate) const LAYOUT: &str = "layout";
