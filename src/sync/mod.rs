//! The GitSync loop: fetches, plans, applies, reports.
