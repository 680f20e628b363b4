//! What manifests come to, case by case.
