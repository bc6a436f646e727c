//! Signing in, through the routes.

mod google;
mod people;
