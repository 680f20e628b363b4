//! Integration tests: one binary, one module per concern.

mod golden_render;
