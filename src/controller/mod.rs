//! The MicroService loop: renders, applies, observes, reports.

mod queue;
