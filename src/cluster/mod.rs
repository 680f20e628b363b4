//! The cluster: the only place that holds a client. Watches, applies, deletes, writes status and events.
