//! Types that are stored as documents.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::tree::Tree;

/// A type of the library that is stored as a document of a shape.
pub(crate) trait Stored: Sized {
    /// The document in the present layout.
    type Shape: Serialize + DeserializeOwned;

    /// The document of this value.
    fn to_shape(&self) -> Self::Shape;

    /// The value in a document.
    fn from_shape(shape: Self::Shape) -> Self;

    /// Moves the fields of a document of layout 1 to their present places. Documents of layout 1 differ between
    /// SQLite and MongoDB; this handles both.
    fn upgrade<T: Tree>(document: &mut T) {
        let _ = document;
    }
}

/// Upgrades `document` to the present layout.
pub(crate) fn upgrade<D: Stored, T: Tree>(document: &mut T) {
    if document.field(LAYOUT).is_none() {
        D::upgrade(document);
    }
}

/// The field with the number of the layout.
pub(crate) const LAYOUT: &str = "layout";
