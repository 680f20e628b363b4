//! What a release is installed from: made of deploy/, fresh, and the same whichever way it is rendered.

mod chart;
mod dockerfile;
mod generated;
mod helm;
mod rendered;
mod schemas;
