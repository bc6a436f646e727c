//! When a log is read, turn by turn: how long in all, when it counts as silent, and how long it then pauses if others
//! need its place. Plain data.

use std::time::Duration;

use tokio::time::Instant;

use super::log_places::Rank;

/// How long a log is read in all, from when it could be read first. A server that has not printed its token by
/// then never does.
const WINDOW: Duration = Duration::from_mins(10);
/// How long a log is read on after a token that is not final: the announcement of the server corrects earlier
/// tokens.
const LINGER: Duration = Duration::from_secs(30);
/// The least time of a turn, if nothing is printed: a busy kubelet takes a while to send the first line.
const FIRST_LINE: Duration = Duration::from_secs(1);
/// A log that was read is silent when it prints nothing for this long.
const QUIET: Duration = Duration::from_millis(200);
/// A log that goes on without such a break counts as silent after this long. The time doubles with each turn, so that
/// even a long log is read to its end.
const FIRST_TURN: Duration = Duration::from_secs(1);
const LONGEST_TURN: Duration = Duration::from_secs(16);
/// The pauses between the turns of a silent log are this part of its age, within these bounds: most servers print their
/// token within half a minute, and the longer one has been silent, the less it matters.
const PART_OF_AGE: u32 = 30;
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(5));
/// From this age on, logs without a place have no more turns together than one in `TURNOVER`.
const GROWN_UP: Duration = Duration::from_secs(30);
const TURNOVER: Duration = Duration::from_millis(50);

/// The time in which a log is read, in turns.
#[derive(Debug)]
pub(super) struct Window {
    begun: Instant,
    end: Instant,
    turns: u32,
    has_token: bool,
}

/// One turn at reading a log.
#[derive(Debug)]
pub(super) struct Turn {
    begun: Instant,
    /// The log is silent from then on, unless it prints something before.
    quiet_at: Instant,
    /// The log counts as silent from then on, whatever it prints.
    busy_until: Instant,
}

impl Window {
    /// The time begins with the first turn.
    pub(super) fn new(now: Instant) -> Self {
        Self {
            begun: now,
            end: now + WINDOW,
            turns: 0,
            has_token: false,
        }
    }

    /// The log has been opened.
    pub(super) fn begin_turn(&mut self, now: Instant) -> Turn {
        if self.turns == 0 {
            (self.begun, self.end) = (now, now + WINDOW);
        }
        let most = FIRST_TURN * 2_u32.saturating_pow(self.turns.min(16));
        self.turns += 1;
        Turn {
            begun: now,
            quiet_at: now + FIRST_LINE,
            busy_until: now + most.min(LONGEST_TURN),
        }
    }

    /// When this turn is over. The last one begins when the time is over.
    pub(super) fn end_of(&self, turn: &Turn) -> Instant {
        self.end.max(turn.begun + FIRST_LINE)
    }

    /// A token of the log was stored, which may not be final.
    pub(super) fn note_token(&mut self, now: Instant) {
        self.has_token = true;
        self.end = self.end.min(now + LINGER);
    }

    /// The log broke off, or what it showed could not be stored: the next turn is about the whole log again.
    pub(super) fn forget_token(&mut self) {
        self.has_token = false;
        self.end = self.begun + WINDOW;
    }

    pub(super) fn has_token(&self) -> bool {
        self.has_token
    }

    pub(super) fn is_over(&self, now: Instant) -> bool {
        self.turns > 0 && now >= self.end
    }

    /// How urgent a log of this rank still is.
    pub(super) fn rank(&self, rank: Rank) -> Rank {
        if self.has_token { Rank::Confirming } else { rank }
    }

    /// How long a log pauses that has given its place to another, while so many logs have no place.
    pub(super) fn pause(&self, now: Instant, surplus: usize) -> Duration {
        let left = self.end.saturating_duration_since(now);
        if self.has_token {
            // Its end is read once.
            return left;
        }
        let age = now.saturating_duration_since(self.begun);
        let (shortest, longest) = PAUSES;
        let pause = (age / PART_OF_AGE).clamp(shortest, longest);
        if age < GROWN_UP {
            return pause.min(left);
        }
        let surplus = u32::try_from(surplus).unwrap_or(u32::MAX);
        pause.max(TURNOVER.saturating_mul(surplus)).min(left)
    }
}

impl Turn {
    /// When the log is silent.
    pub(super) fn silent_at(&self) -> Instant {
        self.quiet_at.min(self.busy_until)
    }

    /// The log has printed something.
    pub(super) fn note_output(&mut self, now: Instant) {
        self.quiet_at = now + QUIET;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn pause_at(age: u64, surplus: usize) -> Duration {
        let start = Instant::now();
        let mut window = Window::new(start);
        window.begin_turn(start);
        window.pause(start + seconds(age), surplus)
    }

    #[test]
    fn pauses_grow_with_the_age_of_a_log_and_with_the_logs_that_have_no_place() {
        for (age, surplus, pause) in [
            (0, 0, 1_000),
            (29, 1_000, 1_000),
            (30, 1, 1_000),
            (30, 1_000, 50_000),
            (90, 1, 3_000),
            (90, 72, 3_600),
            (500, 0, 5_000),
            // The last turn is at the end.
            (598, 1_000, 2_000),
        ] {
            let expected = Duration::from_millis(pause);
            assert_eq!(pause_at(age, surplus), expected, "{age} s, {surplus} logs");
        }
    }

    #[test]
    fn a_log_that_never_gets_to_keep_its_place_has_a_bounded_number_of_turns() {
        let start = Instant::now();
        let (mut window, mut now, mut turns) = (Window::new(start), start, 0);
        while !window.is_over(now) {
            window.begin_turn(now);
            now += window.pause(now, 0);
            turns += 1;
        }
        assert_eq!(now, start + WINDOW);
        assert!((100..=170).contains(&turns), "{turns}");
    }

    #[test]
    fn a_token_that_is_not_final_is_read_once_more_in_the_end() {
        let start = Instant::now();
        let mut window = Window::new(start);
        let turn = window.begin_turn(start);
        assert_eq!(window.end_of(&turn), start + WINDOW);
        assert_eq!(window.rank(Rank::Awaited), Rank::Awaited);
        window.note_token(start + seconds(1));
        assert_eq!(window.end_of(&turn), start + seconds(31));
        assert_eq!(window.rank(Rank::Awaited), Rank::Confirming);
        assert_eq!(window.pause(start + seconds(2), 500), seconds(29));
        assert!(window.is_over(start + seconds(31)));
        let last = window.begin_turn(start + seconds(31));
        window.note_token(start + seconds(31));
        assert_eq!(window.end_of(&last), start + seconds(32));
        window.forget_token();
        assert!(!window.is_over(start + seconds(599)));
        assert_eq!(window.rank(Rank::Awaited), Rank::Awaited);
    }

    #[test]
    fn a_log_is_silent_after_a_break_or_after_a_time_that_grows_with_its_turns() {
        let start = Instant::now();
        let mut window = Window::new(start);
        let mut turn = window.begin_turn(start);
        assert_eq!(turn.silent_at(), start + seconds(1), "nothing was printed");
        turn.note_output(start + seconds(0));
        assert_eq!(turn.silent_at(), start + QUIET);
        for most in [2, 4, 8, 16, 16] {
            let mut turn = window.begin_turn(start);
            turn.note_output(start + seconds(100));
            assert_eq!(turn.silent_at(), start + seconds(most));
        }
    }
}
