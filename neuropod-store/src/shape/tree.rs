//! Documents as trees in any format, for changes made before a document is read as a shape.

/// A document or a part of one: fields with names, a list, or a value.
pub(crate) trait Tree: Clone + PartialEq {
    /// The fields; none if it is not a document.
    fn fields(&self) -> impl Iterator<Item = (&str, &Self)>;
    /// The field of this name.
    fn field(&self, name: &str) -> Option<&Self>;
    /// The field of this name, to be changed.
    fn field_mut(&mut self, name: &str) -> Option<&mut Self>;
    /// Adds a field. Does nothing if it is not a document.
    fn add_field(&mut self, name: &str, value: Self);
    /// Removes and returns a field.
    fn remove_field(&mut self, name: &str) -> Option<Self>;
    /// A document without fields.
    fn document() -> Self;
    /// A text value.
    fn text(text: &str) -> Self;
    /// The text, if it is one.
    fn as_text(&self) -> Option<&str>;
    /// The boolean, if it is one.
    fn as_bool(&self) -> Option<bool>;
    /// Appends the items of another list. Does nothing unless both are lists.
    fn append(&mut self, list: Self);
    /// The items of a list; none if it is not a list.
    fn items(&self) -> &[Self];
    /// The items of a list, to be changed; none if it is not a list.
    fn items_mut(&mut self) -> &mut [Self];
}

/// Moves the field at the path `from` (names separated by dots) to the path `to`, unless that exists. A parent
/// that becomes empty is removed.
pub(crate) fn move_field<T: Tree>(document: &mut T, from: &str, to: &str) {
    if find(document, to).is_none()
        && let Some(value) = remove(document, from)
    {
        insert(document, to, value);
    }
}

/// Removes the field at the path `from`, and its parent if that becomes empty.
pub(crate) fn remove<T: Tree>(document: &mut T, from: &str) -> Option<T> {
    let Some((part, rest)) = from.split_once('.') else {
        return document.remove_field(from);
    };
    let inner = document.field_mut(part)?;
    let value = remove(inner, rest);
    if value.is_some() && inner.fields().next().is_none() {
        document.remove_field(part);
    }
    value
}

/// The field at a path.
pub(crate) fn find<'a, T: Tree>(document: &'a T, path: &str) -> Option<&'a T> {
    path.split('.').try_fold(document, |part, name| part.field(name))
}

/// The field at a path, to be changed.
pub(crate) fn find_mut<'a, T: Tree>(document: &'a mut T, path: &str) -> Option<&'a mut T> {
    path.split('.')
        .try_fold(document, |part, name| part.field_mut(name))
}

fn insert<T: Tree>(document: &mut T, path: &str, value: T) {
    let Some((part, rest)) = path.split_once('.') else {
        return document.add_field(path, value);
    };
    if document.field(part).is_none() {
        document.add_field(part, T::document());
    }
    if let Some(inner) = document.field_mut(part) {
        insert(inner, rest, value);
    }
}

#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod json {
    use serde_json::Value;

    use super::Tree;

    impl Tree for Value {
        fn fields(&self) -> impl Iterator<Item = (&str, &Self)> {
            let fields = self.as_object().into_iter().flatten();
            fields.map(|(name, value)| (name.as_str(), value))
        }

        fn field(&self, name: &str) -> Option<&Self> {
            self.as_object()?.get(name)
        }

        fn field_mut(&mut self, name: &str) -> Option<&mut Self> {
            self.as_object_mut()?.get_mut(name)
        }

        fn add_field(&mut self, name: &str, value: Self) {
            if let Some(fields) = self.as_object_mut() {
                fields.insert(name.to_owned(), value);
            }
        }

        fn remove_field(&mut self, name: &str) -> Option<Self> {
            self.as_object_mut()?.remove(name)
        }

        fn document() -> Self {
            Self::Object(serde_json::Map::new())
        }

        fn text(text: &str) -> Self {
            Self::from(text)
        }

        fn as_text(&self) -> Option<&str> {
            self.as_str()
        }

        fn as_bool(&self) -> Option<bool> {
            Self::as_bool(self)
        }

        fn append(&mut self, list: Self) {
            if let (Some(items), Self::Array(more)) = (self.as_array_mut(), list) {
                items.extend(more);
            }
        }

        fn items(&self) -> &[Self] {
            self.as_array().map_or(&[], Vec::as_slice)
        }

        fn items_mut(&mut self) -> &mut [Self] {
            self.as_array_mut().map_or(&mut [], Vec::as_mut_slice)
        }
    }
}

#[cfg(feature = "mongo")]
mod bson {
    use mongodb::bson::Bson;

    use super::Tree;

    impl Tree for Bson {
        fn fields(&self) -> impl Iterator<Item = (&str, &Self)> {
            let fields = self.as_document().into_iter().flatten();
            fields.map(|(name, value)| (name.as_str(), value))
        }

        fn field(&self, name: &str) -> Option<&Self> {
            self.as_document()?.get(name)
        }

        fn field_mut(&mut self, name: &str) -> Option<&mut Self> {
            self.as_document_mut()?.get_mut(name)
        }

        fn add_field(&mut self, name: &str, value: Self) {
            if let Some(fields) = self.as_document_mut() {
                fields.insert(name, value);
            }
        }

        fn remove_field(&mut self, name: &str) -> Option<Self> {
            self.as_document_mut()?.remove(name)
        }

        fn document() -> Self {
            Self::Document(mongodb::bson::Document::new())
        }

        fn text(text: &str) -> Self {
            Self::from(text)
        }

        fn as_text(&self) -> Option<&str> {
            self.as_str()
        }

        fn as_bool(&self) -> Option<bool> {
            Self::as_bool(self)
        }

        fn append(&mut self, list: Self) {
            if let (Some(items), Self::Array(more)) = (self.as_array_mut(), list) {
                items.extend(more);
            }
        }

        fn items(&self) -> &[Self] {
            self.as_array().map_or(&[], Vec::as_slice)
        }

        fn items_mut(&mut self) -> &mut [Self] {
            self.as_array_mut().map_or(&mut [], Vec::as_mut_slice)
        }
    }
}
