//! Every integration test of Gitmoor in one binary: linking kube and gix takes longer than most tests.

mod support;

mod golden_render;
mod kubernetes;
mod layout;
mod server;
