//! Which of its places a source is read from: the url, and its mirrors where that cannot serve.
//!
//! The url has the last word. What it says of itself, that a branch is gone, say, or that nobody may read, no mirror
//! overrules; and it is asked again every few minutes, and whenever a push is announced.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::source::{Source, SourceError};

/// How long a mirror serves before the url is asked again.
const RETURN: Duration = Duration::from_secs(300);

/// Where a loop reads, and what it has tried. Place 0 is the url.
#[derive(Debug, Default)]
pub struct Places {
    /// Each that was opened, so that there is one cache of it.
    pub opened: HashMap<usize, Arc<Source>>,
    at: usize,
    /// When the url is asked again, while a mirror serves.
    back: Option<Instant>,
    /// What came of this round, place by place.
    failed: Vec<SourceError>,
}

/// What follows a failure.
#[derive(Debug)]
pub enum Next {
    /// Another place is tried at once.
    Another,
    /// The round is over: this is why, and what became of the mirrors.
    Over(SourceError, Vec<String>),
}

impl Places {
    /// The place that is read now.
    pub fn at(&self) -> usize {
        self.at
    }

    /// A look begins. The url is asked before a mirror that served last, where it is time, or where a push was announced.
    pub fn begin(&mut self, announced: bool, now: Instant) {
        let goes_on = !self.failed.is_empty();
        if !goes_on && (announced || self.back.is_none_or(|back| back <= now)) {
            self.at = 0;
        }
    }

    /// A look succeeded.
    pub fn succeeded(&mut self) {
        self.failed.clear();
        if self.at == 0 {
            self.back = None;
        }
    }

    /// A look failed; there are so many mirrors.
    pub fn failed(&mut self, error: SourceError, mirrors: usize, now: Instant) -> Next {
        let last_word = self.at == 0 && !error.is_of_the_server();
        if self.at == 0 {
            self.back = Some(now + RETURN);
        }
        self.failed.push(error);
        if !last_word && self.failed.len() <= mirrors {
            self.at = (self.at + 1) % (mirrors + 1);
            return Next::Another;
        }
        // The last one tried was mirror `at`; a round that began at a mirror ends there, too.
        let began = (self.at + mirrors + 2 - self.failed.len()) % (mirrors + 1);
        let mut failed = std::mem::take(&mut self.failed);
        let url = if began == 0 { 0 } else { (mirrors + 1 - began).min(failed.len() - 1) };
        let why = failed.remove(url);
        self.at = 0;
        self.back = None;
        Next::Over(why, failed.iter().map(ToString::to_string).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn away(place: usize) -> SourceError {
        SourceError::TransportFailed { url: format!("https://{place}"), why: "away".into() }
    }

    fn refuses(place: usize) -> SourceError {
        SourceError::AccessDenied { url: format!("https://{place}") }
    }

    /// Plays looks, and checks which places are read. A script has one character a try: `.` succeeds, `x` is away, `n` says
    /// no; a space begins another look, `!` one that was announced, and `_` one after some minutes.
    fn check(mirrors: usize, script: &str, expected: &str, over: Option<(&str, usize)>) {
        let (mut places, mut now) = (Places::default(), Instant::now());
        let (mut read, mut last) = (String::new(), None);
        places.begin(false, now);
        for step in script.chars() {
            let at = places.at();
            match step {
                ' ' | '!' | '_' => {
                    now += if step == '_' { RETURN } else { Duration::from_secs(1) };
                    places.begin(step == '!', now);
                    continue;
                }
                '.' => places.succeeded(),
                kind => {
                    let error = if kind == 'x' { away(at) } else { refuses(at) };
                    match places.failed(error, mirrors, now) {
                        Next::Another => places.begin(false, now),
                        Next::Over(why, others) => last = Some((why.to_string(), others.len())),
                    }
                }
            }
            read.push_str(&at.to_string());
        }
        assert_eq!(read, expected, "{script}");
        let last = last.as_ref().map(|(why, others)| (why.as_str(), *others));
        match (last, over) {
            (Some((why, others)), Some((place, count))) => {
                assert!(why.contains(place) && others == count, "{script}: {why}");
            }
            (last, over) => assert_eq!(last, over, "{script}"),
        }
    }

    #[test]
    fn the_url_is_read_as_long_as_it_serves() {
        check(2, ". . .", "000", None);
        check(0, "x x .", "000", Some(("https://0", 0)));
    }

    #[test]
    fn mirrors_are_tried_in_order_and_the_first_that_serves_goes_on() {
        check(2, "x. . .", "0111", None);
        check(2, "xx. .", "0122", None);
        check(2, "x. x.", "0112", None);
        check(2, "x.!.", "010", None);
        check(2, "x._. .", "0100", None);
        check(2, "x._x. .", "01011", None);
    }

    #[test]
    fn a_round_is_over_when_all_were_tried_and_the_urls_words_count() {
        check(2, "xxx .", "0120", Some(("https://0", 2)));
        check(1, "x. xx", "0110", Some(("https://0", 1)));
        check(2, "xx. xxx", "012201", Some(("https://0", 2)));
    }

    #[test]
    fn what_the_url_says_of_itself_no_mirror_overrules() {
        check(2, "n n", "00", Some(("https://0", 0)));
        check(2, "xn.", "012", None);
        check(1, "x._n", "010", Some(("https://0", 0)));
        check(1, "x. nn", "0110", Some(("https://0", 1)));
    }
}
