//! What happened, as conditions, status and sentences.
