//! Where a walk through both objects is, without building a pointer at every step.

use std::cmp::Ordering;

use crate::model::pointer::{Pointer, index};

/// The steps from the root to the current place, in both objects.
#[derive(Debug, Default)]
pub(super) struct Trail<'a>(Vec<Seg<'a>>);

/// One step.
#[derive(Debug, Clone, Copy)]
pub(super) enum Seg<'a> {
    /// A field.
    Field(&'a str),
    /// An item, whose places in the two lists may differ.
    Item {
        /// Its index in the declared list.
        declared: usize,
        /// Its index in the live list.
        live: usize,
    },
}

impl<'a> Trail<'a> {
    /// Goes one step down.
    pub(super) fn push(&mut self, seg: Seg<'a>) {
        self.0.push(seg);
    }

    /// Goes one step up.
    pub(super) fn pop(&mut self) {
        self.0.pop();
    }

    /// The place in the live object.
    pub(super) fn live(&self) -> Pointer {
        self.pointer(|_, live| live)
    }

    /// The place in the declared object.
    pub(super) fn declared(&self) -> Pointer {
        self.pointer(|declared, _| declared)
    }

    fn pointer(&self, place: impl Fn(usize, usize) -> usize) -> Pointer {
        let text = |seg: &Seg<'_>| match *seg {
            Seg::Field(name) => name.to_owned(),
            Seg::Item { declared, live } => place(declared, live).to_string(),
        };
        self.0.iter().map(text).collect()
    }
}

/// The order of places: fields by name, items by number.
pub(super) fn by_place(one: &Pointer, other: &Pointer) -> Ordering {
    let steps = one.segments().iter().zip(other.segments());
    let mut by_step = steps.map(|(one, other)| match (index(one), index(other)) {
        (Some(one), Some(other)) => one.cmp(&other),
        _ => one.cmp(other),
    });
    by_step
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
        .then_with(|| one.segments().len().cmp(&other.segments().len()))
}
