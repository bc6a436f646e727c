//! Users and templates.

use neuropod_core::{Result, Template, User};
use sqlx::Sqlite;
use sqlx::query::Query;
use sqlx::sqlite::SqliteArguments;

use super::database::{Database, Written};
use super::failure as sqlite;
use crate::document::Document;
use crate::failure;
use crate::input::folded;
use crate::json;
use crate::shape::stored::Stored;
use crate::sql::stored_number;

/// A document with a table of its own.
pub(super) trait Row: Document + Stored {
    const STATEMENTS: Statements;
}

pub(super) struct Statements {
    insert: &'static str,
    by_id: &'static str,
    by_name: &'static str,
    all: &'static str,
    update: &'static str,
    remove: &'static str,
}

macro_rules! statements {
    ($table:literal) => {
        Statements {
            insert: concat!(
                "INSERT INTO ",
                $table,
                " (id, version, name, document) VALUES (?, ?, ?, ?)"
            ),
            by_id: concat!("SELECT document FROM ", $table, " WHERE id = ?"),
            by_name: concat!("SELECT document FROM ", $table, " WHERE name = ?"),
            all: concat!("SELECT document FROM ", $table, " ORDER BY name"),
            update: concat!(
                "UPDATE ",
                $table,
                " SET version = ?, name = ?, document = ? WHERE id = ? AND version = ?"
            ),
            remove: concat!("DELETE FROM ", $table, " WHERE id = ?"),
        }
    };
}

impl Row for User {
    const STATEMENTS: Statements = statements!("users");
}

impl Row for Template {
    const STATEMENTS: Statements = statements!("templates");
}

pub(super) async fn insert<D: Row>(database: &Database, document: &D) -> Result<D> {
    let stored = document.clone().with_version(1);
    match database.write(row(&stored, json::write(&stored)?)).await? {
        Written::Rows(_) => Ok(stored),
        Written::IdTaken => Err(failure::taken("id")),
        Written::NameTaken => Err(failure::taken(D::NAME)),
    }
}

/// The statement that adds a document with this text.
pub(super) fn row<D: Row>(document: &D, text: String) -> Query<'static, Sqlite, SqliteArguments> {
    sqlx::query(D::STATEMENTS.insert)
        .bind(document.id().to_owned())
        .bind(stored_number(document.version()))
        .bind(folded(document.unique_name()))
        .bind(text)
}

pub(super) async fn by_id<D: Row>(database: &Database, id: &str) -> Result<Option<D>> {
    let text = text(database, D::STATEMENTS.by_id, id).await?;
    text.as_deref().map(json::read).transpose()
}

pub(super) async fn by_name<D: Row>(database: &Database, name: &str) -> Result<Option<D>> {
    let text = text(database, D::STATEMENTS.by_name, &folded(name)).await?;
    text.as_deref().map(json::read).transpose()
}

/// The stored text of the document that `statement` selects.
async fn text(database: &Database, statement: &'static str, value: &str) -> Result<Option<String>> {
    sqlx::query_scalar(statement)
        .bind(value)
        .fetch_optional(database.readers())
        .await
        .map_err(sqlite::from_sqlx)
}

/// All documents, sorted by name.
pub(super) async fn all<D: Row>(database: &Database) -> Result<Vec<D>> {
    let texts: Vec<String> = sqlx::query_scalar(D::STATEMENTS.all)
        .fetch_all(database.readers())
        .await
        .map_err(sqlite::from_sqlx)?;
    texts.iter().map(|text| json::read(text)).collect()
}

pub(super) async fn update<D: Row>(database: &Database, document: &D) -> Result<D> {
    let text = text(database, D::STATEMENTS.by_id, document.id()).await?;
    let text = text.ok_or_else(|| failure::gone(D::KIND))?;
    let stored: D = json::read(&text)?;
    if stored.version() != document.version() {
        return Err(failure::changed(D::KIND));
    }
    let updated = document.clone().with_version(document.version() + 1);
    let statement = sqlx::query(D::STATEMENTS.update)
        .bind(stored_number(updated.version()))
        .bind(folded(updated.unique_name()))
        .bind(json::rewrite(&text, &stored, &updated)?)
        .bind(document.id().to_owned())
        .bind(stored_number(document.version()));
    match database.write(statement).await? {
        Written::Rows(1) => Ok(updated),
        Written::Rows(_) => Err(failure::changed(D::KIND)),
        Written::IdTaken | Written::NameTaken => Err(failure::taken(D::NAME)),
    }
}

pub(super) async fn remove<D: Row>(database: &Database, id: &str) -> Result<()> {
    let statement = sqlx::query(D::STATEMENTS.remove).bind(id.to_owned());
    database.write(statement).await.map(drop)
}
