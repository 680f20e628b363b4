//! The listeners: webhooks, and health with metrics.
