//! Authentication, and who may sign in.
//!
//! | question | place |
//! |---|---|
//! | Who asks? | `identify`; as handlers get it: `caller` |
//! | What does a token say, and does it hold? | `tokens` (ours), `google` and `issuer` (those of others), `claims`, `keys` |
//! | Who may come in, and as what? | `access` |
//! | Which user is somebody? | `people` finds or makes the user of a `profile` |
//! | When does a session end? | `ended`, `session_ends` |

mod access;
mod caller;
mod claims;
mod ended;
mod google;
mod identify;
mod issuer;
mod keys;
mod noted;
mod origin;
mod people;
mod presence;
mod profile;
mod refused;
mod session;
mod session_ends;
mod sessions;
#[cfg(test)]
mod tests;
mod tokens;

pub(crate) use self::{
    access::Access,
    caller::{Admin, Caller, Identity},
    google::Google,
    identify::identify,
    issuer::Issuer,
    keys::Keys,
    origin::Origin,
    presence::Presence,
    profile::Profile,
    sessions::Sessions,
    tokens::Tokens,
};
