//! Bytes as a row of choices, so that any input makes an object that means something, and a changed byte another one.

use serde_json::{Map, Value, json};

/// What is left of the bytes; where they end, each choice is the first.
pub struct Choices<'a>(&'a [u8]);

impl<'a> Choices<'a> {
    /// From the first byte on.
    pub fn of(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// A number below a bound.
    pub fn below(&mut self, bound: usize) -> usize {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        usize::from(*first) % bound.max(1)
    }

    /// One of these.
    pub fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())].clone()
    }

    /// Whether there is nothing left to choose by.
    pub fn is_over(&self) -> bool {
        self.0.is_empty()
    }

    /// Any JSON of some words, not too deep.
    pub fn json(&mut self, words: &[&str], depth: usize) -> Value {
        match self.below(if depth == 0 { 6 } else { 9 }) {
            0 => Value::Null,
            1 => json!(self.below(2) == 1),
            2 => json!(self.below(256)),
            3 => json!(self.pick(words)),
            4 => json!({}),
            5 => json!([]),
            6 => (0..self.below(4)).map(|_| self.json(words, depth - 1)).collect(),
            _ => {
                let mut map = Map::new();
                for _ in 0..self.below(5) {
                    map.insert(self.pick(words).to_owned(), self.json(words, depth - 1));
                }
                map.into()
            }
        }
    }
}
