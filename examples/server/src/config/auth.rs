//! Who signs in, and how.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Who signs in, and how.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Auth {
    /// The client id of this application at Google; without it nobody can sign in with Google.
    pub google_client_id: Option<String>,
    /// The address of Google's keys.
    pub google_keys_url: String,
    /// The address of the keys of another issuer whose tokens are accepted too.
    pub jwks_url: Option<String>,
    /// The name of that issuer (`iss`); required with `jwks_url`.
    pub issuer: Option<String>,
    /// The audience of that issuer's tokens (`aud`); required with `jwks_url`.
    pub audience: Option<String>,
    /// Whether that issuer verifies every address before it makes a token. Set it for an issuer whose tokens have no
    /// `email_verified`: unverified addresses are on no list, do not match earlier users, and are refused if they are an
    /// administrator's. An address that the issuer reports as unverified stays unverified.
    pub issuer_verifies_addresses: bool,
    /// The e-mail addresses of the administrators. A person who signs in with a verified address of the list is an
    /// administrator; one whose address is removed from it becomes a client at once.
    #[schemars(extend("allowed" = "e-mail addresses"))]
    pub admin_emails: Vec<String>,
    /// The e-mail addresses that may sign in, in addition to `allowed_domains` and the administrators; everybody may if
    /// both lists are empty. A person whose address is removed is shut out at once; their pods stay until they are
    /// stopped, or the user is suspended or deleted.
    #[schemars(extend("allowed" = "e-mail addresses"))]
    pub allowed_emails: Vec<String>,
    /// The domains whose addresses may sign in, such as `example.com`; it does not include `sub.example.com`.
    #[schemars(extend("allowed" = "domains"))]
    pub allowed_domains: Vec<String>,
    /// How long somebody stays signed in with a token of this server.
    #[schemars(range(min = 1), extend("unit" = "hours"))]
    pub token_hours: u32,
}

impl Default for Auth {
    fn default() -> Self {
        Self {
            google_client_id: None,
            google_keys_url: "https://www.googleapis.com/oauth2/v3/certs".into(),
            jwks_url: None,
            issuer: None,
            audience: None,
            issuer_verifies_addresses: false,
            admin_emails: Vec::new(),
            allowed_emails: Vec::new(),
            allowed_domains: Vec::new(),
            token_hours: 24,
        }
    }
}
