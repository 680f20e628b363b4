//! Apply bodies and removal patches.
