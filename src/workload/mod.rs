//! Renders a MicroService into its children: one file per child kind.
