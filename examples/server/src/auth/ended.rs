//! The sessions of a user that were ended early.

use jiff::Timestamp;
use neuropod::User;
use serde::Deserialize;
use serde_json::{Value, json};

use super::session::Session;

/// The field of the user in which they are stored.
const EXTRA: &str = "endedSessions";
/// The maximum number stored one by one. If a user ends more in a day, all sessions up to a time count as ended.
const MOST: usize = 1000;
/// Stands for all sessions that end by themselves no later than this one.
const ALL: &str = "*";

/// A session that a user ended before its time.
#[derive(Deserialize)]
struct EndedSession {
    /// Its id.
    id: String,
    /// When it would have ended by itself; after that it need not be stored.
    until: Timestamp,
}

/// Whether a session has ended before its time.
pub(super) fn has_ended(user: &User, session: &Session) -> bool {
    ended_sessions(user)
        .any(|ended| ended.id == session.id || (ended.id == ALL && session.until <= ended.until))
}

/// Notes that a session has ended.
pub(super) fn note_end(user: &mut User, session: &Session, now: Timestamp) {
    let mut ended: Vec<_> = ended_sessions(user)
        .filter(|ended| ended.until > now && ended.id != session.id)
        .collect();
    ended.push(EndedSession {
        id: session.id.clone(),
        until: session.until,
    });
    if ended.len() > MOST {
        ended.sort_by_key(|ended| ended.until);
        let until = ended[MOST / 2].until;
        ended.drain(..=MOST / 2);
        ended.push(EndedSession {
            id: ALL.to_owned(),
            until,
        });
    }
    let ended = ended
        .iter()
        .map(|EndedSession { id, until }| json!({ "id": id, "until": until }));
    user.extra.insert(EXTRA.to_owned(), ended.collect());
}

fn ended_sessions(user: &User) -> impl Iterator<Item = EndedSession> {
    let kept = user.extra.get(EXTRA).and_then(Value::as_array);
    // One that can't be read is skipped.
    let sessions = kept.into_iter().flatten();
    sessions.filter_map(|session| EndedSession::deserialize(session).ok())
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use neuropod::Role;

    use super::*;
    use crate::auth::Profile;

    fn session(number: i64) -> Session {
        let until = Timestamp::UNIX_EPOCH + SignedDuration::from_secs(1000 + number);
        Session {
            id: number.to_string(),
            until,
        }
    }

    #[test]
    fn what_has_ended_stays_so_however_many_there_are() {
        let now = Timestamp::UNIX_EPOCH;
        let mut user = Profile::in_development("ana@example.com")
            .unwrap()
            .to_user(Role::Client);
        let last = 5 * i64::try_from(MOST).unwrap();
        for number in 0..last {
            note_end(&mut user, &session(number), now);
            note_end(&mut user, &session(number), now);
        }
        assert!(ended_sessions(&user).count() <= MOST);
        assert!((0..last).all(|number| has_ended(&user, &session(number))));
        assert!(!has_ended(&user, &session(last)));
    }

    #[test]
    fn what_has_ended_by_itself_is_forgotten() {
        let mut user = Profile::in_development("ana@example.com")
            .unwrap()
            .to_user(Role::Client);
        note_end(&mut user, &session(1), Timestamp::UNIX_EPOCH);
        note_end(&mut user, &session(2), session(1).until);
        assert_eq!(ended_sessions(&user).count(), 1);
    }
}
