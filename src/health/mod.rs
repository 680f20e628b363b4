//! Health of a MicroService, computed from its children alone.
