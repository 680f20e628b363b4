//! Patterns of names and of places in an object, as people write them in rules. What matches one is decided in a walk
//! along the text: no pattern, however it is made, costs more than its length times that of what it is held against.

use std::fmt;

use serde_json::Value;

use super::pointer::{Pointer, index};

/// Steps that a [`PathPattern`] may have; objects of Kubernetes are hardly half as deep.
pub const MOST_STEPS: usize = 32;

/// A text in which `*` stands for any text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glob {
    /// What is between the stars; one piece where there is none.
    pieces: Box<[Box<str>]>,
}

impl Glob {
    /// Every text is one.
    pub fn new(text: &str) -> Self {
        Self { pieces: text.split('*').map(Into::into).collect() }
    }

    /// Whether it stands for the whole text.
    pub fn fits(&self, text: &str) -> bool {
        let Some((first, rest)) = self.pieces.split_first() else { return text.is_empty() };
        let Some((last, middle)) = rest.split_last() else { return text == &**first };
        let left = text.strip_prefix(&**first).and_then(|left| left.strip_suffix(&**last));
        // The first place where a piece fits leaves the most for the others.
        let after = |left: &mut &str, piece: &str| {
            let at = left.find(piece)?;
            *left = left.get(at + piece.len()..)?;
            Some(())
        };
        left.is_some_and(|mut left| middle.iter().all(|piece| after(&mut left, piece).is_some()))
    }

    /// The text, where it stands for one only.
    pub fn literal(&self) -> Option<&str> {
        match &*self.pieces {
            [whole] => Some(whole),
            _ => None,
        }
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.pieces.join("*"))
    }
}

/// A JSON pointer with wildcards: a place in an object and everything below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathPattern {
    text: Box<str>,
    steps: Box<[Step]>,
}

/// One step of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    /// A field by its name, or an item by its index.
    Name(Glob),
    /// An item of a list by some of its fields: `[name=web]`.
    Item(Box<[(Box<str>, Glob)]>),
    /// Any number of steps: `**`.
    Deep,
}

/// Why a text is no [`PathPattern`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// It does not begin at the object.
    #[error("it does not begin with a slash")]
    NoSlash,
    /// Two slashes, or one at the end.
    #[error("a step of it is empty")]
    EmptyStep,
    /// A `~` that is neither `~0` nor `~1`.
    #[error("~ is written ~0, and / within a step ~1")]
    Escape,
    /// More than [`MOST_STEPS`].
    #[error("it has more than {MOST_STEPS} steps")]
    TooDeep,
    /// Brackets with something else in them.
    #[error("an item of a list is written [name=web], or [port=80,protocol=TCP] where one field is not enough")]
    Item,
}

/// How far along a pattern some walks are: bit `n` says that one stands before step `n`.
type Places = u64;

impl PathPattern {
    /// Reads a pattern.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let rest = text.strip_prefix('/').ok_or(PatternError::NoSlash)?;
        let mut steps = Vec::new();
        for step in rest.split('/') {
            if steps.len() == MOST_STEPS {
                return Err(PatternError::TooDeep);
            }
            steps.push(Step::parse(step)?);
        }
        Ok(Self { text: text.into(), steps: steps.into() })
    }

    /// The steps from the root on that stand for one name each.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().map_while(|step| match step {
            Step::Name(name) => name.literal(),
            Step::Item(_) | Step::Deep => None,
        })
    }

    /// Whether a place in an object, or something around it, is meant. A value that stands there fits, too, where
    /// everything in it does.
    pub fn fits(&self, pointer: &Pointer, object: &Value, value: Option<&Value>) -> bool {
        let (mut places, mut around) = (self.rest(1), Some(object));
        for segment in pointer.segments() {
            if self.is_through(places) {
                return true;
            }
            let item = match around {
                Some(Value::Array(list)) => index(segment).and_then(|at| list.get(at)),
                _ => None,
            };
            places = self.step(places, segment, item);
            around = match around {
                Some(Value::Object(map)) => map.get(segment),
                _ => item,
            };
        }
        self.is_through(places) || value.is_some_and(|value| self.fits_within(places, value))
    }

    /// Whether everything in a value is meant.
    fn fits_within(&self, places: Places, value: &Value) -> bool {
        if self.is_through(places) {
            return true;
        }
        match value {
            _ if places == 0 => false,
            Value::Object(map) if !map.is_empty() => {
                map.iter().all(|(name, value)| self.fits_within(self.step(places, name, None), value))
            }
            Value::Array(list) if !list.is_empty() => list.iter().enumerate().all(|(at, item)| {
                let places = self.step(places, &at.to_string(), Some(item));
                self.fits_within(places, item)
            }),
            _ => false,
        }
    }

    fn is_through(&self, places: Places) -> bool {
        places & (1 << self.steps.len()) != 0
    }

    /// Where walks are after one step; `item` is what it leads to in a list.
    fn step(&self, places: Places, segment: &str, item: Option<&Value>) -> Places {
        let mut next = 0;
        for (at, step) in self.steps.iter().enumerate().filter(|(at, _)| places & (1 << at) != 0) {
            match step {
                Step::Deep => next |= 1 << at,
                Step::Name(name) if name.fits(segment) => next |= 1 << (at + 1),
                Step::Item(fields) if item.is_some_and(|item| has_all(item, fields)) => next |= 1 << (at + 1),
                Step::Name(_) | Step::Item(_) => {}
            }
        }
        self.rest(next)
    }

    /// The same walks, and those that take no step where any number will do.
    fn rest(&self, places: Places) -> Places {
        let passes = |places: Places, at: usize| if places & (1 << at) == 0 { places } else { places | 1 << (at + 1) };
        let deep = self.steps.iter().enumerate().filter(|(_, step)| **step == Step::Deep);
        deep.fold(places, |places, (at, _)| passes(places, at))
    }
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Step {
    fn parse(text: &str) -> Result<Self, PatternError> {
        if text.is_empty() {
            return Err(PatternError::EmptyStep);
        }
        let mut after = text.split('~').skip(1);
        if !after.all(|rest| rest.starts_with(['0', '1'])) {
            return Err(PatternError::Escape);
        }
        let Some(inner) = text.strip_prefix('[') else {
            return Ok(if text == "**" { Self::Deep } else { Self::Name(Glob::new(&unescaped(text))) });
        };
        let inner = inner.strip_suffix(']').filter(|inner| !inner.contains(']')).ok_or(PatternError::Item)?;
        let field = |text: &str| {
            let (name, value) = text.split_once('=').ok_or(PatternError::Item)?;
            let plain = !name.is_empty() && !value.is_empty() && !name.contains(['[', '~']);
            plain.then(|| (name.into(), Glob::new(&unescaped(value)))).ok_or(PatternError::Item)
        };
        Ok(Self::Item(inner.split(',').map(field).collect::<Result<_, _>>()?))
    }
}

fn unescaped(text: &str) -> String {
    text.replace("~1", "/").replace("~0", "~")
}

fn has_all(item: &Value, fields: &[(Box<str>, Glob)]) -> bool {
    fields.iter().all(|(name, wanted)| match item.get(&**name) {
        Some(Value::String(text)) => wanted.fits(text),
        Some(number @ (Value::Number(_) | Value::Bool(_))) => wanted.fits(&number.to_string()),
        _ => false,
    })
}

#[cfg(test)]
mod tests;
