//! Users and templates.

use neuropod_core::{Error, Result, Template, User};
use sqlx::Postgres;
use sqlx::postgres::PgArguments;
use sqlx::query::{Query, QueryScalar};

use super::database::{Database, Written};
use super::failure::Unique;
use super::text::column;
use crate::document::Document;
use crate::input::folded;
use crate::shape::stored::Stored;
use crate::sql::stored_number;
use crate::{failure, json};

/// A document with a table of its own.
pub(super) trait Row: Document + Stored {
    const STATEMENTS: Statements;
}

/// The parameters of `insert` and `update` are the id, the new version, the name, the document, and the second name where
/// there is one.
pub(super) struct Statements {
    insert: &'static str,
    by_id: &'static str,
    by_name: &'static str,
    all: &'static str,
    update: &'static str,
    remove: &'static str,
}

impl Row for User {
    const STATEMENTS: Statements = Statements {
        insert: "WITH back AS (DELETE FROM removed_users WHERE id = $1) \
            INSERT INTO users (id, version, name, document, identity) VALUES ($1, $2, $3, $4, $5)",
        by_id: "SELECT document FROM users WHERE id = $1",
        by_name: "SELECT document FROM users WHERE name = $1",
        all: "SELECT document FROM users ORDER BY name",
        update: "UPDATE users SET version = $2, name = $3, document = $4, identity = $5 \
            WHERE id = $1 AND version = $2 - 1",
        remove: "WITH removed AS (DELETE FROM users WHERE id = $1 RETURNING id) \
            INSERT INTO removed_users (id) SELECT id FROM removed ON CONFLICT (id) DO NOTHING",
    };
}

impl Row for Template {
    const STATEMENTS: Statements = Statements {
        insert: "INSERT INTO templates (id, version, name, document) VALUES ($1, $2, $3, $4)",
        by_id: "SELECT document FROM templates WHERE id = $1",
        by_name: "SELECT document FROM templates WHERE name = $1",
        all: "SELECT document FROM templates ORDER BY name",
        update: "UPDATE templates SET version = $2, name = $3, document = $4 WHERE id = $1 AND version = $2 - 1",
        remove: "DELETE FROM templates WHERE id = $1",
    };
}

pub(super) async fn insert<D: Row>(database: &Database, document: &D) -> Result<D> {
    let stored = document.clone().with_version(1);
    match database.write(row(&stored, json::write(&stored)?)).await? {
        Written::Rows(_) => Ok(stored),
        Written::Taken(unique) => Err(taken::<D>(unique)),
    }
}

/// The statement that adds a document with this text.
pub(super) fn row<D: Row>(document: &D, text: String) -> Query<'_, Postgres, PgArguments> {
    statement(D::STATEMENTS.insert, document, text)
}

pub(super) async fn by_id<D: Row>(database: &Database, id: &str) -> Result<Option<D>> {
    database.document(find(D::STATEMENTS.by_id, id)).await
}

pub(super) async fn by_name<D: Row>(database: &Database, name: &str) -> Result<Option<D>> {
    database
        .document(find(D::STATEMENTS.by_name, &folded(name)))
        .await
}

/// All documents, sorted by name.
pub(super) async fn all<D: Row>(database: &Database) -> Result<Vec<D>> {
    database.documents(sqlx::query_scalar(D::STATEMENTS.all)).await
}

pub(super) async fn update<D: Row>(database: &Database, document: &D) -> Result<D> {
    let text = database.value(find(D::STATEMENTS.by_id, document.id())).await?;
    let text = text.ok_or_else(|| failure::gone(D::KIND))?;
    let stored: D = json::read(&text)?;
    if stored.version() != document.version() {
        return Err(failure::changed(D::KIND));
    }
    let updated = document.clone().with_version(document.version() + 1);
    let text = json::rewrite(&text, &stored, &updated)?;
    let statement = statement(D::STATEMENTS.update, &updated, text);
    match database.write(statement).await? {
        Written::Rows(1) => Ok(updated),
        Written::Rows(_) => Err(failure::changed(D::KIND)),
        Written::Taken(unique) => Err(taken::<D>(unique)),
    }
}

pub(super) async fn remove<D: Row>(database: &Database, id: &str) -> Result<()> {
    let statement = sqlx::query(D::STATEMENTS.remove).bind(column(id));
    database.write(statement).await.map(drop)
}

fn find<'a>(statement: &'static str, value: &'a str) -> QueryScalar<'a, Postgres, String, PgArguments> {
    sqlx::query_scalar(statement).bind(column(value))
}

/// `statement` with its parameters. `text` is the text of `document`.
fn statement<'a, D: Row>(
    statement: &'static str,
    document: &'a D,
    text: String,
) -> Query<'a, Postgres, PgArguments> {
    let query = sqlx::query(statement)
        .bind(column(document.id()))
        .bind(stored_number(document.version()))
        .bind(column(&folded(document.unique_name())).into_owned())
        .bind(text);
    if D::SECOND_NAME.is_empty() {
        query
    } else {
        query.bind(document.second_name().map(|name| column(&name).into_owned()))
    }
}

fn taken<D: Row>(unique: Unique) -> Error {
    failure::taken(match unique {
        Unique::Id => "id",
        Unique::Name => D::NAME,
        Unique::SecondName => D::SECOND_NAME,
    })
}
