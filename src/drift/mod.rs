//! Drift: compares declared and live in one form, attributes each difference, and says how to correct it.
