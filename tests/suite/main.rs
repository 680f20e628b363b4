//! Every integration test of Gitmoor in one binary: linking kube and gix takes longer than most tests.

mod git;
mod golden_render;
mod server;
mod support;
